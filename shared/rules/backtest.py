"""Rules over a stretch of the past: the transitions that they would have made, and what would have been sent.

The very evaluation that runs live, but rule by rule in the order of the groups, each with range queries over slices of
many instants at once. That gives what one instant after the other gives only where no rule looks ahead, or at what it
makes itself, or at what a later rule makes: where one does, the slices are single instants.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from shared.promql.source import Source
from shared.rules.derived import DerivedSeries, Overlay
from shared.rules.expansion import Outside
from shared.rules.group import Decision, GroupState, RuleFailure, RuleState
from shared.rules.identities import ALERTS, ALERTS_FOR_STATE
from shared.rules.plan import GroupPlan, sees_outputs_of_its_like
from shared.rules.sendings import Sending, sendings
from shared.rules.slices import Due, evaluate_slice

SLICE_STEPS = 500
Progress = Callable[[int, int], None]
"""Told after each slice: milliseconds done, and milliseconds in all."""


@dataclass
class Failures:
    """How often a rule could not be evaluated, and how that was the first time."""

    first: RuleFailure
    count: int = 0


@dataclass
class Backtest:
    """What would have been. Decisions are in the order of instants, then groups, then rules."""

    decisions: list[Decision] = field(default_factory=list)
    failures: dict[tuple[str, str], Failures] = field(default_factory=dict)
    evaluations: int = 0
    unknown_instants: int = 0
    step_by_step: bool = False
    """Whether rules looked ahead or at later rules, so that instants could not be taken together."""

    @property
    def sent(self) -> list[Sending]:
        """What would have been sent, whoever the receivers are."""
        return sendings(self.decisions)


def _always(_: int) -> bool:
    return True


def backtest(
    groups: Sequence[GroupPlan],
    source: Source,
    start_ms: int,
    end_ms: int,
    *,
    known: Callable[[int], bool] = _always,
    outside: Outside | None = None,
    progress: Progress | None = None,
    slice_steps: int = SLICE_STEPS,
    with_evidence: bool = True,
) -> Backtest:
    """Evaluate the groups at the instants of their grids in [start, end], beginning with no alerts.

    `source` holds the samples, those before the start that lookbacks and ranges need included; `known` says of an
    instant whether the collectors gave a sign.
    """
    run = _Run(groups, source, known, outside or Outside(), with_evidence)
    for first, last in run.slices(start_ms, end_ms, slice_steps):
        run.evaluate(first, last)
        if progress is not None:
            progress(last - start_ms, end_ms - start_ms)
    return run.result


class _Run:
    """A backtest at work."""

    def __init__(
        self,
        groups: Sequence[GroupPlan],
        source: Source,
        known: Callable[[int], bool],
        outside: Outside,
        with_evidence: bool,
    ) -> None:
        rules = [rule for group in groups for rule in group.rules]
        alert_series = any(rule.may_see(metric) for rule in rules for metric in (ALERTS, ALERTS_FOR_STATE))
        self._groups = [replace(group, alert_series=alert_series) for group in groups]
        self._known, self._outside, self._with_evidence = known, outside, with_evidence
        self._derived = DerivedSeries()
        self._source = Overlay(source, self._derived)
        self._states = [GroupState((RuleState(),) * len(group.rules)) for group in groups]
        self.result = Backtest(step_by_step=_must_go_step_by_step(groups))

    def slices(self, start_ms: int, end_ms: int, steps: int) -> Iterator[tuple[int, int]]:
        """Stretches of time, first and last instant included."""
        intervals = {group.interval_ms for group in self._groups}
        if not intervals:
            return
        if not self.result.step_by_step:
            width = min(intervals) * steps
            for first in range(start_ms, end_ms + 1, width):
                yield first, min(first + width - 1, end_ms)
            return
        at = start_ms - 1
        while (at := min((at // interval + 1) * interval for interval in intervals)) <= end_ms:
            yield at, at

    def evaluate(self, first_ms: int, last_ms: int) -> None:
        """All groups at their instants in the slice."""
        decided: list[tuple[int, int, Decision]] = []
        for place, group in enumerate(self._groups):
            interval = group.interval_ms
            begin = -(-first_ms // interval) * interval
            count = (last_ms - begin) // interval + 1
            if count > 0:
                self._evaluate_group(place, group, [begin + number * interval for number in range(count)], decided)
        decided.sort(key=lambda one: one[:2])
        self.result.decisions += [one[2] for one in decided]

    def _evaluate_group(
        self, place: int, group: GroupPlan, instants: list[int], decided: list[tuple[int, int, Decision]]
    ) -> None:
        due = [Due(instant, self._known(instant)) for instant in instants]
        self.result.unknown_instants += sum(not one.known for one in due)
        self.result.evaluations += len(due) * len(group.rules)
        one = evaluate_slice(group, self._states[place], self._source, due, self._outside, self._with_evidence)
        self._states[place] = one.state
        self._derived.append(one.recorded)
        decided += [(decision.transition.alert.since_ms, place, decision) for decision in one.decisions]
        for failure in one.failures:
            self._note(failure)

    def _note(self, failure: RuleFailure) -> None:
        self.result.failures.setdefault((failure.group, failure.rule), Failures(failure)).count += 1


def _must_go_step_by_step(groups: Sequence[GroupPlan]) -> bool:
    return not all(group.is_steady for group in groups) or sees_outputs_of_its_like(groups)
