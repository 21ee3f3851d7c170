"""Rules over a stretch of the past: the transitions that they would have made, and what would have been sent.

The very evaluation that runs live, but rule by rule, groups after those that they read, each with range queries over
slices of many instants at once. That gives what one instant after the other gives only where no rule looks ahead, or
at what it makes itself, or at what a later rule makes: where one does, the slices are single instants.

Groups that are evaluated on arrival are, instant by instant, beside their grid.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from shared.promql.source import Source
from shared.rules.arrivals import Alone, Arrival, Arrivals, TooManyInstants
from shared.rules.arrived import Arrived
from shared.rules.dependencies import evaluation_order
from shared.rules.derived import DerivedSeries, Overlay
from shared.rules.expansion import Outside
from shared.rules.group import Evaluation, GroupState, RuleFailure, evaluate_arrival
from shared.rules.identities import ALERTS, ALERTS_FOR_STATE
from shared.rules.plan import GroupPlan, sees_outputs_of_its_like
from shared.rules.rule import Decision, RuleState
from shared.rules.sendings import Sending, sendings
from shared.rules.slices import Due, Slice, evaluate_slice

SLICE_STEPS = 500
Progress = Callable[[int, int], None]
"""Told after each slice: milliseconds done, and milliseconds in all."""
Told = Callable[[Sequence[Decision]], None]
"""Told after each slice: what was decided in it."""
Known = Callable[[int, int], bool]
"""Of an instant: whether the collectors gave a sign in the milliseconds before it."""
DARK_AFTER_MS = 120_000


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


def _always(_: int, __: int) -> bool:
    return True


def backtest(
    groups: Sequence[GroupPlan],
    source: Source,
    start_ms: int,
    end_ms: int,
    *,
    known: Known = _always,
    dark_after_ms: int = DARK_AFTER_MS,
    outside: Outside | None = None,
    progress: Progress | None = None,
    told: Told | None = None,
    slice_steps: int = SLICE_STEPS,
    most_instants: int | None = None,
    with_evidence: bool = True,
) -> Backtest:
    """Evaluate the groups at the instants of their grids in [start, end], those that are immediate also on arrival of
    samples, beginning with no alerts.

    `source` holds the samples, those before the start that lookbacks and ranges need included. Without a sign of the
    collectors for `dark_after_ms` an instant is unknown. Decisions are told slice by slice, and are all in what is
    returned. TooManyInstants if an immediate group is evaluated more than `most_instants` times, GroupCycle if groups
    read each other's outputs.
    """
    run = _Run(groups, source, known, dark_after_ms, outside or Outside(), most_instants, with_evidence)
    for first, last in run.slices(start_ms, end_ms, slice_steps):
        decided = run.evaluate(first, last)
        if told is not None and decided:
            told(decided)
        if progress is not None:
            progress(last - start_ms, end_ms - start_ms)
    return run.result


class _Run:
    """A backtest at work."""

    def __init__(
        self,
        groups: Sequence[GroupPlan],
        source: Source,
        known: Known,
        dark_after_ms: int,
        outside: Outside,
        most_instants: int | None,
        with_evidence: bool,
    ) -> None:
        rules = [rule for group in groups for rule in group.rules]
        alert_series = any(rule.may_see(metric) for rule in rules for metric in (ALERTS, ALERTS_FOR_STATE))
        self._groups = [replace(group, alert_series=alert_series) for group in groups]
        self._order = evaluation_order([(group.name, [rule.rule for rule in group.rules]) for group in groups])
        self._known, self._dark_after_ms = known, dark_after_ms
        self._outside, self._most_instants, self._with_evidence = outside, most_instants, with_evidence
        self._derived = DerivedSeries()
        self._history, self._source = source, Overlay(source, self._derived)
        self._states = [GroupState((RuleState(),) * len(group.rules)) for group in groups]
        self._arrivals = {place: Arrivals(group) for place, group in enumerate(self._groups) if group.immediate}
        self._instants = dict.fromkeys(self._arrivals, 0)
        self._decided: list[tuple[int, int, Decision]] = []
        self.result = Backtest(step_by_step=_must_go_step_by_step([groups[place] for place in self._order]))

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
        first = start_ms
        while first <= end_ms:
            last = min(min(-(-first // interval) * interval for interval in intervals), end_ms)
            yield first, last
            first = last + 1

    def evaluate(self, first_ms: int, last_ms: int) -> list[Decision]:
        """All groups at their instants in the slice."""
        self._decided = []
        for place in self._order:
            group = self._groups[place]
            interval = group.interval_ms
            begin = -(-first_ms // interval) * interval
            within = group.dark_after_ms(self._dark_after_ms)
            due = [Due(at, self._known(at, within)) for at in range(begin, last_ms + 1, interval)]
            self.result.unknown_instants += sum(not one.known for one in due)
            if group.immediate:
                self._evaluate_immediate(place, due, first_ms, last_ms)
            else:
                self._evaluate_grid(place, due)
        self._decided.sort(key=lambda one: one[:2])
        decided = [one[2] for one in self._decided]
        self.result.decisions += decided
        return decided

    def _evaluate_grid(self, place: int, due: Sequence[Due]) -> None:
        group = self._groups[place]
        if not due:
            return
        self.result.evaluations += len(due) * len(group.rules)
        self._take(
            place,
            evaluate_slice(group, self._states[place], self._source, due, self._outside, self._with_evidence),
        )

    def _evaluate_immediate(self, place: int, due: Sequence[Due], first_ms: int, last_ms: int) -> None:
        """At the instants of the grid, and before them on what has arrived."""
        alone, done = Alone(self._source, last_ms), 0
        self._count(place, len(due))
        for arrival in self._arrivals[place].between(self._history, first_ms, last_ms):
            until = done
            while until < len(due) and due[until].instant_ms < arrival.came_ms:
                until += 1
            self._evaluate_grid(place, due[done:until])
            done = until
            self._arrive(place, arrival, alone)
        self._evaluate_grid(place, due[done:])

    def _arrive(self, place: int, arrival: Arrival, alone: Alone) -> None:
        group, state = self._groups[place], self._states[place]
        rules = self._arrivals[place].concerned(arrival.series)
        # One that comes after an instant that it belongs to counts now.
        instant = arrival.time_ms if state.last_ms is None else max(arrival.time_ms, state.last_ms + 1)
        self._count(place, 1)
        self.result.evaluations += len(rules)
        arrived = Arrived(arrival.series, alone.arrive(instant, arrival.series))
        self._take(
            place,
            evaluate_arrival(group, state, self._source, instant, arrived, rules, self._outside, self._with_evidence),
        )

    def _count(self, place: int, instants: int) -> None:
        self._instants[place] += instants
        if self._most_instants is not None and self._instants[place] > self._most_instants:
            raise TooManyInstants(
                f"group {self._groups[place].name!r} would be evaluated more than {self._most_instants} times: on each "
                "of its samples' arrival. Try it on a shorter range, or let it select less"
            )

    def _take(self, place: int, one: Slice | Evaluation) -> None:
        self._states[place] = one.state
        self._derived.append(one.recorded)
        for other, arrivals in self._arrivals.items():
            if other != place:
                arrivals.note_made(one.recorded, self._groups[place].query_offset_ms)
        self._decided += [(decision.transition.alert.since_ms, place, decision) for decision in one.decisions]
        for failure in one.failures:
            self.result.failures.setdefault((failure.group, failure.rule), Failures(failure)).count += 1


def _must_go_step_by_step(groups: Sequence[GroupPlan]) -> bool:
    return not all(group.is_steady for group in groups) or sees_outputs_of_its_like(groups)
