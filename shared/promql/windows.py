"""The recent samples of many series, in memory: appended as they come, forgotten when no instant needs them any more.

Each series is a row of a ring-buffer matrix, so that appending one sample to each of many series, and looking up the
value of many series at an instant, are a few numpy calls. Appending is idempotent by (series, time): the first value
wins. The layout never shows: two windows that hold the same samples answer alike.
"""

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from shared.messages.samples import STALE

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_SAMPLES_PER_SERIES = 65_536
_STALE_BITS = np.float64(STALE).view(np.uint64)
_NEVER = -(2**62)


class Origin(NamedTuple):
    """Where samples came from: partition and offset in `pantau.samples`, and when the broker accepted them (ms)."""

    partition: int
    offset: int
    accepted_ms: int


class Values(NamedTuple):
    """The values of the asked rows at an instant; where `present` is False the series has none there."""

    present: Flags
    values: Floats


class StoredWindows(msgspec.Struct, frozen=True):
    """Windows as columns; samples in the order of `series`, rising in time within one."""

    series: list[str]
    counts: bytes
    times: bytes
    values: bytes
    origins: bytes
    decided: bytes


class Windows:
    """Rows of samples. A row number stays with its series until `forget` removes the series."""

    def __init__(self, series: int = 8, samples: int = 8) -> None:
        self.rows: dict[str, int] = {}
        """Row by series key."""
        self.overflowed = 0
        """Samples dropped because a series had more than `MOST_SAMPLES_PER_SERIES` that were still needed."""
        self._free: list[int] = []
        self._times: Ints = np.zeros((series, samples), np.int64)
        self._values: Floats = np.zeros((series, samples), np.float64)
        self._start: Ints = np.zeros(series, np.int64)
        self._count: Ints = np.zeros(series, np.int64)
        self.newest: Ints = np.full(series, _NEVER, np.int64)
        """Per row, the time of the newest sample."""
        self.origins: Ints = np.full((series, 3), -1, np.int64)
        """Per row, the origin of the newest sample."""
        self.decided: Ints = np.full(series, _NEVER, np.int64)
        """Per row, the last instant at which it was evaluated on arrival."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def height(self) -> int:
        """How many rows there are, taken or free."""
        return len(self._count)

    def add(self, key: str) -> int:
        """The row of a series that is new here."""
        if self._free:
            row = self._free.pop()
        else:
            row = len(self.rows)
            if row == self.height:
                self._heighten()
        self.rows[key] = row
        return row

    def append(self, rows: Ints, times: Ints, values: Floats, origin: Origin, floor_ms: int) -> Flags:
        """Store samples; which of them were new. What is not after `floor_ms` is never needed again, so it may go."""
        fresh: Flags = np.zeros(len(rows), np.bool_)
        # The common case, one newer sample for each of many series, is done at once; the rest one by one.
        newer = times > self.newest[rows]
        if len(np.unique(rows)) == len(rows):
            self._make_place(rows[newer], floor_ms)
            at = rows[newer]
            place = (self._start[at] + self._count[at]) % self._times.shape[1]
            self._times[at, place], self._values[at, place] = times[newer], values[newer]
            self._count[at] += 1
            self.newest[at], self.origins[at] = times[newer], origin
            fresh |= newer
            rest = np.flatnonzero(~newer)
        else:
            rest = np.argsort(times, kind="stable")
        for number in rest.tolist():
            fresh[number] = self._insert(int(rows[number]), int(times[number]), float(values[number]), origin, floor_ms)
        return fresh

    def at(self, rows: Ints, instant_ms: int, lookback_ms: int) -> Values:
        """The newest value of each row in the left-open (instant - lookback, instant]; a staleness marker is none."""
        times, values = self.newest[rows], np.zeros(len(rows), np.float64)
        current = times <= instant_ms
        at = rows[current]
        last = (self._start[at] + self._count[at] - 1) % self._times.shape[1]
        values[current] = self._values[at, last]
        for number in np.flatnonzero(~current).tolist():
            series_times, series_values = self.samples(int(rows[number]), instant_ms - lookback_ms, instant_ms)
            times[number] = series_times[-1] if len(series_times) else _NEVER
            values[number] = series_values[-1] if len(series_values) else 0.0
        present = (times > instant_ms - lookback_ms) & (values.view(np.uint64) != _STALE_BITS)
        return Values(present, values)

    def samples(self, row: int, after_ms: int, until_ms: int) -> tuple[Ints, Floats]:
        """Times and values of one row in the left-open range (after, until], rising in time."""
        order = (self._start[row] + np.arange(self._count[row])) % self._times.shape[1]
        times = self._times[row, order]
        chosen = (times > after_ms) & (times <= until_ms)
        return times[chosen], self._values[row, order][chosen]

    def columns(self, rows: Ints) -> tuple[Ints, Ints, Floats]:
        """How many samples each row has, and the times and values of all of them: in the last columns of each row."""
        counts = self._count[rows]
        longest = int(counts.max(initial=0))
        first = self._start[rows] + counts - longest
        if len(rows) and (first == first[0]).all():
            order = (int(first[0]) + np.arange(longest)) % self._times.shape[1]
            return counts, self._times[rows][:, order], self._values[rows][:, order]
        places = (first[:, None] + np.arange(longest)) % self._times.shape[1]
        return counts, self._times[rows[:, None], places], self._values[rows[:, None], places]

    def remove(self, keys: list[str]) -> None:
        """Forget these series wholly."""
        for key in keys:
            row = self.rows.pop(key)
            self._count[row] = self._start[row] = 0
            self.newest[row] = self.decided[row] = _NEVER
            self.origins[row] = -1
            self._free.append(row)

    def idle(self, floor_ms: int) -> list[str]:
        """The series without a sample after `floor_ms`."""
        return [key for key, row in self.rows.items() if self.newest[row] <= floor_ms and self.decided[row] <= floor_ms]

    def store(self, floor_ms: int) -> StoredWindows:
        """What is needed after `floor_ms`, to be kept."""
        rows = np.fromiter(self.rows.values(), np.int64, len(self.rows))
        places = np.arange(self._times.shape[1])
        order = (self._start[rows, None] + places) % len(places)
        times, values = self._times[rows[:, None], order], self._values[rows[:, None], order]
        kept = (places < self._count[rows, None]) & (times > floor_ms)
        return StoredWindows(
            series=list(self.rows),
            counts=kept.sum(axis=1).astype("<i8").tobytes(),
            times=times[kept].astype("<i8").tobytes(),
            values=values[kept].astype("<f8").tobytes(),
            origins=np.column_stack([self.newest[rows], self.origins[rows]]).astype("<i8").tobytes(),
            decided=self.decided[rows].astype("<i8").tobytes(),
        )

    @classmethod
    def restore(cls, stored: StoredWindows) -> "Windows":
        """The windows that were stored."""
        counts = np.frombuffer(stored.counts, "<i8")
        times, values = np.frombuffer(stored.times, "<i8"), np.frombuffer(stored.values, "<f8")
        windows = cls(max(len(counts), 8), max(8, _power_of_two(int(counts.max(initial=0)))))
        windows.rows = {key: row for row, key in enumerate(stored.series)}
        height = len(counts)
        rows = np.repeat(np.arange(height), counts)
        places = np.arange(len(times)) - np.repeat(np.cumsum(counts) - counts, counts)
        windows._times[rows, places], windows._values[rows, places] = times, values
        windows._count[:height] = counts
        origins = np.frombuffer(stored.origins, "<i8").reshape(height, 4)
        windows.newest[:height], windows.origins[:height] = origins[:, 0], origins[:, 1:]
        windows.decided[:height] = np.frombuffer(stored.decided, "<i8")
        windows._free = list(range(windows.height - 1, height - 1, -1))
        return windows

    def _insert(self, row: int, time: int, value: float, origin: Origin, floor_ms: int) -> bool:
        if time > self.newest[row]:
            at = np.array([row])
            self._make_place(at, floor_ms)
            place = (self._start[row] + self._count[row]) % self._times.shape[1]
            self._times[row, place], self._values[row, place] = time, value
            self._count[row] += 1
            self.newest[row], self.origins[row] = time, origin
            return True
        times, values = self.samples(row, _NEVER, 2**62)
        place = int(np.searchsorted(times, time))
        if place < len(times) and times[place] == time:
            return False
        self._make_place(np.array([row]), floor_ms)
        times, values = self.samples(row, _NEVER, 2**62)
        place = int(np.searchsorted(times, time))
        size = len(times) + 1
        self._times[row, :size], self._values[row, :size] = (
            np.insert(times, place, time),
            np.insert(values, place, value),
        )
        self._start[row], self._count[row] = 0, size
        return True

    def _make_place(self, rows: Ints, floor_ms: int) -> None:
        """Let each row have a free place: first by dropping what nobody needs, else by widening."""
        width = self._times.shape[1]
        full = rows[self._count[rows] == width]
        if not len(full):
            return
        dispensable = self._times[full, self._start[full]] <= floor_ms
        if not dispensable.all() and width < MOST_SAMPLES_PER_SERIES:
            self._widen()
            return
        self.overflowed += int((~dispensable).sum())
        self._start[full] = (self._start[full] + 1) % width
        self._count[full] -= 1

    def _widen(self) -> None:
        height, width = self._times.shape
        order = (self._start[:, None] + np.arange(width)) % width
        rows = np.arange(height)[:, None]
        self._times = np.concatenate([self._times[rows, order], np.zeros_like(self._times)], axis=1)
        self._values = np.concatenate([self._values[rows, order], np.zeros_like(self._values)], axis=1)
        self._start[:] = 0

    def _heighten(self) -> None:
        more = self.height
        self._times = np.concatenate([self._times, np.zeros_like(self._times)])
        self._values = np.concatenate([self._values, np.zeros_like(self._values)])
        self._start = np.concatenate([self._start, np.zeros(more, np.int64)])
        self._count = np.concatenate([self._count, np.zeros(more, np.int64)])
        self.newest = np.concatenate([self.newest, np.full(more, _NEVER, np.int64)])
        self.origins = np.concatenate([self.origins, np.full((more, 3), -1, np.int64)])
        self.decided = np.concatenate([self.decided, np.full(more, _NEVER, np.int64)])


def _power_of_two(at_least: int) -> int:
    return 1 << max(at_least - 1, 0).bit_length()
