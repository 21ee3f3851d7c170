"""One rule group at work: its windows, its rules and their alerts, evaluated at instants of event time.

Three kinds of evaluation:
- at an instant of the grid: all series; what is not in the result is over, unless the instant is unknown;
- on arrival (immediate groups): only the series that got samples, of which alone something is concluded;
- once after its windows were filled (immediate groups): all series, only what holds is concluded.

Each series rises strictly in instants: a grid instant that is not after its last evaluation on arrival passes it by.
"""

from collections.abc import Callable, Collection, Iterator

import msgspec
import numpy as np

from services.alerting.core import events
from services.alerting.core.inputs import GroupSamples, RuleChange
from services.alerting.core.outputs import Failure, Outputs
from services.alerting.core.rules import RuleAtWork
from services.alerting.core.terms import Terms
from shared.messages.rules import AlertingRule, RuleGroup
from shared.promql.errors import QueryFailed
from shared.promql.evaluation import evaluate
from shared.promql.windows import Ints, Origin, StoredWindows, Windows
from shared.rules.state import Alert, Step, end, step


class StoredGroup(msgspec.Struct, frozen=True):
    """A group at work, to be kept."""

    change: RuleChange
    effective_ms: int
    last_tick_ms: int
    dark_ms: int
    filled: bool
    ended: dict[str, int]
    alerts: list[dict[str, Alert]]
    windows: StoredWindows


