"""The fold over one partition of the group log: (state, message) -> (state, outputs).

Nothing but the messages decides: no clock, no order of dictionaries that a restart would change. Folding the same log
again, or from any stored state on, gives the same events, byte for byte.

Instants of the grid are not evaluated while a marker is folded, but noted as due, with what is known of them then;
whoever runs the fold takes them up one group after another, so that a heavy group delays only itself. What comes out
is the same whenever that happens: an evaluation sees samples up to its instant, and a message that holds such samples
is folded only after it (`awaited`).
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import msgspec
import numpy as np

from services.alerting.core.backlog import Backlog
from services.alerting.core.group import DueTick, GroupAtWork, StoredGroup
from services.alerting.core.inputs import Filled, Input, Marker, RuleChange, Samples, series_of
from services.alerting.core.outputs import Outputs
from services.alerting.core.store import Batch, SampleStore, rows_in
from services.alerting.core.terms import Terms
from services.alerting.core.timeline import StoredTimeline, Timeline
from shared.messages.rules import RuleGroup
from shared.promql.windows import Flags, Ints
from shared.rules.slices import Slice
from shared.rules.steps import Steps, complete

MOST_SHAPES = 10_000
FORGET_EVERY_MS = 60_000
MOST_SOURCES = 10_000


class StoredFold(msgspec.Struct, frozen=True):
    """What a fold keeps beside its groups and samples."""

    timeline: StoredTimeline
    removed: dict[str, int]
    closed: dict[str, int]
    groups: list[str]
    horizon_ms: int
    forgot_ms: int
    stretches: list[tuple[int, int]]
    open_samples: int
    newest: list[tuple[str, int, int]]


class Work(NamedTuple):
    """Due instants of a group: `steps` or `evaluate` anywhere, then `Fold.finish` where the fold is."""

    group: GroupAtWork
    ticks: list[DueTick]

    def steps(self) -> Steps[Slice]:
        """The evaluation, rule by rule. Reads only; messages may be folded between the steps."""
        return self.group.evaluate(self.ticks)

    def evaluate(self) -> Slice:
        """The evaluation at once."""
        return complete(self.steps())


class _Shape(NamedTuple):
    """Where the series of a source's batches are, as long as it sends the same ones."""

    series: bytes
    generation: int
    rows: Ints
    groups: frozenset[str]
    """All groups that one of them concerns."""
    immediate: tuple[str, ...]
    """Those of them that are evaluated on arrival, in order."""


