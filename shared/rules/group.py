"""One evaluation of a rule group, pure: (state, source, instant, known) -> (state, transitions, recorded samples).

As Prometheus evaluates groups: rules in order, each seeing what those before it made at the same instant; a rule that
fails leaves its state as it was, and the others go on. Beyond Prometheus: at an instant that is not known (no sign of
the collectors) nothing is concluded from what is missing, and timers stand still; and when samples arrive, the rules
that select them are evaluated at once, concluding something only about what these samples say something about.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from shared.messages.rules import AlertingRule
from shared.messages.series import key_of
from shared.promql.series_sets import Labels
from shared.promql.source import Source
from shared.rules.arrived import Arrived
from shared.rules.derived import DerivedSeries, Overlay, Recorded
from shared.rules.evidence import Tracer
from shared.rules.expansion import Outside
from shared.rules.outcomes import outcome_at
from shared.rules.plan import GroupPlan
from shared.rules.rule import Decision, Moment, RuleEvaluation, RuleState, evaluate_rule, looked_at
from shared.rules.steps import Steps, complete

_NOWHERE = Outside()


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
        outcome = outcome_at(rule.query, looked_at(rule, seen, moment), at, outside.options)
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
