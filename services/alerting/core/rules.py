"""One rule of a group at work: its query, the series that it selects, its alerts, or the error that it is held in."""

from collections.abc import Mapping

import numpy as np

from shared.messages.alerts import alert_id
from shared.messages.rules import AlertingRule, RecordingRule
from shared.messages.series import NAME, labels_of
from shared.promql.errors import BadQuery, QueryFailed
from shared.promql.evaluation import Vector
from shared.promql.syntax import Query, parse
from shared.promql.windows import Flags, Ints
from shared.rules.state import Alert, Element, Timers

ALERTNAME = "alertname"
SEVERITY = "severity"


class RuleAtWork:
    """A rule with its alerts. `error` says why it can't be evaluated, where that is so."""

    def __init__(self, group: str, rule: AlertingRule | RecordingRule, alerts: dict[str, Alert] | None = None) -> None:
        self.group, self.rule = group, rule
        self.alerts: dict[str, Alert] = alerts or {}
        self.query: Query | None = None
        self.error: str | None = None
        try:
            if isinstance(rule, RecordingRule):
                raise BadQuery("recording rules are not supported by this version")
            self.query = parse(rule.expr)
        except BadQuery as error:
            self.error = str(error)
        own = {ALERTNAME, *rule.labels} | ({SEVERITY} if isinstance(rule, AlertingRule) else set())
        self._own_labels = frozenset(own)
        self._rows: dict[int, str] = {}
        self._array: Ints | None = None
        self._alerts_of: dict[int, tuple[str, dict[str, str]]] = {}
        self._overridden: set[int] = set()
        self._member: Flags = np.zeros(8, np.bool_)

    @property
    def timers(self) -> Timers:
        """What the rule asks the state machine for."""
        if isinstance(self.rule, RecordingRule):
            return Timers()
        return Timers(self.rule.for_ms, self.rule.keep_firing_for_ms)

    @property
    def threshold(self) -> float | None:
        """The number that the rule compares with."""
        return None if self.query is None else self.query.number

    def selects(self, key: str) -> bool:
        """Whether the rule's query needs this series."""
        return self.query is not None and any(selector.matches(labels_of(key)) for selector in self.query.selectors)

    def watch(self, row: int, key: str) -> None:
        """A series that it selects is in this row of the windows."""
        self._rows[row] = key
        self._array = None
        if row >= len(self._member):
            more = max(row + 1 - len(self._member), len(self._member))
            self._member = np.concatenate([self._member, np.zeros(more, np.bool_)])
        self._member[row] = True
        if not self._own_labels.isdisjoint(labels_of(key)):
            self._overridden.add(row)

    def unwatch(self, row: int) -> None:
        """The row's series is forgotten."""
        if self._rows.pop(row, None) is not None:
            self._array = None
            self._member[row] = False
            self._alerts_of.pop(row, None)
            self._overridden.discard(row)

    @property
    def rows(self) -> Ints:
        """The rows that it watches, ascending."""
        if self._array is None:
            self._array = np.array(sorted(self._rows), np.int64)
        return self._array

    def watches(self, rows: Ints) -> Flags:
        """Which of these rows it watches."""
        known = rows < len(self._member)
        return known & self._member[np.where(known, rows, 0)]

    @property
    def may_collide(self) -> bool:
        """Whether two of its series could stand for one alert: then none can be looked at alone."""
        return bool(self._overridden) or (
            self.query is not None and any(one.metric is None for one in self.query.selectors)
        )

    def alert_of(self, row: int) -> tuple[str, dict[str, str]]:
        """Id and labels of the alert that the series in this row stands for."""
        found = self._alerts_of.get(row)
        if found is None:
            labels = alert_labels(self.rule, labels_of(self._rows[row]))
            found = self._alerts_of[row] = (alert_id(self.group, self.rule.name, labels), labels)
        return found

    def elements(self, vector: Vector) -> dict[str, Element]:
        """A result, by alert id. QueryFailed if two elements stand for the same alert."""
        found: dict[str, Element] = {}
        for row, value in zip(vector.rows.tolist(), vector.values.tolist(), strict=True):
            key, labels = self.alert_of(row)
            if key in found:
                raise QueryFailed(f"two series of the result stand for one alert, with the labels {labels}"[:500])
            found[key] = Element(labels, value, (self._rows[row],))
        return found


def alert_labels(rule: AlertingRule | RecordingRule, series: Mapping[str, str]) -> dict[str, str]:
    """The alert's labels: the series' own, over them severity and the rule's, over all its name, as Prometheus."""
    labels = {name: value for name, value in series.items() if name != NAME}
    if isinstance(rule, AlertingRule):
        labels[SEVERITY] = rule.severity
    labels |= rule.labels
    labels[ALERTNAME] = rule.name
    return {name: value for name, value in sorted(labels.items()) if value}
