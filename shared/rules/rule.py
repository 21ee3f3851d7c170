"""One rule at an instant, pure: (state, outcome of its query, moment) -> (state, transitions, recorded samples)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from shared.messages.alerts import Evidence
from shared.messages.rules import AlertingRule
from shared.messages.series import NAME
from shared.promql.series_sets import METADATA, Labels, labels_from, without_labels
from shared.promql.source import Source
from shared.rules.arrived import Arrived
from shared.rules.derived import STALE_MARKER, Recorded
from shared.rules.evidence import Tracer, Witnesses
from shared.rules.expansion import Expansion, Outside
from shared.rules.identities import Identity, identity
from shared.rules.outcomes import Elements, NoOutcome, Outcome
from shared.rules.plan import GroupPlan, RulePlan
from shared.rules.state import Alert, Element, Step, Transition, step

_NOWHERE = Outside()
_SAME_LABELS = "vector contains metrics with the same labelset after applying {} labels"


class Seen(msgspec.Struct, frozen=True):
    """The element that an alert last stood for, and of when: what its annotations are expanded on. Their queries see
    what the rule saw, no more."""

    labels: dict[str, str]
    value: float
    instant_ms: int


class RuleState(msgspec.Struct, frozen=True):
    """What a rule remembers from one evaluation to the next."""

    alerts: dict[str, Alert] = {}
    seen: dict[str, Seen] = {}
    made: tuple[Labels, ...] = ()
    """The series that it made last: those that it makes no more get a staleness marker."""


@dataclass(frozen=True)
class Decision:
    """A transition with what is told of it. The evidence is empty where it was not asked for."""

    group: str
    rule: AlertingRule
    transition: Transition
    annotations: dict[str, str]
    message: str
    evidence: Evidence


@dataclass(frozen=True)
class RuleEvaluation:
    """What one rule brings forth."""

    state: RuleState
    decisions: Sequence[Decision] = ()
    recorded: Sequence[Recorded] = ()
    failure: str | None = None


@dataclass(frozen=True)
class Moment:
    """An instant of evaluation as rules are told of it."""

    instant_ms: int
    known: bool
    dark_ms: int
    """The group's dark time up to here."""
    ended: Mapping[str, int] = field(default_factory=dict)
    """See `GroupState`."""
    arrived: Arrived | None = None
    """The samples whose arrival is the occasion; None on the grid."""


def evaluate_rule(
    plan: GroupPlan,
    rule: RulePlan,
    state: RuleState,
    outcome: Outcome,
    source: Source,
    moment: Moment,
    outside: Outside = _NOWHERE,
    twins: frozenset[str] = frozenset(),
    with_evidence: bool = True,
    tracer: Tracer | None = None,
) -> RuleEvaluation:
    """What a rule makes of the outcome of its query."""
    if isinstance(outcome, NoOutcome):
        return RuleEvaluation(state, failure=outcome.reason)
    if not moment.known and not rule.is_direct:
        outcome = []
    if moment.arrived is not None:
        outcome = _concerned(rule, outcome, moment.arrived)
    if isinstance(rule.rule, AlertingRule):
        work = _Alerting(plan, rule, rule.rule, source, moment, outside, with_evidence, tracer)
        return work.evaluate(state, outcome, twins)
    return _record(plan, rule, state, outcome, moment)


def looked_at(rule: RulePlan, source: Source, moment: Moment) -> Source:
    """What a rule needs to see of a source."""
    alone = None if moment.arrived is None else moment.arrived.alone
    return alone if alone is not None and rule.is_pointwise else source


def _concerned(rule: RulePlan, elements: Elements, arrived: Arrived) -> Elements:
    """The elements that the arrived samples say something about."""
    if rule.metric is not None and rule.is_pointwise:
        if arrived.alone is not None:  # it has seen no others
            return elements
        series = arrived.of(rule.metric)
        return [one for one in elements if without_labels(one[0], METADATA) in series]
    return elements if rule.renames else [one for one in elements if arrived.concerns(one[0])]


