"""One evaluation of a rule group, pure: (state, source, instant, known) -> (state, transitions, recorded samples).

As Prometheus evaluates groups: rules in order, each seeing what those before it made at the same instant; a rule that
fails leaves its state as it was, and the others go on. Beyond Prometheus: at an instant that is not known (no sign of
the collectors) nothing is concluded from what is missing, and timers stand still; and when samples arrive, the rules
that select them are evaluated at once, concluding something only about what these samples say something about.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from shared.messages.alerts import Evidence, alert_id
from shared.messages.rules import AlertingRule
from shared.messages.series import NAME, key_of
from shared.promql.series_sets import Labels, label_of, labels_from, with_label
from shared.promql.source import Source
from shared.rules.arrived import Arrived
from shared.rules.derived import STALE_MARKER, DerivedSeries, Overlay, Recorded
from shared.rules.evidence import Tracer, Witnesses
from shared.rules.expansion import Expansion, Outside
from shared.rules.outcomes import Elements, NoOutcome, Outcome, outcome_at
from shared.rules.plan import ALERTS, ALERTS_FOR_STATE, GroupPlan, RulePlan
from shared.rules.state import Alert, Element, Transition, step

ALERTNAME = "alertname"
_NOWHERE = Outside()
_SAME_LABELS = "vector contains metrics with the same labelset after applying {} labels"


class Seen(msgspec.Struct, frozen=True):
    """The element that an alert last stood for: what its annotations are expanded on."""

    labels: dict[str, str]
    value: float
    instant_ms: int


class RuleState(msgspec.Struct, frozen=True):
    """What a rule remembers from one evaluation to the next."""

    alerts: dict[str, Alert] = {}
    seen: dict[str, Seen] = {}
    made: tuple[Labels, ...] = ()
    """The series that it made last: those that it makes no more get a staleness marker."""


class GroupState(msgspec.Struct, frozen=True):
    """What a group remembers. `rules` is empty before the first evaluation."""

    rules: tuple[RuleState, ...] = ()
    dark_ms: int = 0
    last_ms: int | None = None
    """The last instant of the grid."""
    ended: dict[str, int] = {}
    """The last instants of alerts that are over, where they are not before the grid's last one: an episode begins
    only after them."""


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
class RuleFailure:
    """A rule that could not be evaluated."""

    group: str
    rule: str
    instant_ms: int
    reason: str
    place: int = 0
    """Its position in the group's plan."""


@dataclass(frozen=True)
class Evaluation:
    """What one evaluation brings forth."""

    state: GroupState
    decisions: list[Decision] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    failures: list[RuleFailure] = field(default_factory=list)


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


def evaluate_group(
    plan: GroupPlan,
    state: GroupState,
    source: Source,
    instant_ms: int,
    known: bool = True,
    outside: Outside = _NOWHERE,
    with_evidence: bool = True,
    tracer: Tracer | None = None,
) -> Evaluation:
    """Evaluate all rules at the instant. The source must hold what earlier evaluations recorded."""
    moment = Moment(instant_ms, known, next_dark(state, instant_ms, known), state.ended)
    result, states = _evaluate(plan, state, source, moment, outside, with_evidence, tracer, None)
    ended = {key: at for key, at in state.ended.items() if at > instant_ms}
    return replace(result, state=GroupState(states, moment.dark_ms, instant_ms, ended))


def evaluate_arrival(
    plan: GroupPlan,
    state: GroupState,
    source: Source,
    instant_ms: int,
    arrived: Arrived,
    rules: Collection[int],
    outside: Outside = _NOWHERE,
    tracer: Tracer | None = None,
) -> Evaluation:
    """Evaluate, at the instant, the rules in these places because samples that they select have arrived."""
    moment = Moment(instant_ms, True, state.dark_ms, state.ended, arrived)
    result, states = _evaluate(plan, state, source, moment, outside, True, tracer, rules)
    over = _over(result.decisions)
    ended = state.ended | dict.fromkeys(over, instant_ms) if over else state.ended
    return replace(result, state=GroupState(states, state.dark_ms, state.last_ms, ended))


