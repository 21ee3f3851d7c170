"""Rule groups and active alerts as Prometheus' API tells them.

What is told follows `web/api/v1/api.go` of Prometheus 3, filter by filter and field by field; docs/prometheus.md says
what differs. Groups that are switched off are not in force, so they are not listed, and alerts of shadow rules are
nobody's business: their rules are listed as inactive.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from services.api.core.alerts import Told
from services.api.core.prometheus_bodies import (
    AlertDiscovery,
    AlertState,
    Health,
    PrometheusAlert,
    PrometheusAlertingRule,
    PrometheusGroup,
    PrometheusRecordingRule,
    RuleDiscovery,
)
from services.api.core.prometheus_query import BadParameter, RulesQuery
from shared.messages.message import content_id, instant_to_text
from shared.messages.rules import AlertingRule, GroupStatus, RecordingRule, RuleGroup
from shared.promql.errors import BadQuery
from shared.promql.go_numbers import scientific
from shared.promql.parsing import parse_expression
from shared.promql.printing import write_expression

# Go's zero time: what Prometheus says of a rule that was not evaluated yet.
NEVER = "0001-01-01T00:00:00Z"
FROM_API = "api"
UNKNOWN_FILE = "file"


@dataclass(frozen=True)
class Known:
    """What is told from: the groups in force, how they are evaluated, what is active."""

    groups: Mapping[str, RuleGroup]
    statuses: Mapping[str, GroupStatus]
    told: Iterable[Told]
    files: Mapping[str, str]
    """The file of each group that is known to come from one."""
    interval_ms: int
    """Of groups that name none."""


def find_rules(query: RulesQuery, known: Known) -> RuleDiscovery:
    """The groups that hold wanted rules, by file and name. BadParameter if the token leads nowhere."""
    alerts: defaultdict[str, list[Told]] = defaultdict(list)
    for one in known.told:
        alerts[one.group].append(one)
    ordered = sorted((_file(group, known.files), group.name) for group in known.groups.values() if group.enabled)
    if query.next_token:
        ordered = _from_token(ordered, query.next_token)
    found: list[PrometheusGroup] = []
    for file, name in ordered:
        if (query.groups and name not in query.groups) or (query.files and file not in query.files):
            continue
        told = _Group(known.groups[name], known.statuses.get(name), alerts[name], query, known.interval_ms).told(file)
        if not told["rules"]:
            continue
        if query.group_limit is not None and len(found) == query.group_limit:
            return RuleDiscovery(groups=found, groupNextToken=_token(file, name))
        found.append(told)
    return RuleDiscovery(groups=found)


def find_alerts(told: Iterable[Told]) -> AlertDiscovery:
    """The active alerts, by group and rule."""
    ordered = sorted(told, key=lambda one: (one.group, one.rule, one.episode, one.alert_id))
    return AlertDiscovery(alerts=[_alert(one) for one in ordered])


class _Group:
    """One group on its way out."""

    def __init__(
        self,
        group: RuleGroup,
        status: GroupStatus | None,
        alerts: Iterable[Told],
        query: RulesQuery,
        interval_ms: int,
    ) -> None:
        self._group, self._status, self._query = group, status, query
        self._interval_ms = interval_ms if group.interval_ms is None else group.interval_ms
        self._alerts = _by_place(group, alerts)
        instant = None if status is None else status.last_instant
        self._last_evaluation = NEVER if instant is None else instant_to_text(instant)
        self._evaluation_time = 0.0 if status is None else status.evaluation_seconds

    def told(self, file: str) -> PrometheusGroup:
        """The group with the rules that are wanted."""
        return PrometheusGroup(
            name=self._group.name,
            file=file,
            rules=[
                self._alerting(place, rule) if isinstance(rule, AlertingRule) else self._recording(place, rule)
                for place, rule in enumerate(self._group.rules)
                if self._query.wants(rule)
            ],
            interval=self._interval_ms / 1000,
            limit=self._group.limit,
            evaluationTime=self._evaluation_time,
            lastEvaluation=self._last_evaluation,
        )

    def _alerting(self, place: int, rule: AlertingRule) -> PrometheusAlertingRule:
        active = self._alerts.get(place, [])
        states: set[str] = {one.state for one in active}
        state: AlertState = "firing" if "firing" in states else "pending" if "pending" in states else "inactive"
        health, reason = self._health(place)
        told = PrometheusAlertingRule(
            state=state,
            name=rule.name,
            query=_query_text(rule.expr),
            duration=rule.for_ms / 1000,
            keepFiringFor=rule.keep_firing_for_ms / 1000,
            labels=rule.labels,
            annotations=rule.annotations,
            alerts=None if self._query.exclude_alerts else [_alert(one) for one in active],
            health=health,
            evaluationTime=self._evaluation_time,
            lastEvaluation=self._last_evaluation,
            type="alerting",
        )
        if reason:
            told["lastError"] = reason
        return told

    def _recording(self, place: int, rule: RecordingRule) -> PrometheusRecordingRule:
        health, reason = self._health(place)
        told = PrometheusRecordingRule(
            name=rule.name,
            query=_query_text(rule.expr),
            labels=rule.labels,
            health=health,
            evaluationTime=self._evaluation_time,
            lastEvaluation=self._last_evaluation,
            type="recording",
        )
        if reason:
            told["lastError"] = reason
        return told

    def _health(self, place: int) -> tuple[Health, str]:
        """Of the rule at `place`, with its error. What nobody has said yet of this very version is unknown."""
        status = self._status
        if status is None or status.version != self._group.version or status.state == "filling":
            return "unknown", ""
        if status.state == "refused":
            return "err", status.reason or "the group is refused"
        for problem in status.problems:
            if problem.place == place:
                return "err", problem.reason
        complete = status.problem_count <= len(status.problems)
        return ("ok" if complete and status.last_instant is not None else "unknown"), ""


def _by_place(group: RuleGroup, alerts: Iterable[Told]) -> dict[int, list[Told]]:
    """The alerts of each rule, by the rule's place. Of rules of one name that which made it, as far as one can tell."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, rule in enumerate(group.rules):
        if isinstance(rule, AlertingRule):
            places[rule.name].append(place)
    found: defaultdict[int, list[Told]] = defaultdict(list)
    for one in sorted(alerts, key=lambda one: (one.episode, one.alert_id)):
        candidates = places.get(one.rule)
        if candidates is not None:
            found[_maker(group, candidates, one)].append(one)
    return found