class Fold:
    """The state of one partition."""

    def __init__(self, terms: Terms, lock: AbstractContextManager[object] | None = None) -> None:
        """`lock`: see `SampleStore`; needed where work is evaluated in other threads."""
        self._terms = terms
        self.timeline = Timeline(terms)
        self.store = SampleStore(lock or nullcontext())
        self.groups: dict[str, GroupAtWork] = {}
        self._removed: dict[str, int] = {}
        """Revision of the removal, for as long as a router might still tell of an older one."""
        self._closed: dict[str, int] = {}
        """The last instants of groups that are gone: one of the same name begins after them."""
        self._due: dict[str, None] = {}
        """Groups with due instants, the longest waiting first."""
        self._newest: OrderedDict[tuple[str, int], int] = OrderedDict()
        """By source and partition of the samples, the newest time so far: its own progress. One partition may be routed
        long before another."""
        self._shapes: OrderedDict[str, _Shape] = OrderedDict()
        self._forgot_ms = 0
        self._backlog = Backlog(terms.most_waiting_samples)
        self._latest_look_ms = -(2**62)
        """No group has been evaluated on what was there, or will be, at a later time."""
        self.defined = True
        """Whether groups have come, gone or changed since this was set to False."""

    def apply(self, message: Input, told_ms: int) -> Iterator[Outputs]:
        """Fold one message that the bus accepted at `told_ms`; exhaust it. What it waits for must be done before.

        It yields after each piece of work, so that the caller can let others run.
        """
        if isinstance(message, Marker):
            yield from self._advance(message, told_ms)
        elif isinstance(message, Samples):
            yield from self._take(message, told_ms)
        elif isinstance(message, Filled):
            group = self.groups.get(message.group)
            if group is not None:
                group.history_filled = max(group.history_filled, message.revision)
        else:
            yield from self._change(message, told_ms)
        if not isinstance(message, Samples):
            self._note_looks()

    def _note_looks(self) -> None:
        self._latest_look_ms = max((group.looked_at_ms for group in self.groups.values()), default=-(2**62))

    def awaited(self, message: Input) -> list[str]:
        """The groups whose due instants must be evaluated before this message is folded."""
        if not self._due:
            return []
        if isinstance(message, RuleChange):
            return list(self._due)  # what others still look at must not depend on them when it looks further back
        if not isinstance(message, Samples):
            return []
        earliest = int(np.frombuffer(message.times, "<i8").min(initial=2**62))
        concerned = self._shape(message).groups
        return [name for name in self._due if name in concerned and self._must_precede(name, earliest)]

    def _must_precede(self, name: str, earliest_ms: int) -> bool:
        group = self.groups[name]
        return group.definition.immediate or earliest_ms <= group.looked_at_ms or self._is_crowded(group)

    def due(self) -> Iterator[Work]:
        """The due instants, some of each group, the group that waits longest first. None may be in hand."""
        for name in list(self._due):
            yield self.work_of(name)

    def work_of(self, name: str, most: int | None = None) -> Work:
        """The next due instants of a group that has some, at most so many."""
        group = self.groups[name]
        return Work(group, group.next_due(min(most or self._terms.most_slice, self._terms.most_slice)))

    @property
    def due_groups(self) -> Collection[str]:
        """The groups that have due instants."""
        return self._due.keys()

    def fail(self, work: Work, reason: str) -> Outputs:
        """What should have been evaluated can't be, by a fault of ours: the instants pass by."""
        outputs = work.group.fail(work.ticks, reason)
        self._done(work)
        return outputs

    @property
    def oldest_due_ms(self) -> int | None:
        """The earliest instant that is due; None if none is."""
        return min((self.groups[name].due[0].instant_ms for name in self._due), default=None)

    def finish(self, work: Work, result: Slice) -> Outputs:
        """Take up what was evaluated."""
        outputs = work.group.finish(work.ticks, result)
        self._done(work)
        return outputs

    def _done(self, work: Work) -> None:
        name = work.group.name
        del self._due[name]
        if work.group.due:
            self._due[name] = None  # at the end: others come first

    def _change(self, change: RuleChange, told_ms: int) -> Iterator[Outputs]:
        name = change.group
        group = self.groups.get(name)
        known = group.change.revision if group else -1
        if group is not None and change.revision == known and change.wired > group.change.wired:
            before = group.reaches
            yield group.rewire(change, self.timeline.now_ms)
            if group.reaches != before:
                self.store.want(name, group.reaches)
            self.defined = True
            return
        if change.revision <= max(self._removed.get(name, -1), known):
            return
        # All that was due has been evaluated: how far back anybody still looks does not depend on when that was.
        self.store.horizon_ms = max(self.store.horizon_ms, self._horizon(self.timeline.now_ms))
        definition = None if change.definition is None else RuleGroup.decode(change.definition)
        self.defined = True
        if definition is None or not definition.enabled:
            self._removed[name] = change.revision
            if group is not None:
                del self.groups[name]
                yield group.close(change.accepted_ms)
                self.store.want(name, {})
                self._closed[name] = group.last_instant_ms
                self.timeline.forget_group(name)
        elif group is not None:
            yield group.change_to(change, definition)
            self.store.want(name, group.reaches)
        else:
            self._removed.pop(name, None)
            new = self.groups[name] = GroupAtWork(change, definition, self._terms, self.store)
            new.last_tick_ms = max(new.last_tick_ms, self._closed.pop(name, 0))
            self.store.want(name, new.reaches)

    def _horizon(self, now_ms: int) -> int:
        """No instant up to here will be evaluated again."""
        looking = (group.horizon_ms for group in self.groups.values() if group.refusal is None)
        return min(looking, default=now_ms)

    def _is_crowded(self, group: GroupAtWork) -> bool:
        return self.store.series_of(group.name) > self._terms.most_series

    def _advance(self, marker: Marker, told_ms: int) -> Iterator[Outputs]:
        self.timeline.advance(marker)
        now, revision = self.timeline.now_ms, self.timeline.rules_revision
        for name, removed in list(self._removed.items()):
            if removed <= revision:
                del self._removed[name]
        for name, instant in list(self._closed.items()):
            if instant + self._terms.lookback_ms < now:
                del self._closed[name]
        for group in self.groups.values():
            yield from self._move(group, now, revision, told_ms)
        oldest = self._horizon(now)
        # Twice as long as is asked for: a group that is told of now may begin a little before the watermark.
        self.timeline.forget(oldest - 2 * self._terms.dark_after_ms)
        if now < self._forgot_ms + FORGET_EVERY_MS:
            return
        self._forgot_ms = now
        let_go_ms = self._backlog.end_stretch(now, oldest)
        yield Outputs(passed_over=sum(group.pass_over(let_go_ms) for group in self.groups.values()))
        self.store.forget(self._horizon(now))

    def _move(self, group: GroupAtWork, now_ms: int, revision: int, told_ms: int) -> Iterator[Outputs]:
        """Time has moved on for a group."""
        # Its windows have to be complete before anything is concluded from what they lack.
        if not group.filled and group.fill_revision <= revision and not group.waits_for_history:
            yield from group.begin(told_ms)
        if group.refusal is not None:
            yield group.pass_by(now_ms)
        elif group.note_due(self.timeline, told_ms):
            self._due.setdefault(group.name)
            while group.looks_ahead and group.due:  # it would see more if it came later
                work = self.work_of(group.name)
                yield self.finish(work, work.evaluate())

    def _take(self, message: Samples, told_ms: int) -> Iterator[Outputs]:
        outputs = Outputs()
        shape = self._shape(message)
        if self.store.most_series > self._terms.most_series:
            for name in sorted(shape.groups):
                if self._is_crowded(self.groups[name]):
                    self.groups[name].crowded = True
                    self.store.want(name, {})
            shape = self._shape(message)
        index, times, values = message.columns()
        rows = shape.rows[index]
        good = self._good(message, rows, times, outputs)
        if not good.all():
            rows, times, values = rows[good], times[good], values[good]
        if not len(rows):
            yield outputs
            return
        batch = Batch(message.source, message.partition, message.offset, message.accepted_ms, message.fill)
        overflowed = self.store.overflowed
        evaluated = {} if message.fill else self._looked_at(shape, message.made_by, int(times.min()))
        taken = self.store.take(rows, times, values, batch, evaluated)
        outputs.refused["window_full"] = self.store.overflowed - overflowed
        outputs.late = max(taken.late.values(), default=0)
        for name, count in taken.late.items():
            self.groups[name].late_samples += count
        yield outputs
        if message.fill:
            return
        self._backlog.note(len(rows))
        fresh = taken.fresh
        for name in shape.immediate:
            group = self.groups[name]
            if name != message.made_by and message.accepted_ms >= group.effective_ms and fresh.any():
                yield from self._arrive(group, rows[fresh], times[fresh], message.accepted_ms, told_ms)

    def _looked_at(self, shape: _Shape, made_by: str | None, earliest_ms: int) -> dict[str, int]:
        """By group that the series concern, up to where it has been evaluated: if that may be after the earliest."""
        if earliest_ms > self._latest_look_ms:
            return {}
        return {name: self.groups[name].looked_at_ms for name in shape.groups if name != made_by}

    def _good(self, message: Samples, rows: Ints, times: Ints, outputs: Outputs) -> Flags:
        """Which samples count; what is refused is noted."""
        good: Flags = rows >= 0
        oldest, newest = int(times.min(initial=2**62)), int(times.max(initial=-(2**62)))
        latest = message.accepted_ms + self._terms.most_ahead_ms
        if newest > latest:
            future = good & (times > latest)
            outputs.refused["future"] = int(future.sum())
            good &= ~future
        if not message.fill and message.made_by is None:
            earliest = self._progress(message, newest) - self._terms.lateness_ms
            if oldest < earliest:
                late = good & (times < earliest)
                outputs.refused["late"] = outputs.too_late[message.source] = int(late.sum())
                good &= ~late
        return good

    def _arrive(self, group: GroupAtWork, rows: Ints, times: Ints, accepted_ms: int, told_ms: int) -> Iterator[Outputs]:
        """Evaluate an immediate group on what has arrived, each sample at its own instant, in the order of time."""
        # What no instant to come looks at says nothing: it may be new only because it was forgotten.
        reaches = np.array([self.store.reach(row, group.name) for row in rows.tolist()], np.int64)
        mine = (reaches >= 0) & (times > group.last_tick_ms - reaches)
        rows, times = rows[mine], times[mine]
        instants = np.minimum(times, accepted_ms + self._terms.clock_tolerance_ms)
        # One that comes late counts now: what it belongs to has been evaluated.
        instants = np.maximum(instants, group.last_tick_ms + 1)
        for instant in np.unique(instants).tolist():
            yield group.arrive(sorted(set(rows[instants == instant].tolist())), instant, told_ms)

    def _progress(self, message: Samples, newest_ms: int) -> int:
        """The newest time of a source's samples before these. A clock that is ahead is not followed."""
        place = message.source, message.partition
        before = self._newest.pop(place, -(2**62))
        newest = min(newest_ms, message.accepted_ms + self._terms.clock_tolerance_ms)
        self._newest[place] = max(before, newest)
        if len(self._newest) > MOST_SOURCES:
            self._newest.popitem(last=False)
        return before

    def _shape(self, message: Samples) -> _Shape:
        raw, source = bytes(message.series), message.source
        shape = self._shapes.get(source)
        if shape is not None and shape.generation == self.store.generation and shape.series == raw:
            self._shapes.move_to_end(source)
            return shape
        rows = rows_in(self.store, series_of(message))
        groups = frozenset(name for row in rows[rows >= 0].tolist() for name in self.store.groups_of(row))
        immediate = tuple(sorted(name for name in groups if self.groups[name].definition.immediate))
        shape = self._shapes[source] = _Shape(raw, self.store.generation, rows, groups, immediate)
        if len(self._shapes) > MOST_SHAPES:
            self._shapes.popitem(last=False)
        return shape

    def stored(self) -> StoredFold:
        """What there is to keep beside the groups and samples, and the groups' names in order."""
        return StoredFold(
            timeline=self.timeline.store(),
            removed=dict(self._removed),
            closed=dict(self._closed),
            groups=list(self.groups),
            horizon_ms=self.store.horizon_ms,
            forgot_ms=self._forgot_ms,
            stretches=self._backlog.stretches,
            open_samples=self._backlog.open_samples,
            newest=[(source, partition, newest) for (source, partition), newest in self._newest.items()],
        )

    @classmethod
    def restore(
        cls,
        terms: Terms,
        stored: StoredFold,
        group: Callable[[str], StoredGroup],
        lock: AbstractContextManager[object] | None = None,
    ) -> "Fold":
        """The fold that was stored, without its samples; `group` gives each group by name."""
        fold = cls(terms, lock)
        fold.timeline = Timeline.restore(terms, stored.timeline)
        fold._removed, fold._closed = dict(stored.removed), dict(stored.closed)
        fold._newest = OrderedDict(((source, partition), newest) for source, partition, newest in stored.newest)
        fold._forgot_ms = stored.forgot_ms
        fold._backlog = Backlog(terms.most_waiting_samples, stored.stretches, stored.open_samples)
        for name in stored.groups:
            kept = group(name)
            assert kept.change.definition is not None, "only groups with a definition are at work"
            definition = RuleGroup.decode(kept.change.definition)
            one = fold.groups[name] = GroupAtWork.restore(kept, definition, terms, fold.store)
            fold.store.want(name, one.reaches)
            if one.due:
                fold._due[name] = None
        fold._note_looks()
        return fold


def drain(fold: Fold) -> Iterator[Outputs]:
    """Evaluate all that is due, here and now."""
    while works := list(fold.due()):
        for work in works:
            yield fold.finish(work, work.evaluate())


def fold_one(fold: Fold, message: Input, told_ms: int) -> Iterator[Outputs]:
    """Fold one message and all that it makes due: for tests and tools, that have nothing else to do meanwhile."""
    yield from fold.apply(message, told_ms)
    yield from drain(fold)