class GroupAtWork:
    """The fold's state of one group."""

    def __init__(self, change: RuleChange, definition: RuleGroup, terms: Terms) -> None:
        self.change, self.definition, self._terms = change, definition, terms
        self.effective_ms = change.accepted_ms
        """The group counts since then: what was accepted earlier only fills its windows."""
        self.last_tick_ms = change.accepted_ms - 1
        self.dark_ms = 0
        self.filled = False
        """Whether the windows of the current revision have been filled."""
        self.windows = Windows()
        self._ended: dict[str, int] = {}
        """The last instants of alerts that are over, where they are not before the last tick anyway."""
        self.rules = [RuleAtWork(definition.name, rule) for rule in definition.rules]
        self._note_twins()

    @property
    def name(self) -> str:
        """The group's name."""
        return self.definition.name

    @property
    def interval_ms(self) -> int:
        """The distance of its grid."""
        return self.definition.interval_ms or self._terms.evaluation_interval_ms

    @property
    def next_tick_ms(self) -> int:
        """The next instant of its grid."""
        return (self.last_tick_ms // self.interval_ms + 1) * self.interval_ms

    @property
    def floor_ms(self) -> int:
        """No evaluation to come sees samples up to here."""
        return self.last_tick_ms - self._terms.lookback_ms

    def replace(self, change: RuleChange, definition: RuleGroup) -> Iterator[Outputs]:
        """Go on with a new revision: windows and the alerts of rules that persist stay; those of others are over."""
        before, had = self.rules, self.definition
        self.change, self.definition, self.filled = change, definition, False
        left = list(before)
        self.rules = []
        for rule in definition.rules:
            same = next((one for one in left if one.rule.name == rule.name and one.rule.kind == rule.kind), None)
            if same is not None:
                left.remove(same)
            self.rules.append(RuleAtWork(self.name, rule, same.alerts if same else None))
        self._note_twins()
        for key, row in list(self.windows.rows.items()):
            if not self._watch(row, key):
                self.windows.remove([key])
        outputs = Outputs()
        for gone in left:
            self._tell(outputs, had, gone, end(gone.alerts, change.accepted_ms))
        yield outputs

    @property
    def last_instant_ms(self) -> int:
        """No evaluation was later."""
        alerts = (alert.evaluated_ms for rule in self.rules for alert in rule.alerts.values())
        return max(self.last_tick_ms, *self._ended.values(), *alerts, 0)

    def close(self, instant_ms: int) -> Iterator[Outputs]:
        """The group is gone: its alerts are over."""
        outputs = Outputs()
        for rule in self.rules:
            self._tell(outputs, self.definition, rule, end(rule.alerts, instant_ms))
        yield outputs

    def take(self, message: GroupSamples) -> Iterator[Outputs]:
        """Samples arrive."""
        outputs = Outputs()
        rows_of = np.array([self._row(key) for key in message.series], np.int64)
        index, times, values = message.columns()
        rows = rows_of[index]
        good = rows >= 0
        outputs.refused["not_selected"] += int((~good).sum())
        late = good & (times <= self.floor_ms)
        future = good & (times > message.accepted_ms + self._terms.most_ahead_ms)
        if not message.fill:
            outputs.refused["late"] += int(late.sum())
        outputs.refused["future"] += int(future.sum())
        good &= ~late & ~future
        rows, times, values = rows[good], times[good], values[good]
        overflowed = self.windows.overflowed
        origin = Origin(message.partition, message.offset, message.accepted_ms)
        fresh = self.windows.append(rows, times, values, origin, self.floor_ms)
        outputs.refused["window_full"] += self.windows.overflowed - overflowed
        yield outputs
        if self.definition.immediate and not message.fill and message.accepted_ms >= self.effective_ms:
            yield from self._arrive(rows[fresh], times[fresh], message.accepted_ms)

    def tick(self, instant_ms: int, known: bool) -> Iterator[Outputs]:
        """Evaluate at an instant of the grid."""
        if not known:
            self.dark_ms += instant_ms - self.last_tick_ms
            yield Outputs(unknown_instants=1)
        # At an unknown instant what holds is concluded, and nothing from what is missing.
        nothing: Collection[str] | None = () if not known else None
        for rule in self.rules:
            rows = rule.rows
            rows = rows[self.windows.decided[rows] < instant_ms]
            decided_later = self._decided_at_or_after(rule, instant_ms)
            concluded = nothing if not decided_later or nothing is not None else rule.alerts.keys() - decided_later
            yield self._evaluate(rule, rows, instant_ms, lambda _, concluded=concluded: concluded)  # type: ignore[misc]
        self.last_tick_ms = instant_ms
        self._ended = {key: ended for key, ended in self._ended.items() if ended > instant_ms}
        if instant_ms // self._terms.lookback_ms != (instant_ms - self.interval_ms) // self._terms.lookback_ms:
            self._forget()

    def begin(self) -> Iterator[Outputs]:
        """The windows of this revision are filled."""
        self.filled = True
        if not self.definition.immediate:
            return
        instant = max(self.change.accepted_ms, self.last_tick_ms + 1)
        for rule in self.rules:
            rows = rule.rows
            yield self._evaluate(rule, rows[self.windows.decided[rows] < instant], instant, lambda _: ())
        self.last_tick_ms = instant

    def store(self) -> StoredGroup:
        """What there is to keep."""
        return StoredGroup(
            change=self.change,
            effective_ms=self.effective_ms,
            last_tick_ms=self.last_tick_ms,
            dark_ms=self.dark_ms,
            filled=self.filled,
            ended=self._ended,
            alerts=[rule.alerts for rule in self.rules],
            windows=self.windows.store(self.floor_ms),
        )

    @classmethod
    def restore(cls, stored: StoredGroup, definition: RuleGroup, terms: Terms) -> "GroupAtWork":
        """The group that was stored."""
        group = cls(stored.change, definition, terms)
        group.effective_ms, group.last_tick_ms = stored.effective_ms, stored.last_tick_ms
        group.dark_ms, group.filled = stored.dark_ms, stored.filled
        group._ended = dict(stored.ended)
        group.windows = Windows.restore(stored.windows)
        for rule, alerts in zip(group.rules, stored.alerts, strict=True):
            rule.alerts = dict(alerts)
        for key, row in group.windows.rows.items():
            group._watch(row, key)
        return group

    def _arrive(self, rows: Ints, times: Ints, accepted_ms: int) -> Iterator[Outputs]:
        """Evaluate the rows that got these samples, each sample at its own instant, in the order of time."""
        order = np.argsort(times, kind="stable")
        rows, times = rows[order], np.minimum(times[order], accepted_ms + self._terms.clock_tolerance_ms)
        while len(rows):
            # The next sample of each row; a row may have several.
            first = np.sort(np.unique(rows, return_index=True)[1])
            at = rows[first]
            instants = np.maximum(times[first], np.maximum(self.windows.decided[at], self.last_tick_ms) + 1)
            for instant in np.unique(instants).tolist():
                now = at[instants == instant]
                self.windows.decided[now] = instant
                for rule in self.rules:
                    mine = now[rule.watches(now)]
                    if len(mine):
                        yield self._evaluate_arrived(rule, mine, instant)
            rest = np.ones(len(rows), np.bool_)
            rest[first] = False
            rows, times = rows[rest], times[rest]

    def _evaluate_arrived(self, rule: RuleAtWork, rows: Ints, instant_ms: int) -> Outputs:
        def concluded(only: RuleAtWork) -> Collection[str]:
            return {only.alert_of(row)[0] for row in rows.tolist()} if only.alerts else ()

        return self._evaluate(rule, rule.rows if rule.may_collide else rows, instant_ms, concluded)

    def _evaluate(
        self, rule: RuleAtWork, rows: Ints, instant_ms: int, concluded: Callable[[RuleAtWork], Collection[str] | None]
    ) -> Outputs:
        outputs = Outputs()
        if rule.query is None or not isinstance(rule.rule, AlertingRule):
            return outputs  # held, with its reason in `rule.error`
        outputs.evaluations = 1
        try:
            active = rule.elements(evaluate(rule.query, self.windows, rows, instant_ms, self._terms.lookback_ms))
            self._check_twins(rule, active.keys())
            over = concluded(rule)
            self._check_limit(rule, active.keys() if over is None else active.keys() | rule.alerts.keys())
        except QueryFailed as error:
            outputs.failures.append(Failure(self.name, rule.rule.name, str(error)))
            return outputs
        if active or rule.alerts:
            stepped = step(rule.timers, rule.alerts, active, over, instant_ms, self.dark_ms, self._ended)
            self._tell(outputs, self.definition, rule, stepped)
        return outputs

    def _note_twins(self) -> None:
        """Rules of one name could stand for one alert."""
        self._twins = {
            id(rule): [one for one in self.rules if one is not rule and one.rule.name == rule.rule.name]
            for rule in self.rules
        }

    def _check_twins(self, rule: RuleAtWork, active: Collection[str]) -> None:
        for twin in self._twins[id(rule)]:
            if both := twin.alerts.keys() & set(active):
                labels = twin.alerts[min(both)].labels
                raise QueryFailed(f"another rule of this name has the alert with the labels {labels}"[:500])

    def _check_limit(self, rule: RuleAtWork, then: Collection[str]) -> None:
        limit = self.definition.limit
        if limit and len(then) > limit and not rule.alerts.keys() >= set(then):
            raise QueryFailed(f"{len(then)} alerts are more than the group's limit of {limit}: none is begun or ended")

    def _tell(self, outputs: Outputs, definition: RuleGroup, rule: RuleAtWork, stepped: Step) -> None:
        for key, alert in stepped.alerts.items():
            if alert is None:
                del rule.alerts[key]
            else:
                rule.alerts[key] = alert
        if not isinstance(rule.rule, AlertingRule):
            return
        for transition in stepped.transitions:
            if transition.alert.id not in rule.alerts:
                self._ended[transition.alert.id] = transition.alert.evaluated_ms
            series = [key for key in transition.alert.series if key in self.windows.rows]
            because = events.evidence(self.windows, series, transition.alert.since_ms, self._terms.lookback_ms)
            event = events.event(definition, rule.rule, rule.threshold, transition, because)
            outputs.events.append(event)
            outputs.current.append((event.alert_id, events.current(definition, rule.rule, event)))

    def _decided_at_or_after(self, rule: RuleAtWork, instant_ms: int) -> set[str]:
        """The alerts of those series that were already evaluated, on arrival, at this instant or later."""
        if not self.definition.immediate or not rule.alerts:
            return set()
        rows = rule.rows
        return {rule.alert_of(row)[0] for row in rows[self.windows.decided[rows] >= instant_ms].tolist()}

    def _row(self, key: str) -> int:
        row = self.windows.rows.get(key)
        if row is not None:
            return row
        if not any(rule.selects(key) for rule in self.rules):
            return -1
        row = self.windows.add(key)
        self._watch(row, key)
        return row

    def _watch(self, row: int, key: str) -> bool:
        watching = [rule for rule in self.rules if rule.selects(key)]
        for rule in watching:
            rule.watch(row, key)
        return bool(watching)

    def _forget(self) -> None:
        for key in (gone := self.windows.idle(self.floor_ms)):
            for rule in self.rules:
                rule.unwatch(self.windows.rows[key])
        self.windows.remove(gone)
