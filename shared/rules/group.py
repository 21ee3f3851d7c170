"""One evaluation of a rule group, pure: (state, source, instant, known) -> (state, transitions, recorded samples).

As Prometheus evaluates groups: rules in order, each seeing what those before it made at the same instant; a rule that
fails leaves its state as it was, and the others go on. Beyond Prometheus: at an instant that is not known (no sign of
the collectors) nothing is concluded from what is missing, and timers stand still; and when samples arrive, the rules
that select them are evaluated at once, concluding something only about what these samples say something about.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar, cast

import msgspec

from shared.messages.alerts import Evidence
from shared.messages.rules import AlertingRule
from shared.messages.series import NAME, key_of
from shared.promql.series_sets import METADATA, Labels, labels_from, without_labels
from shared.promql.source import Source
from shared.rules.arrived import Arrived
from shared.rules.derived import STALE_MARKER, DerivedSeries, Overlay, Recorded
from shared.rules.evidence import Tracer, Witnesses
from shared.rules.expansion import Expansion, Outside
from shared.rules.identities import Identity, identity
from shared.rules.outcomes import Elements, NoOutcome, Outcome, outcome_at
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


T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Work in pieces, so that whoever does it can do other things between them."""


def complete(steps: Steps[T]) -> T:
    """What comes of the work, done at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast(T, done.value)


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
    return complete(group_steps(plan, state, source, instant_ms, known, outside, with_evidence, tracer))


def group_steps(
    plan: GroupPlan,
    state: GroupState,
    source: Source,
    instant_ms: int,
    known: bool,
    outside: Outside,
    with_evidence: bool,
    tracer: Tracer | None,
) -> Steps[Evaluation]:
    """The same, rule by rule."""
    moment = Moment(instant_ms, known, next_dark(state, instant_ms, known), state.ended)
    result, states = yield from _evaluate(plan, state, source, moment, outside, with_evidence, tracer, None)
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
    with_evidence: bool = True,
    tracer: Tracer | None = None,
) -> Evaluation:
    """Evaluate, at the instant, the rules in these places because samples that they select have arrived."""
    moment = Moment(instant_ms, True, state.dark_ms, state.ended, arrived)
    result, states = complete(_evaluate(plan, state, source, moment, outside, with_evidence, tracer, rules))
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
) -> Steps[tuple[Evaluation, tuple[RuleState, ...]]]:
    made = DerivedSeries() if plan.reads_its_own else None
    seen = source if made is None else Overlay(source, made)
    taken: dict[str, set[Labels]] = {name: set() for name in plan.recorded_more_than_once}
    result = Evaluation(state)
    states = list(state.rules or (RuleState(),) * len(plan.rules))
    for place, rule in enumerate(plan.rules):
        if only is not None and place not in only:
            continue
        yield
        at = moment.instant_ms - plan.query_offset_ms
        outcome = outcome_at(rule.query, _looked_at(rule, seen, moment), at, outside.options)
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


def _looked_at(rule: RulePlan, source: Source, moment: Moment) -> Source:
    """What a rule needs to see of a source."""
    alone = None if moment.arrived is None else moment.arrived.alone
    return alone if alone is not None and rule.is_pointwise else source


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
    if moment.arrived is not None:
        outcome = _concerned(rule, outcome, moment.arrived)
    if isinstance(rule.rule, AlertingRule):
        work = _Alerting(plan, rule, rule.rule, source, moment, outside, with_evidence, tracer)
        return work.evaluate(state, outcome, twins)
    return _record(plan, rule, state, outcome, moment)


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
            witnesses = Witnesses(self.rule.query, _looked_at(self.rule, self.source, self.moment), at, lookback)
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