def _record(plan: GroupPlan, rule: RulePlan, state: RuleState, elements: Elements, moment: Moment) -> RuleEvaluation:
    if plan.limit and len(elements) > plan.limit:
        return RuleEvaluation(state, failure=f"exceeded limit of {plan.limit} with {len(elements)} series")
    values: dict[Labels, float] = {}
    for labels, value in elements:
        own = labels_from({**dict(labels), NAME: rule.name, **rule.rule.labels})
        if own in values:
            return RuleEvaluation(
                state, failure="vector contains metrics with the same labelset after applying rule labels"
            )
        values[own] = value
    at = moment.instant_ms - plan.query_offset_ms
    recorded = [Recorded(labels, at, value) for labels, value in values.items()]
    gone = [labels for labels in state.made if labels not in values]
    if moment.arrived is not None:  # of what has not arrived nothing is concluded
        return RuleEvaluation(RuleState(made=(*values, *gone)), (), recorded)
    return _without(gone, RuleEvaluation(RuleState(made=tuple(values)), (), recorded), moment, at)


def _without(gone: Sequence[Labels], one: RuleEvaluation, moment: Moment, at_ms: int) -> RuleEvaluation:
    """The same with markers for series that are over, as far as that is known."""
    if not gone:
        return one
    if not moment.known:
        return replace(one, state=msgspec.structs.replace(one.state, made=(*one.state.made, *gone)))
    return replace(one, recorded=[*one.recorded, *(Recorded(labels, at_ms, STALE_MARKER) for labels in gone)])