def _maker(group: RuleGroup, candidates: list[int], told: Told) -> int:
    if len(candidates) > 1:
        for place in candidates:
            rule = group.rules[place]
            if isinstance(rule, AlertingRule) and told.rule_version == rule.version:
                return place
        for place in candidates:
            if group.rules[place].expr == told.expr:
                return place
    return candidates[0]


def _alert(told: Told) -> PrometheusAlert:
    return PrometheusAlert(
        labels=told.labels,
        annotations=told.annotations,
        state="firing" if told.state == "firing" else "pending",
        activeAt=instant_to_text(told.episode),
        value=scientific(told.value),
    )


@lru_cache(maxsize=16_384)
def _query_text(expr: str) -> str:
    try:
        return write_expression(parse_expression(expr))
    except BadQuery:  # alerting tells what is wrong with it; here it is shown as it is
        return expr


def _file(group: RuleGroup, files: Mapping[str, str]) -> str:
    return FROM_API if group.origin == "api" else files.get(group.name, UNKNOWN_FILE)


def _token(file: str, name: str) -> str:
    return content_id("group_next_token", file, name)


def _from_token(ordered: list[tuple[str, str]], token: str) -> list[tuple[str, str]]:
    for place, (file, name) in enumerate(ordered):
        if _token(file, name) == token:
            return ordered[place:]
    raise BadParameter("group_next_token", f"invalid group_next_token '{token}'. were rule groups changed?")
