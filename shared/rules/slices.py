"""A group over several instants of its grid at once: by range queries, rule by rule, where that gives what one instant
after the other gives. How missed instants are made up, and how backtests run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.promql.source import Source
from shared.rules.derived import DerivedSeries, Overlay, Recorded
from shared.rules.evidence import Tracer
from shared.rules.expansion import Outside
from shared.rules.group import GroupState, RuleFailure, group_steps, next_dark
from shared.rules.outcomes import outcomes_over
from shared.rules.plan import GroupPlan
from shared.rules.rule import Decision, Moment, RuleState, evaluate_rule
from shared.rules.steps import Steps, complete

_NOWHERE = Outside()


class Due(NamedTuple):
    """An instant to evaluate a group at, and whether the collectors gave a sign there."""

    instant_ms: int
    known: bool


@dataclass
class Slice:
    """What the instants bring forth; decisions in the order of instants, then rules."""

    state: GroupState
    decisions: list[Decision] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    failures: list[RuleFailure] = field(default_factory=list)


def evaluate_slice(
    plan: GroupPlan,
    state: GroupState,
    source: Source,
    due: Sequence[Due],
    outside: Outside = _NOWHERE,
    with_evidence: bool = True,
    tracer: Tracer | None = None,
) -> Slice:
    """Evaluate all rules at instants that follow each other on the group's grid. The source must hold what earlier
    evaluations recorded."""
    return complete(slice_steps(plan, state, source, due, outside, with_evidence, tracer))


def slice_steps(
    plan: GroupPlan,
    state: GroupState,
    source: Source,
    due: Sequence[Due],
    outside: Outside = _NOWHERE,
    with_evidence: bool = True,
    tracer: Tracer | None = None,
) -> Steps[Slice]:
    """The same, rule by rule."""
    if len(due) > 1 and plan.is_steady:
        return (yield from _together(plan, state, source, due, outside, with_evidence, tracer))
    result = Slice(state)
    made = DerivedSeries() if plan.reads_its_own and len(due) > 1 else None
    seen = source if made is None else Overlay(source, made)
    for instant, known in due:
        one = yield from group_steps(plan, result.state, seen, instant, known, outside, with_evidence, tracer)
        if made is not None:
            made.append(one.recorded)
        result.state = one.state
        result.decisions += one.decisions
        result.recorded += one.recorded
        result.failures += one.failures
    return result


def _together(
    plan: GroupPlan,
    state: GroupState,
    source: Source,
    due: Sequence[Due],
    outside: Outside,
    with_evidence: bool,
    tracer: Tracer | None,
) -> Steps[Slice]:
    made = DerivedSeries() if plan.reads_its_own else None
    seen = source if made is None else Overlay(source, made)
    moments, dark, last = [], state, state.last_ms
    for instant, known in due:
        moments.append(Moment(instant, known, next_dark(dark, instant, known), state.ended))
        dark, last = GroupState((), moments[-1].dark_ms, instant), instant
    result, states = Slice(state), list[RuleState]()
    decided: list[tuple[int, int, Decision]] = []
    start = moments[0].instant_ms - plan.query_offset_ms
    for place, (rule, before) in enumerate(
        zip(plan.rules, state.rules or (RuleState(),) * len(plan.rules), strict=True)
    ):
        yield
        outcomes = outcomes_over(rule.query, seen, start, len(moments), plan.interval_ms, outside.options)
        remembered = before
        for moment, outcome in zip(moments, outcomes, strict=True):
            if not outcome and not remembered.alerts and not remembered.made:
                continue
            one = evaluate_rule(
                plan, rule, remembered, outcome, seen, moment, outside, frozenset(), with_evidence, tracer
            )
            if made is not None:
                made.append(one.recorded)
            remembered = one.state
            result.recorded += one.recorded
            decided += [(moment.instant_ms, place, decision) for decision in one.decisions]
            if one.failure is not None:
                result.failures.append(RuleFailure(plan.name, rule.name, moment.instant_ms, one.failure, place))
        states.append(remembered)
    decided.sort(key=lambda one: one[:2])
    result.decisions = [one[2] for one in decided]
    ended = {key: at for key, at in state.ended.items() if last is None or at > last}
    result.state = GroupState(tuple(states), dark.dark_ms, last, ended)
    return result