def _evaluate(
    plan: GroupPlan,
    state: GroupState,
    source: Source,
    moment: Moment,
    outside: Outside,
    with_evidence: bool,
    tracer: Tracer | None,
    only: Collection[int] | None,
) -> tuple[Evaluation, tuple[RuleState, ...]]:
    made = DerivedSeries() if plan.reads_its_own else None
    seen = source if made is None else Overlay(source, made)
    taken: dict[str, set[Labels]] = {name: set() for name in plan.recorded_more_than_once}
    result = Evaluation(state)
    states = list(state.rules or (RuleState(),) * len(plan.rules))
    for place, rule in enumerate(plan.rules):
        if only is not None and place not in only:
            continue
        outcome = outcome_at(rule.query, seen, moment.instant_ms - plan.query_offset_ms, outside.options)
        if not outcome and not states[place].alerts and not states[place].made:
            continue
        twins = twins_of(plan, place, states)
        one = evaluate_rule(plan, rule, states[place], outcome, seen, moment, outside, twins, with_evidence, tracer)
        if not isinstance(rule.rule, AlertingRule) and rule.name in taken:
            one = _apart(one, states[place], taken[rule.name])
            mine = set(one.state.made)
            result.recorded[:] = [other for other in result.recorded if other.labels not in mine]  # markers of its end
        if made is not None:
            made.append(one.recorded)
        states[place] = one.state
        result.decisions.extend(one.decisions)
        result.recorded.extend(one.recorded)
        if one.failure is not None:
            result.failures.append(RuleFailure(plan.name, rule.name, moment.instant_ms, one.failure, place))
        if over := _over(one.decisions):  # a rule of the same name can't begin such an alert at the same instant
            moment = replace(moment, ended={**moment.ended, **dict.fromkeys(over, moment.instant_ms)})
    return result, tuple(states)


def _apart(one: RuleEvaluation, before: RuleState, taken: set[Labels]) -> RuleEvaluation:
    """What a recording rule brings forth, unless a rule before it has `taken` one of its series: a failure then."""
    series = one.state.made
    twice = next((labels for labels in series if labels in taken), None)
    if twice is not None:
        reason = f"{key_of(dict(twice))} is made by a rule before it in the group, too: labels must tell them apart"
        return RuleEvaluation(before, failure=reason)
    taken.update(series)
    return one


def _over(decisions: Sequence[Decision]) -> list[str]:
    return [one.transition.alert.id for one in decisions if one.transition.state in ("resolved", "inactive")]


def next_dark(state: GroupState, instant_ms: int, known: bool) -> int:
    """The group's dark time at the instant."""
    if known or state.last_ms is None:
        return state.dark_ms
    return state.dark_ms + instant_ms - state.last_ms


def twins_of(plan: GroupPlan, place: int, states: Sequence[RuleState]) -> frozenset[str]:
    """The alerts that other rules of the same name hold: this one can't hold them, too. `states` is of all rules."""
    name = plan.rules[place].name
    return frozenset(
        key
        for number, one in enumerate(states)
        if number != place and plan.rules[number].name == name
        for key in one.alerts
    )


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
    if moment.arrived is not None and not rule.renames:
        outcome = [one for one in outcome if moment.arrived.concerns(one[0])]
    if isinstance(rule.rule, AlertingRule):
        work = _Alerting(plan, rule, rule.rule, source, moment, outside, with_evidence, tracer)
        return work.evaluate(state, outcome, twins)
    return _record(plan, rule, state, outcome, moment)


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
    return _made(state, state.alerts, state.seen, values, moment, moment.instant_ms - plan.query_offset_ms, ())


def _made(
    before: RuleState,
    alerts: dict[str, Alert],
    seen: dict[str, Seen],
    values: Mapping[Labels, float],
    moment: Moment,
    at_ms: int,
    decisions: Sequence[Decision],
) -> RuleEvaluation:
    """The samples that a rule makes, with markers for the series that are over."""
    recorded = [Recorded(labels, at_ms, value) for labels, value in values.items()]
    gone = [labels for labels in before.made if labels not in values]
    if moment.arrived is not None:
        # Of what has not arrived nothing is concluded, but that an alert's series end with it.
        ended = _series_of_others(alerts, gone)
        recorded += [Recorded(labels, at_ms, STALE_MARKER) for labels in ended]
        made: tuple[Labels, ...] = (*values, *(labels for labels in gone if labels not in ended))
    elif moment.known:
        recorded += [Recorded(labels, at_ms, STALE_MARKER) for labels in gone]
        made = tuple(values)
    else:
        made = (*values, *gone)
    return RuleEvaluation(RuleState(alerts, seen, made), decisions, recorded)