@dataclass(frozen=True)
class _Alerting:
    """An alerting rule at an instant."""

    plan: GroupPlan
    rule: RulePlan
    definition: AlertingRule
    source: Source
    moment: Moment
    outside: Outside
    with_evidence: bool
    tracer: Tracer | None

    def evaluate(self, state: RuleState, elements: Elements, twins: frozenset[str]) -> RuleEvaluation:
        now = self.moment.instant_ms
        if not elements and not state.alerts:
            return self._told(state, state, Step())
        active: dict[str, Element] = {}
        seen: dict[str, Seen] = {}
        in_use = len(elements) + len(state.alerts)
        for labels, value in elements:
            one = self._alert_of(labels, value, in_use)
            if one.id in active or one.id in twins:
                return RuleEvaluation(state, failure=_SAME_LABELS.format("alert"))
            active[one.id] = Element(one.labels, value)
            seen[one.id] = Seen(one.element, value, self._sample_time)
        concluded = self._concluded(state, in_use)
        ended = self.moment.ended
        changed = step(self.rule.timers, state.alerts, active, concluded, now, self.moment.dark_ms, ended)
        alerts, kept = dict(state.alerts), dict(state.seen)
        for key, alert in changed.alerts.items():
            if alert is None:
                alerts.pop(key, None)
                kept.pop(key, None)
                continue
            alerts[key] = alert
            if key in seen:
                kept[key] = seen[key]
        if self.plan.limit and len(alerts) > self.plan.limit:
            return RuleEvaluation(state, failure=f"exceeded limit of {self.plan.limit} with {len(alerts)} alerts")
        made = self._told(state, RuleState(alerts, kept), changed)
        if not changed.transitions:
            return made
        last_seen = [seen.get(one.alert.id) or state.seen[one.alert.id] for one in changed.transitions]
        return replace(made, decisions=self._decisions(list(zip(changed.transitions, last_seen, strict=True))))

    def _concluded(self, state: RuleState, in_use: int) -> Collection[str] | None:
        """The alerts that are over unless active; None stands for all."""
        arrived, rule = self.moment.arrived, self.rule
        if arrived is None:
            return None if self.moment.known else ()
        if not state.alerts:
            return ()
        if rule.metric is None or not rule.is_pointwise:
            if rule.renames:
                return None
            return [key for key, seen in state.seen.items() if arrived.concerns(labels_from(seen.labels))]
        series = arrived.of(rule.metric)
        if rule.has_label_templates or len(state.seen) < len(series) // 4:
            return [
                key for key, seen in state.seen.items() if without_labels(labels_from(seen.labels), METADATA) in series
            ]
        elements = (one for pair in series.items() for one in pair)
        return {rule.identities.of(self.plan.name, one, in_use).id for one in elements} & state.alerts.keys()

    @property
    def _sample_time(self) -> int:
        return self.moment.instant_ms - self.plan.query_offset_ms

    def _alert_of(self, labels: Labels, value: float, in_use: int) -> Identity:
        if not self.rule.has_label_templates:
            return self.rule.identities.of(self.plan.name, labels, in_use)
        expansion = Expansion(dict(labels), value, self.source, self._sample_time, self.outside)
        own = {name: expansion.expand(text) for name, text in self.definition.labels.items()}
        return identity(self.plan.name, self.rule.name, labels, own)

    def _told(self, before: RuleState, after: RuleState, changed: Step) -> RuleEvaluation:
        """`ALERTS` and `ALERTS_FOR_STATE` of the alerts; on arrival those of the alerts that it changes."""
        if not self.plan.alert_series:
            return RuleEvaluation(after)
        values: dict[Labels, float] = {}
        alerts = after.alerts
        on_arrival = self.moment.arrived is not None
        for key in changed.alerts if on_arrival else alerts:
            if (alert := alerts.get(key)) is not None:
                own, for_state = self._series_of(alert, len(alerts))
                values[own] = 1.0
                values[for_state] = float(alert.episode_ms // 1000)
        at = self._sample_time
        recorded = [Recorded(labels, at, value) for labels, value in values.items()]
        if not on_arrival:
            gone = [labels for labels in before.made if labels not in values]
            one = RuleEvaluation(msgspec.structs.replace(after, made=tuple(values)), (), recorded)
            return _without(gone, one, self.moment, at)
        had = [before.alerts[key] for key in changed.alerts if key in before.alerts]
        over = {one for alert in had for one in self._series_of(alert, len(alerts)) if one not in values}
        made = before.made
        if changed.transitions:
            made = (*values, *(one for one in before.made if one not in values and one not in over))
        recorded += [Recorded(labels, at, STALE_MARKER) for labels in sorted(over)]
        return RuleEvaluation(msgspec.structs.replace(after, made=made), (), recorded)

    def _series_of(self, alert: Alert, in_use: int) -> tuple[Labels, Labels]:
        return self.rule.identities.series(alert.id, alert.state, alert.labels, in_use)

    def _decisions(self, transitions: Sequence[tuple[Transition, Seen]]) -> list[Decision]:
        witnesses = None
        if self.with_evidence and transitions:
            at, lookback = self._sample_time, self.outside.options.lookback_ms
            witnesses = Witnesses(self.rule.query, looked_at(self.rule, self.source, self.moment), at, lookback)
        decisions = []
        for transition, seen in transitions:
            texts = expanded(self.definition, seen, self.source, self.outside)
            because = Evidence() if witnesses is None else witnesses.about(seen.labels, self.tracer)
            decisions.append(
                Decision(self.plan.name, self.definition, transition, texts.annotations, texts.message, because)
            )
        return decisions


@dataclass(frozen=True)
class Texts:
    """What people read of an alert."""

    annotations: dict[str, str]
    message: str


def expanded(rule: AlertingRule, seen: Seen, source: Source, outside: Outside = _NOWHERE) -> Texts:
    """An alert's annotations and message, as of the last instant at which its condition held."""
    expansion = Expansion(seen.labels, seen.value, source, seen.instant_ms, outside)
    annotations = {name: expansion.expand(text) for name, text in rule.annotations.items()}
    return Texts(annotations, expansion.expand(rule.message))
