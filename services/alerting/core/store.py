"""The recent samples of all series that rule groups of the partition select: each kept once, for as long as needed.

Which groups want a series is found when it is met first, and again when rules change. What was taken in since the last
snapshot is in the journal, so that a snapshot need not hold again what an earlier one has.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

import msgspec
import numpy as np

from services.alerting.core.interests import Interests
from services.alerting.core.journal import Arrival, Entry, Journal
from shared.messages.message import BadMessage
from shared.messages.series import key_of, labels_of
from shared.promql.matching import Selector
from shared.promql.series_sets import Labels
from shared.promql.window_pools import WindowPools
from shared.promql.windows import Flags, Floats, Ints
from shared.promql.windows_source import SeriesIndex, WindowsView
from shared.rules.evidence import Origin

# For how long it can be told where a sample came from.
TRACED_MS = 10 * 60_000
MOST_ARRIVALS = 2**31 - 2
_EVER = -(2**62)


class StoredSeries(msgspec.Struct, frozen=True):
    """A series that the store holds, and its number, which is never given again."""

    number: int
    key: str


class Batch(NamedTuple):
    """Who sent a batch, and where it is on the bus."""

    source: str
    partition: int
    offset: int
    accepted_ms: int
    fill: bool = False
    """Whether it fills windows with what is older than what they hold."""


class Taken(NamedTuple):
    """Samples that were stored."""

    fresh: Flags
    late: Counter[str]
    """By group, how many came after an instant that they belong to had been evaluated."""


class SampleStore:
    """Samples by series key. Evaluations read it through views, also from other threads."""

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        """`lock` is held while samples are stored or copied, so that views may be read in other threads."""
        self.rows: dict[str, int] = {}
        """Row by series key."""
        self.wanted: Interests[str] = Interests()
        """Which groups select what."""
        self.journal = Journal()
        self.changed = True
        """Whether series have come or gone since this was set to False."""
        self.generation = 0
        """Counts up when rows may stand for other series, or be wanted by other groups."""
        self._pools, self._index, self._lock = WindowPools(), SeriesIndex(), lock
        self._keys: dict[int, str] = {}
        self._groups: dict[int, dict[str, int]] = {}
        self._numbers: Ints = np.zeros(8, np.int64)
        self._reach: Ints = np.zeros(8, np.int64)
        self._next_number = 1
        self._count: dict[str, int] = {}
        self.most_series = 0
        """No group selects more series than that, or ever did."""
        self._arrivals: OrderedDict[int, Arrival] = OrderedDict()
        """By number, which is the mark of each sample; negative where it came late."""
        self._last_arrival = 0
        self.horizon_ms = _EVER
        """No instant up to here will be evaluated again."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Memory in use for samples."""
        return self._pools.nbytes

    @property
    def overflowed(self) -> int:
        """Samples that were forgotten although they were needed."""
        return self._pools.overflowed

    def series_of(self, group: str) -> int:
        """How many series the group selects."""
        return self._count.get(group, 0)

    def groups_of(self, row: int) -> Collection[str]:
        """The groups that select the series in this row."""
        return self._groups[row]

    def reach(self, row: int, group: str) -> int:
        """How far back (ms) the group looks at the series in this row; -1 if it does not."""
        return self._groups[row].get(group, -1)

    def labels(self, row: int) -> Labels:
        """The labels of the series in this row."""
        return self._index.labels[row]

    def row(self, key: str) -> int:
        """The row of a series; -1 if no group wants it. BadMessage if the key is not canonical."""
        row = self.rows.get(key)
        if row is not None:
            return row
        labels = labels_of(key)
        groups = self.wanted.of(labels)
        return self._add(key, labels, groups) if groups else -1

    def view(self, until_ms: int, only: frozenset[int] | None = None) -> WindowsView:
        """The samples up to an instant, as a source for queries; `only` of these rows."""
        return WindowsView(self._pools, self._index, until_ms, only, self._lock)

    def rows_of(self, group: str) -> list[int]:
        """The rows that the group selects."""
        return [row for row, groups in self._groups.items() if group in groups]

    def take(self, rows: Ints, times: Ints, values: Floats, batch: Batch, evaluated: Mapping[str, int]) -> Taken:
        """Store samples of rows. `evaluated`: by group, up to which instant it has been evaluated on what was there."""
        self._last_arrival = self._last_arrival % MOST_ARRIVALS + 1
        arrival = Arrival(self._last_arrival, *batch[:4], int(times.max()))
        marks = np.full(len(rows), arrival.number, np.int32)
        behind, late = self._late(rows, times, evaluated)
        marks[behind] *= -1
        with self._lock:
            fresh = self._pools.append(rows, times, values, self.horizon_ms - self._reach[rows], marks)
        if fresh.any():
            self._arrivals[arrival.number] = arrival
            new = rows[fresh]
            entry = Entry(self._numbers[new], self._reach[new], times[fresh], values[fresh], marks[fresh])
            self.journal.append(entry, older=batch.fill)
            self.journal.note(arrival)
        return Taken(fresh, Counter(group for place, groups in late.items() if fresh[place] for group in groups))

    def _late(self, rows: Ints, times: Ints, evaluated: Mapping[str, int]) -> tuple[Ints, dict[int, list[str]]]:
        """The places of samples that come after an instant that they belong to, and for which groups."""
        found = {}
        for place in np.flatnonzero(times <= max(evaluated.values(), default=_EVER)).tolist():
            time = int(times[place])
            groups = [name for name in self._groups[int(rows[place])] if time <= evaluated.get(name, _EVER)]
            if groups:
                found[place] = groups
        return np.array(list(found), np.int64), found

    def want(self, group: str, reaches: Mapping[Selector, int]) -> None:
        """The group selects this, from now on, and looks so far back at it."""
        before = self.wanted.metrics_of(group)
        self.wanted.put(group, reaches)
        now = self.wanted.metrics_of(group)
        concerned = None if before is None or now is None else before | now
        for row in list(self._index.labels) if concerned is None else self._index.rows_named(concerned):
            groups = self.wanted.of(dict(self._index.labels[row]))
            self._count_groups(row, groups)
            if groups:
                self._look_back(row, max(groups.values()))
            else:
                self._remove(row)
        self.generation += 1

    def _look_back(self, row: int, reach_ms: int) -> None:
        """So far back somebody looks at the row from now on."""
        before, self._reach[row] = int(self._reach[row]), reach_ms
        if reach_ms <= before:
            return
        # What nobody needed may be there or not: it is filled again. What was needed goes into other segments, for
        # the former ones go when nobody needs what else is in them; the series gets a number of its own in these.
        with self._lock:
            self._pools.forget(row, self.horizon_ms - before)
            times, values, marks = self._pools.samples(row)
        number, self._next_number = self._next_number, self._next_number + 1
        self._numbers[row], self.changed = number, True
        if len(times):
            columns = np.full(len(times), number), np.full(len(times), reach_ms)
            self.journal.append(Entry(*columns, times, values, marks), older=True)

    def forget(self, horizon_ms: int) -> None:
        """No instant up to here will be evaluated again: series without a sample that counts are forgotten."""
        self.horizon_ms = max(self.horizon_ms, horizon_ms)
        rows = np.fromiter(self._keys, np.int64, len(self._keys))
        idle = rows[self._pools.newest(rows) <= self.horizon_ms - self._reach[rows]]
        for row in idle.tolist():
            self._remove(row)
        if len(idle):
            self.generation += 1
        for number in [one.number for one in self._arrivals.values() if one.last_ms <= self.horizon_ms - TRACED_MS]:
            del self._arrivals[number]

    def origin(self, labels: Labels, time_ms: int, instant_ms: int, beside: str) -> Origin | None:
        """The origin of a sample that is not older than ten minutes, as other sources than `beside` sent it."""
        if time_ms <= instant_ms - TRACED_MS:
            return None
        row = self.rows.get(key_of(dict(labels)))
        if row is None:
            return None
        with self._lock:
            times, _, marks = self._pools.samples(row)
        place = int(np.searchsorted(times, time_ms))
        if place == len(times) or times[place] != time_ms:
            return None
        found = self._arrivals.get(abs(int(marks[place])))
        if found is None or found.source == beside:
            return None
        return Origin(found.partition, found.offset, found.accepted_ms)

    def late(self, labels: Labels) -> Collection[int]:
        """The times of a series' samples that came late."""
        row = self.rows.get(key_of(dict(labels)))
        if row is None:
            return ()
        with self._lock:
            times, _, marks = self._pools.samples(row)
        return set(times[marks < 0].tolist())

    def stored_series(self) -> list[StoredSeries]:
        """All series, to be kept."""
        return [StoredSeries(int(self._numbers[row]), key) for key, row in self.rows.items()]

    def restore(
        self,
        series: Iterable[StoredSeries],
        entries: Iterable[Entry],
        arrivals: Iterable[Arrival],
        horizon_ms: int,
    ) -> None:
        """Take up what was kept. `want` must have been told of all groups before."""
        self.horizon_ms = horizon_ms
        rows: dict[int, int] = {}
        for one in series:
            labels = labels_of(one.key)
            if groups := self.wanted.of(labels):
                rows[one.number] = self._add(one.key, labels, groups, one.number)
        row_of = np.full(max(rows, default=0) + 2, -1, np.int64)  # the last one stands for all numbers beyond
        row_of[list(rows)] = list(rows.values())
        places = np.array(sorted(rows.values()), np.int64)
        kept = []
        counts = np.zeros(int(places.max(initial=-1)) + 1, np.int64)
        for entry in entries:
            # Those of series that are gone must not be given to others as long as their samples are kept.
            self._next_number = max(self._next_number, int(entry.numbers.max(initial=0)) + 1)
            mine = row_of[np.minimum(entry.numbers, len(row_of) - 1)]
            times, values, marks = entry.times, entry.values, entry.marks
            known = mine >= 0
            if not known.all():
                mine, times, values, marks = mine[known], times[known], values[known], marks[known]
            floors = horizon_ms - self._reach[mine]
            kept.append((mine, times, values, floors, marks))
            counts += np.bincount(mine[times > floors], minlength=len(counts))
        self._pools.reserve(places, counts[places])
        for columns in kept:
            self._pools.append(*columns)
        for arrival in arrivals:
            self._arrivals[arrival.number] = arrival
            self._last_arrival = arrival.number
        self.journal, self.changed = Journal(), False

    def _add(self, key: str, labels: Mapping[str, str], groups: dict[str, int], number: int | None = None) -> int:
        with self._lock:
            row = self._pools.take()
            self._index.add(row, labels)
        if row >= len(self._numbers):
            more = max(row + 1, 2 * len(self._numbers)) - len(self._numbers)
            self._numbers = np.concatenate([self._numbers, np.zeros(more, np.int64)])
            self._reach = np.concatenate([self._reach, np.zeros(more, np.int64)])
        if number is None:
            number = self._next_number
        self._next_number = max(self._next_number, number + 1)
        self.rows[key], self._keys[row], self._numbers[row] = row, key, number
        self._reach[row] = max(groups.values())
        self._count_groups(row, groups)
        self.changed = True
        return row

    def _remove(self, row: int) -> None:
        with self._lock:
            self._index.remove(row)
            self._pools.free(row)
        self._count_groups(row, {})
        del self.rows[self._keys.pop(row)]
        self.changed = True

    def _count_groups(self, row: int, groups: dict[str, int]) -> None:
        for group in self._groups.get(row, {}).keys() - groups.keys():
            self._count[group] -= 1
        for group in groups.keys() - self._groups.get(row, {}).keys():
            self._count[group] = count = self._count.get(group, 0) + 1
            self.most_series = max(self.most_series, count)
        if groups:
            self._groups[row] = groups
        else:
            self._groups.pop(row, None)


def rows_in(store: SampleStore, series: list[str]) -> Ints:
    """The rows of series; -1 for one that nobody wants, or whose key is none."""
    found = []
    for key in series:
        try:
            found.append(store.row(key))
        except BadMessage:
            found.append(-1)
    return np.array(found, np.int64)
