"""One rule group at work: its rules and their alerts, evaluated at instants of event time.

Three kinds of evaluation:
- at an instant of the grid: all rules; what is not in the result is over, unless the instant is unknown;
- on arrival (immediate groups): the rules that select the samples, of which alone something is concluded;
- once after its windows were filled (immediate groups): as if all that they hold had just arrived.

Each alert rises strictly in instants: a grid instant that is not after its last evaluation on arrival passes it by.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

import msgspec

from services.alerting.core import events
from services.alerting.core.inputs import RuleChange
from services.alerting.core.outputs import Derived, Failure, Outputs
from services.alerting.core.routing import group_reaches, source_of
from services.alerting.core.store import SampleStore
from services.alerting.core.terms import Terms
from services.alerting.core.timeline import Timeline
from shared.messages.alerts import Evidence
from shared.messages.rules import AlertingRule, Rule, RuleGroup
from shared.promql.errors import BadQuery
from shared.promql.matching import Selector
from shared.promql.query import compile_query
from shared.promql.reach import is_pinned, looks
from shared.promql.series_sets import Labels
from shared.promql.source import Source
from shared.rules.arrived import Arrived
from shared.rules.derived import STALE_MARKER, DerivedSeries, Overlay, Recorded
from shared.rules.evidence import Origin
from shared.rules.group import GroupState, RuleFailure, evaluate_arrival, next_dark
from shared.rules.plan import GroupPlan, RulePlan
from shared.rules.rule import Decision, RuleState, expanded
from shared.rules.slices import Due, Slice, slice_steps
from shared.rules.state import end
from shared.rules.steps import Steps

# Arrivals that are made up for once windows are filled.
MOST_SKIPPED = 1_000
FORGET_EVERY_MS = 60_000


class DueTick(msgspec.Struct, frozen=True, array_like=True):
    """An instant of the grid that may be evaluated."""

    instant_ms: int
    known: bool
    told_ms: int
    """When the bus had accepted what makes it due."""
    passed_over: bool = False
    """It is not evaluated, nor are those since the one before: their samples have been let go."""


class StoredGroup(msgspec.Struct, frozen=True):
    """A group at work, to be kept."""

    change: RuleChange
    effective_ms: int
    last_tick_ms: int
    filled: bool
    fill_revision: int
    history_filled: int
    crowded: bool
    skipped: list[int]
    due: list[DueTick]
    rules: list[int]
    """The places of the rules that `state` is about."""
    state: GroupState
    own: list[Recorded]


class _Tracer(NamedTuple):
    """Tells a group where samples came from. What it made itself did not come from anywhere."""

    store: SampleStore
    own_source: str

    def origin(self, labels: Labels, time_ms: int, instant_ms: int) -> Origin | None:
        return self.store.origin(labels, time_ms, instant_ms, self.own_source)

    def late(self, labels: Labels) -> Collection[int]:
        return self.store.late(labels)


class GroupAtWork:
    """The fold's state of one group."""

    def __init__(self, change: RuleChange, definition: RuleGroup, terms: Terms, store: SampleStore) -> None:
        self._terms, self._store = terms, store
        self.effective_ms = change.accepted_ms
        """The group counts since then: what was accepted earlier only fills its windows."""
        self.last_tick_ms = change.accepted_ms - 1
        self.filled = False
        """Whether the windows of the current revision have been filled."""
        self.history_filled = -1
        """The revision whose windows hold what history had."""
        self.crowded = False
        """Whether its rules select more series than a group may."""
        self._skipped: set[int] = set()
        """When samples arrived that could not be looked at yet because windows were still being filled."""
        self.due: deque[DueTick] = deque()
        self.state = GroupState()
        self._own = DerivedSeries()
        """What its rules made, if others of its rules read that: there before it comes back from the bus."""
        self.failing: dict[int, str] = {}
        """By place: why a rule could not be evaluated at the last instant."""
        self.unknown_instants = self.late_samples = 0
        self._passed_ms = self._forgot_ms = 0
        self._held: dict[int, RuleState] = {}
        """By place: what rules that are held remember from when they were not."""
        self._tracer = _Tracer(store, source_of(definition.name))
        self._define(change, definition)

    def _define(self, change: RuleChange, definition: RuleGroup) -> None:
        self.change, self.definition = change, definition
        self.fill_revision = change.revision
        """Up to which revision of the rules the windows must have been filled."""
        self.problems: dict[int, str] = {}
        """By place: why a rule is held."""
        plans: dict[int, RulePlan] = {}
        for place, rule in enumerate(definition.rules):
            try:
                query = compile_query(rule.expr)
                if is_pinned(query):
                    raise BadQuery("it looks at a fixed time with '@', which windows of recent samples don't hold")
                plans[place] = RulePlan(rule, query)
            except BadQuery as error:
                self.problems[place] = str(error)
        self.places = tuple(plans)
        self.plan = GroupPlan(
            name=definition.name,
            rules=tuple(plans.values()),
            interval_ms=definition.interval_ms or self._terms.evaluation_interval_ms,
            query_offset_ms=definition.query_offset_ms,
            limit=definition.limit,
            immediate=definition.immediate,
        )
        self._all_reaches = group_reaches(definition, self._terms.lookback_ms)
        self._looks = [looks(rule.query, 0, self._terms.lookback_ms) for rule in self.plan.rules]
        # By so much it looks beyond the time that it is evaluated at, which the group's offset may make up for.
        self._ahead_ms = max((0, *(look.end_ms for some in self._looks for look in some)))
        self.looks_ahead = self._ahead_ms > definition.query_offset_ms
        self.dark_after_ms = self.plan.dark_after_ms(self._terms.dark_after_ms)
        self.failing = {}

    @property
    def name(self) -> str:
        """The group's name."""
        return self.definition.name

    @property
    def series(self) -> int:
        """How many series its rules select."""
        return self._store.series_of(self.name)

    @property
    def refusal(self) -> str | None:
        """Why the group is not evaluated at all, if so."""
        if self.change.cycle:
            return f"groups read each other's outputs: {' -> '.join(self.change.cycle)}"
        if self.crowded:
            return (
                f"its rules select more than {self._terms.most_series} series: let them select less, or switch the "
                "group off and on again once there are fewer"
            )
        return None

    @property
    def waits_for_history(self) -> bool:
        """Whether its windows reach further back than the bus does, and history has not filled them yet."""
        return self.change.from_history and self.history_filled < self.change.revision

    @property
    def reaches(self) -> dict[Selector, int]:
        """What it selects, and how far back (ms) it looks at that."""
        return {} if self.refusal is not None else self._all_reaches

    @property
    def next_tick_ms(self) -> int:
        """The next instant of its grid that is not due yet."""
        return (self._decided_ms // self.plan.interval_ms + 1) * self.plan.interval_ms

    @property
    def _decided_ms(self) -> int:
        """Instants up to here have been evaluated, or are due."""
        return self.due[-1].instant_ms if self.due else self.last_tick_ms

    @property
    def looked_at_ms(self) -> int:
        """Samples up to here belong to instants that have been evaluated, or will be on what is there now."""
        return self._decided_ms - self.plan.query_offset_ms + self._ahead_ms

    @property
    def horizon_ms(self) -> int:
        """Nothing up to here is evaluated any more."""
        return self.last_tick_ms - self.plan.query_offset_ms

    @property
    def last_instant_ms(self) -> int:
        """No evaluation was later."""
        alerts = (alert.evaluated_ms for rule in self.state.rules for alert in rule.alerts.values())
        return max(self.last_tick_ms, *self.state.ended.values(), *alerts, 0)

    def note_due(self, timeline: Timeline, told_ms: int) -> bool:
        """Find the instants that may be evaluated now; whether there are new ones."""
        if not self.filled or self.refusal is not None:
            return False
        limit = timeline.now_ms - self._terms.settle_ms
        for upstream in self.change.reads:
            # Whatever the offset: they may look back as far themselves, and tell of the past at this instant.
            limit = min(limit, timeline.evaluated.get(upstream, -1))
        found = False
        while (instant := self.next_tick_ms) <= limit:
            self.due.append(DueTick(instant, timeline.known(instant, self.dark_after_ms), told_ms))
            found = True
        return found

    def next_due(self, most: int) -> list[DueTick]:
        """The first of the due instants, at most so many."""
        return list(takewhile(lambda one: not one.passed_over, islice(self.due, most)))

    def evaluate(self, ticks: Sequence[DueTick]) -> Steps[Slice]:
        """What the group makes of the first of its due instants. Reads only; may run beside other work."""
        until = ticks[-1].instant_ms - self.plan.query_offset_ms + self._ahead_ms
        view = self._seen(2**62 if self.looks_ahead else until)
        due = [Due(one.instant_ms, one.known) for one in ticks]
        return slice_steps(self.plan, self.state, view, due, self._terms.outside, True, self._tracer)

    def finish(self, ticks: Sequence[DueTick], result: Slice) -> Outputs:
        """Take up what `evaluate` found."""
        for _ in ticks:
            self.due.popleft()
        unknown = sum(not one.known for one in ticks)
        self.unknown_instants += unknown
        self.state, self.last_tick_ms = result.state, ticks[-1].instant_ms
        outputs = Outputs(evaluations=len(ticks) * len(self.plan.rules), unknown_instants=unknown)
        told = {one.instant_ms: one.told_ms for one in ticks}
        self._tell(outputs, result.decisions, told)
        last = [one for one in result.failures if one.instant_ms == self.last_tick_ms]
        self.failing = {self.places[one.place]: one.reason for one in last}
        self._note_failures(outputs, result.failures)
        self._keep(result.recorded)
        self._tell_how_far(outputs, result.recorded)
        self._go_over()
        self._forget()
        return outputs

    def _tell_how_far(self, outputs: Outputs, made: list[Recorded]) -> None:
        """What the group made, and how far it has come: until its next instant it makes nothing more."""
        if made or self.change.is_read:
            following = self.due[0].instant_ms if self.due else self.next_tick_ms
            outputs.derived.append(Derived(self.name, made, following - 1))

    def fail(self, ticks: Sequence[DueTick], reason: str) -> Outputs:
        """The instants pass by without an evaluation; the alerts stay as they are."""
        for _ in ticks:
            self.due.popleft()
        self.last_tick_ms = ticks[-1].instant_ms
        self.failing = dict.fromkeys(self.places, reason)
        outputs = Outputs(failures=[Failure(self.name, rule.name, reason) for rule in self.plan.rules])
        self._tell_how_far(outputs, [])  # those that read it go on
        self._go_over()
        return outputs

    def arrive(self, rows: Collection[int], instant_ms: int, told_ms: int) -> Outputs:
        """Samples of these rows have arrived, and say how things are at the instant."""
        outputs = Outputs()
        labels = [self._store.labels(row) for row in rows]
        concerned = self._concerned(labels)
        if not concerned or self.refusal is not None:
            return outputs
        if not self.filled:
            self._skipped.add(instant_ms)
            if len(self._skipped) > MOST_SKIPPED:
                self._skipped.discard(min(self._skipped))
            return outputs
        until = 2**62 if self.looks_ahead else instant_ms
        arrived = Arrived(labels, self._store.view(until, frozenset(rows)))
        found = evaluate_arrival(
            self.plan,
            self.state,
            self._seen(until),
            instant_ms,
            arrived,
            concerned,
            self._terms.outside,
            True,
            self._tracer,
        )
        self.state = found.state
        outputs.evaluations = len(concerned)
        self._tell(outputs, found.decisions, {instant_ms: told_ms}, told_ms)
        failed = {self.places[one.place]: one.reason for one in found.failures}
        self.failing = {
            place: reason
            for place, reason in self.failing.items()
            if place not in {self.places[one] for one in concerned}
        } | failed
        self._note_failures(outputs, found.failures)
        self._keep(found.recorded)
        if found.recorded:
            outputs.derived.append(Derived(self.name, found.recorded, None))
        return outputs

    def begin(self, told_ms: int) -> Iterator[Outputs]:
        """The windows of this revision are filled."""
        self.filled = True
        if self.refusal is not None:
            return
        if self.definition.immediate:
            earliest = max(self.change.accepted_ms, self.last_tick_ms + 1)
            skipped, self._skipped = self._skipped, set()
            for instant in sorted({max(earliest, one) for one in skipped} or {earliest}):
                yield self.arrive(self._store.rows_of(self.name), instant, told_ms)
            self.last_tick_ms = max(self.last_tick_ms, earliest)
        outputs = Outputs()
        self._tell_how_far(outputs, [])
        yield outputs

    def change_to(self, change: RuleChange, definition: RuleGroup) -> Outputs:
        """Go on with a new revision: the alerts of rules that persist stay; those of others are over."""
        outputs, had = Outputs(), self.definition
        rules = self._remembered()
        wider = any(
            reach > self._all_reaches.get(selector, -1)
            for selector, reach in group_reaches(definition, self._terms.lookback_ms).items()
        )
        # Only what selects more than before is filled: the windows of others that were crowded are empty.
        if self.refusal is not None:  # as if it were new
            self.last_tick_ms = max(self.last_tick_ms, change.accepted_ms - 1)
        self.filled, self.crowded = False, self.crowded and not wider
        self._define(change, definition)
        found: dict[int, RuleState] = {}
        taken: set[int] = set()
        turned: list[tuple[int, RuleState]] = []
        # A rule that is held keeps its alerts only where no other of its name may begin them.
        at_work = {rule.name for rule in self.plan.rules}
        held = [place for place in self.problems if definition.rules[place].name not in at_work]
        for place in (*self.places, *held):
            rule = definition.rules[place]
            alike = (old for old in rules if had.rules[old].name == rule.name and had.rules[old].kind == rule.kind)
            before = next((old for old in alike if old not in taken), None)
            if before is not None:
                taken.add(before)
                found[place] = rules[before]
                if _is_shadow(had.rules[before]) != _is_shadow(rule):
                    firing, found[place] = _split(rules[before])
                    turned.append((before, firing))
        self.state = replace_rules(self.state, tuple(found.get(place, RuleState()) for place in self.places))
        self._held = {place: found[place] for place in self.problems if place in found}
        for place, state in rules.items():
            if place not in taken:
                self._end(outputs, had, place, state, change.accepted_ms)
        for place, firing in turned:  # people are told of an episode as a whole or not at all
            self._end(outputs, had, place, firing, change.accepted_ms - 1)
        return outputs

    def _remembered(self) -> dict[int, RuleState]:
        """By place: what each rule remembers, also those that are held."""
        rules = dict(zip(self.places, self.state.rules, strict=True)) if self.state.rules else {}
        return dict(sorted((rules | self._held).items()))

    def rewire(self, change: RuleChange, now_ms: int) -> Outputs:
        """The same revision, but other groups that it reads or is read by."""
        outputs, was_refused, was_read = Outputs(), bool(self.change.cycle), self.change.is_read
        self.change = msgspec.structs.replace(
            self.change, wired=change.wired, reads=change.reads, is_read=change.is_read, cycle=change.cycle
        )
        if was_refused and not change.cycle:  # as if it were new
            self.filled, self.fill_revision = False, change.wired
            self.last_tick_ms = max(self.last_tick_ms, now_ms)
        elif not was_read and self.filled and self.refusal is None:
            self._tell_how_far(outputs, [])
        return outputs

    def pass_over(self, horizon_ms: int) -> int:
        """Samples that instants up to there look at are forgotten: those that still wait pass by, unknown. How many."""
        until = horizon_ms + self.plan.query_offset_ms
        missed = until // self.plan.interval_ms - self._decided_ms // self.plan.interval_ms
        if missed <= 0:
            return 0
        self.unknown_instants += missed
        self.due.append(DueTick(until, False, 0, passed_over=True))
        self._go_over()
        return missed

    def _go_over(self) -> None:
        """Instants that pass by do so after what was due before them has been evaluated, whenever that is."""
        while self.due and self.due[0].passed_over:
            until = self.due.popleft().instant_ms
            dark_ms = next_dark(self.state, until, known=False)
            self.state = msgspec.structs.replace(self.state, dark_ms=dark_ms, last_ms=self.state.last_ms and until)
            self.last_tick_ms = until

    def pass_by(self, now_ms: int) -> Outputs:
        """A group that is refused makes nothing: those that read it need not wait."""
        outputs = Outputs()
        if self.change.is_read and now_ms >= self._passed_ms + self.plan.interval_ms:
            self._passed_ms = now_ms
            outputs.derived.append(Derived(self.name, [], now_ms))
        return outputs

    def close(self, instant_ms: int) -> Outputs:
        """The group is gone: its alerts are over."""
        outputs = Outputs()
        for place, state in self._remembered().items():
            self._end(outputs, self.definition, place, state, instant_ms)
        return outputs

    def _forget(self) -> None:
        """Let go of what no instant to come looks at; not while an evaluation may be looking."""
        if self.last_tick_ms >= self._forgot_ms + FORGET_EVERY_MS:
            self._forgot_ms = self.last_tick_ms
            self._own.forget(self.horizon_ms - max(self.reaches.values(), default=0))

    def _seen(self, until_ms: int) -> Source:
        view = self._store.view(until_ms)
        return Overlay(view, self._own) if self.plan.reads_its_own else view

    def _keep(self, made: Sequence[Recorded]) -> None:
        if self.plan.reads_its_own:
            self._own.append(made)

    def store(self) -> StoredGroup:
        """What there is to keep."""
        return StoredGroup(
            change=self.change,
            effective_ms=self.effective_ms,
            last_tick_ms=self.last_tick_ms,
            filled=self.filled,
            fill_revision=self.fill_revision,
            history_filled=self.history_filled,
            crowded=self.crowded,
            skipped=sorted(self._skipped),
            due=list(self.due),
            rules=[*(self.places if self.state.rules else ()), *self._held],
            state=replace_rules(self.state, (*self.state.rules, *self._held.values())),
            own=self._own.samples(),
        )

    @classmethod
    def restore(cls, stored: StoredGroup, definition: RuleGroup, terms: Terms, store: SampleStore) -> "GroupAtWork":
        """The group that was stored."""
        group = cls(stored.change, definition, terms, store)
        group.effective_ms, group.last_tick_ms = stored.effective_ms, stored.last_tick_ms
        group.filled, group.history_filled = stored.filled, stored.history_filled
        group.fill_revision = stored.fill_revision
        group.crowded, group._skipped, group.due = stored.crowded, set(stored.skipped), deque(stored.due)
        group._own.append(stored.own)
        if stored.rules:
            # Another version of the program may hold other rules than the one that wrote it.
            by_place = dict(zip(stored.rules, stored.state.rules, strict=True))
            group.state = replace_rules(stored.state, tuple(by_place.get(place, RuleState()) for place in group.places))
            group._held = {place: by_place[place] for place in group.problems if place in by_place}
        return group

    def _concerned(self, series: Collection[Labels]) -> list[int]:
        """The places in the plan of the rules that select one of these."""
        found = []
        named = [dict(labels) for labels in series]
        for place, some in enumerate(self._looks):
            selectors = {selector for look in some for selector in look.selectors}
            if any(selector.matches(labels) for selector in selectors for labels in named):
                found.append(place)
        return found

    def _tell(
        self, outputs: Outputs, decisions: Sequence[Decision], told: Mapping[int, int], otherwise: int = 0
    ) -> None:
        thresholds = {id(rule.rule): rule.threshold for rule in self.plan.rules}
        for decision in decisions:
            since = decision.transition.alert.since_ms
            told_ms = told.get(since, otherwise or since)
            event = events.event(self.definition, thresholds[id(decision.rule)], decision, told_ms, self._terms)
            outputs.events.append(event)
            outputs.current.append((event.alert_id, events.current(event)))

    def _end(self, outputs: Outputs, had: RuleGroup, place: int, state: RuleState, instant_ms: int) -> None:
        """The rule is gone."""
        rule = had.rules[place]
        if state.made:
            at = max(instant_ms, self.last_tick_ms + 1) - had.query_offset_ms  # after what it made last
            over = [Recorded(labels, at, STALE_MARKER) for labels in state.made]
            outputs.derived.append(Derived(had.name, over, None))
        if not isinstance(rule, AlertingRule):
            return
        view = self._store.view(instant_ms)
        for transition in end(state.alerts, instant_ms).transitions:
            texts = expanded(rule, state.seen[transition.alert.id], view, self._terms.outside)
            decision = Decision(had.name, rule, transition, texts.annotations, texts.message, Evidence())
            event = events.event(had, None, decision, max(instant_ms, transition.alert.since_ms), self._terms)
            outputs.events.append(event)
            outputs.current.append((event.alert_id, None))
            ended = self.state.ended | {event.alert_id: transition.alert.since_ms}
            self.state = msgspec.structs.replace(self.state, ended=ended)

    def _note_failures(self, outputs: Outputs, failures: Sequence[RuleFailure]) -> None:
        outputs.failures += [Failure(one.group, one.rule, one.reason) for one in failures]


def _is_shadow(rule: Rule) -> bool:
    return isinstance(rule, AlertingRule) and rule.shadow


def _split(state: RuleState) -> tuple[RuleState, RuleState]:
    """What a rule remembers of the alerts that fire, and the rest."""
    firing = {key: one for key, one in state.alerts.items() if one.state == "firing"}
    waiting = {key: one for key, one in state.alerts.items() if key not in firing}
    seen = {key: one for key, one in state.seen.items() if key in waiting}
    return RuleState(firing, state.seen), RuleState(waiting, seen, state.made)


def replace_rules(state: GroupState, rules: tuple[RuleState, ...]) -> GroupState:
    """The state with other rules."""
    return msgspec.structs.replace(state, rules=rules)