def _series_of_others(alerts: Mapping[str, Alert], series: Sequence[Labels]) -> set[Labels]:
    """The alert series among these that no alert has now."""
    if not any(label_of(labels, NAME) in (ALERTS, ALERTS_FOR_STATE) for labels in series):
        return set()
    now = {one for alert in alerts.values() for one in _series_of(alert)}
    return {labels for labels in series if label_of(labels, NAME) in (ALERTS, ALERTS_FOR_STATE)} - now


def _series_of(alert: Alert) -> tuple[Labels, Labels]:
    named = with_label(labels_from(alert.labels), NAME, ALERTS)
    return with_label(named, "alertstate", alert.state), with_label(named, NAME, ALERTS_FOR_STATE)


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
            return _made(state, state.alerts, state.seen, {}, self.moment, self._sample_time, ())
        active: dict[str, Element] = {}
        seen: dict[str, Seen] = {}
        for labels, value in elements:
            key, own = self._alert_of(labels, value)
            if key in active or key in twins:
                return RuleEvaluation(state, failure=_SAME_LABELS.format("alert"))
            active[key] = Element(own, value)
            seen[key] = Seen(dict(labels), value, now)
        concluded = self._concluded(state)
        ended = self.moment.ended
        changed = step(self.rule.timers, state.alerts, active, concluded, now, self.moment.dark_ms, ended)
        alerts = {key: alert for key, alert in (state.alerts | changed.alerts).items() if alert is not None}
        if self.plan.limit and len(alerts) > self.plan.limit:
            return RuleEvaluation(state, failure=f"exceeded limit of {self.plan.limit} with {len(alerts)} alerts")
        all_seen = state.seen | {key: one for key, one in seen.items() if key in changed.alerts}
        decisions = self._decisions([(one, all_seen[one.alert.id]) for one in changed.transitions])
        kept = {key: all_seen[key] for key in alerts}
        told = alerts if self.moment.arrived is None else {key: alerts[key] for key in changed.alerts if key in alerts}
        values = self._alert_series(told) if self.plan.alert_series else {}
        return _made(state, alerts, kept, values, self.moment, self._sample_time, decisions)

    def _concluded(self, state: RuleState) -> Collection[str] | None:
        """The alerts that are over unless active; None stands for all."""
        if self.moment.arrived is None:
            return None if self.moment.known else ()
        if self.rule.renames:
            return None
        return [key for key, seen in state.seen.items() if self.moment.arrived.concerns(labels_from(seen.labels))]

    @property
    def _sample_time(self) -> int:
        return self.moment.instant_ms - self.plan.query_offset_ms

    def _alert_of(self, labels: Labels, value: float) -> tuple[str, dict[str, str]]:
        own = self.definition.labels
        if self.rule.has_label_templates:
            expansion = Expansion(dict(labels), value, self.source, self.moment.instant_ms, self.outside)
            own = {name: expansion.expand(text) for name, text in own.items()}
        whole = dict(labels_from({**dict(labels), **own, ALERTNAME: self.rule.name, NAME: ""}))
        return alert_id(self.plan.name, self.rule.name, whole), whole

    def _alert_series(self, alerts: Mapping[str, Alert]) -> dict[Labels, float]:
        values: dict[Labels, float] = {}
        for alert in alerts.values():
            own, for_state = _series_of(alert)
            values[own] = 1.0
            values[for_state] = float(alert.episode_ms // 1000)
        return values

    def _decisions(self, transitions: Sequence[tuple[Transition, Seen]]) -> list[Decision]:
        witnesses = None
        if self.with_evidence and transitions:
            at, lookback = self._sample_time, self.outside.options.lookback_ms
            witnesses = Witnesses(self.rule.query, self.source, at, lookback)
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
