"""One rule group at work: its rules and their alerts, evaluated at instants of event time.

Three kinds of evaluation:
- at an instant of the grid: all rules; what is not in the result is over, unless the instant is unknown;
- on arrival (immediate groups): the rules that select the samples, of which alone something is concluded;
- once after its windows were filled (immediate groups): as if all that they hold had just arrived.

Each alert rises strictly in instants: a grid instant that is not after its last evaluation on arrival passes it by.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
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
from shared.messages.rules import AlertingRule, RuleGroup
from shared.promql.errors import BadQuery
from shared.promql.matching import Selector
from shared.promql.query import compile_query
from shared.promql.reach import is_pinned, looks
from shared.promql.series_sets import Labels
from shared.promql.source import Source
from shared.rules.arrived import Arrived
from shared.rules.derived import STALE_MARKER, DerivedSeries, Overlay, Recorded
from shared.rules.evidence import Origin
from shared.rules.group import Decision, GroupState, RuleFailure, RuleState, evaluate_arrival, expanded
from shared.rules.plan import GroupPlan, RulePlan
from shared.rules.slices import Due, Slice, evaluate_slice
from shared.rules.state import end

# What a group that waits for others may fall behind, before samples that it still needs are forgotten.
LONGEST_WAIT_MS = 60 * 60_000
# Arrivals that are made up for once windows are filled.
MOST_SKIPPED = 1_000


class DueTick(msgspec.Struct, frozen=True, array_like=True):
    """An instant of the grid that may be evaluated."""

    instant_ms: int
    known: bool
    told_ms: int
    """When the bus had accepted what makes it due."""


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
        self._passed_ms = 0
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
        self._looks = [looks(rule.query, 0, self._terms.lookback_ms) for rule in self.plan.rules]
        self.looks_ahead = any(look.end_ms > definition.query_offset_ms for some in self._looks for look in some)
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
            return f"its rules select more than {self._terms.most_series} series"
        return None

    @property
    def waits_for_history(self) -> bool:
        """Whether its windows reach further back than the bus does, and history has not filled them yet."""
        return self.change.from_history and self.history_filled < self.change.revision

    @property
    def reaches(self) -> dict[Selector, int]:
        """What it selects, and how far back (ms) it looks at that."""
        if self.refusal is not None:
            return {}
        return group_reaches(self.definition, self._terms.lookback_ms)

    @property
    def next_tick_ms(self) -> int:
        """The next instant of its grid that is not due yet."""
        last = self.due[-1].instant_ms if self.due else self.last_tick_ms
        return (last // self.plan.interval_ms + 1) * self.plan.interval_ms

    @property
    def decided_ms(self) -> int:
        """Instants of the grid up to here have been evaluated, or will be on what is there now."""
        return self.due[-1].instant_ms if self.due else self.last_tick_ms

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
            limit = min(limit, timeline.evaluated.get(upstream, -1) + self.plan.query_offset_ms)
        found = False
        while (instant := self.next_tick_ms) <= limit:
            self.due.append(DueTick(instant, timeline.known(instant, self.dark_after_ms), told_ms))
            found = True
        return found

    def evaluate(self, ticks: Sequence[DueTick]) -> Slice:
        """What the group makes of the first of its due instants. Reads only; may run beside other work."""
        until = ticks[-1].instant_ms - self.plan.query_offset_ms
        view = self._seen(2**62 if self.looks_ahead else until)
        due = [Due(one.instant_ms, one.known) for one in ticks]
        return evaluate_slice(self.plan, self.state, view, due, self._terms.outside, True, self._tracer)

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
        if result.recorded or self.change.is_read:
            # Until its next instant it makes nothing more.
            following = self.due[0].instant_ms if self.due else self.next_tick_ms
            outputs.derived.append(Derived(self.name, result.recorded, following - 1))
        return outputs

    def fail(self, ticks: Sequence[DueTick], reason: str) -> Outputs:
        """The instants pass by without an evaluation; the alerts stay as they are."""
        for _ in ticks:
            self.due.popleft()
        self.last_tick_ms = ticks[-1].instant_ms
        self.failing = dict.fromkeys(self.places, reason)
        return Outputs(failures=[Failure(self.name, rule.name, reason) for rule in self.plan.rules])

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
        if not self.definition.immediate or self.refusal is not None:
            return
        earliest = max(self.change.accepted_ms, self.last_tick_ms + 1)
        skipped, self._skipped = self._skipped, set()
        for instant in sorted({max(earliest, one) for one in skipped} or {earliest}):
            yield self.arrive(self._store.rows_of(self.name), instant, told_ms)
        self.last_tick_ms = max(self.last_tick_ms, earliest)

    def change_to(self, change: RuleChange, definition: RuleGroup) -> Outputs:
        """Go on with a new revision: the alerts of rules that persist stay; those of others are over."""
        outputs, had, was = Outputs(), self.definition, self.state
        rules = dict(zip(self.places, was.rules or (RuleState(),) * len(self.places), strict=True))
        self.filled, self.crowded = False, False
        self._define(change, definition)
        states = []
        taken: set[int] = set()
        for rule in self.plan.rules:
            before = next(
                (
                    place
                    for place in rules
                    if place not in taken
                    and had.rules[place].name == rule.name
                    and had.rules[place].kind == rule.rule.kind
                ),
                None,
            )
            if before is None:
                states.append(RuleState())
            else:
                taken.add(before)
                states.append(rules[before])
        self.state = replace_rules(was, tuple(states))
        held = {definition.rules[place].name for place in self.problems}
        for place, state in rules.items():
            if place not in taken and had.rules[place].name not in held:
                self._end(outputs, had, place, state, change.accepted_ms)
        return outputs

    def rewire(self, change: RuleChange, now_ms: int) -> None:
        """The same revision, but other groups that it reads or is read by."""
        was_refused = bool(self.change.cycle)
        self.change = msgspec.structs.replace(
            self.change, wired=change.wired, reads=change.reads, is_read=change.is_read, cycle=change.cycle
        )
        if was_refused and not change.cycle:  # as if it were new
            self.filled, self.fill_revision = False, change.wired
            self.last_tick_ms = max(self.last_tick_ms, now_ms)

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
        for place, state in zip(self.places, self.state.rules, strict=False):
            self._end(outputs, self.definition, place, state, instant_ms)
        return outputs

    def forget(self) -> None:
        """Let go of what no instant to come looks at."""
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
            rules=list(self.places) if self.state.rules else [],
            state=self.state,
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
            over = [Recorded(labels, instant_ms - had.query_offset_ms, STALE_MARKER) for labels in state.made]
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


def replace_rules(state: GroupState, rules: tuple[RuleState, ...]) -> GroupState:
    """The state with other rules."""
    return msgspec.structs.replace(state, rules=rules)
