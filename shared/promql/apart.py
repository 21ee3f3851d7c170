"""Series that were sampled each at times of its own: what a scrape of a thousand targets looks like.

Blocks of equal times would hold a series or two each, and every function would run once for each of them. For a single
instant, which is what rules are evaluated at, series are put together by how many samples lie in the window instead.
"""

from typing import NamedTuple

import numpy as np

from shared.promql.series_sets import Ints
from shared.promql.source import Block, is_stale
from shared.promql.values import Flags, Floats

_BEFORE_ALL = np.iinfo(np.int64).min
_AFTER_ALL = np.iinfo(np.int64).max


class Cut(NamedTuple):
    """Series `rows` [R] that have equally many samples in a stretch of time: `times` and `values` [R, n]."""

    rows: Ints
    times: Ints
    values: Floats


class Apart:
    """Samples of S series: `times` and `values` [S, N], each row's `counts` [S] samples in its last columns, rising in
    time; those after `until_ms` count as not there. Not to be changed afterwards: what is worked out is remembered for
    the next rule that asks."""

    def __init__(self, counts: Ints, times: Ints, values: Floats, until_ms: int = _AFTER_ALL) -> None:
        self._counts, self._values, self._until_ms = counts, values, until_ms
        empty = np.arange(times.shape[1]) < times.shape[1] - counts[:, None]
        self._times: Ints = np.where(empty, _BEFORE_ALL, times) if empty.any() else times
        stale = is_stale(values) & ~empty
        self._stale: Flags | None = stale if stale.any() else None
        self._upto: dict[int, Ints] = {}
        self._cuts: dict[tuple[int, int], list[Cut]] = {}
        self._unmarked: Apart | None = None

    def samples(self, start_ms: int, end_ms: int) -> int:
        """How many samples lie in (start, end]."""
        return int((self._columns_upto(end_ms) - self._columns_upto(start_ms)).sum())

    def newest(self, at_ms: int, lookback_ms: int) -> tuple[Floats, Ints, Flags]:
        """Value and time [S] of each row's newest sample in (at - lookback, at], and who has one: a marker is none."""
        if not self._times.shape[1]:
            nothing = np.zeros(len(self._counts))
            return nothing, nothing.astype(np.int64), nothing.astype(np.bool_)
        place = np.maximum(self._columns_upto(at_ms) - 1, 0)
        rows = np.arange(len(place))
        times = self._times[rows, place]
        found = (times > at_ms - lookback_ms) & (times <= min(at_ms, self._until_ms))
        if self._stale is not None:
            found &= ~self._stale[rows, place]
        return self._values[rows, place], times, found

    def cuts(self, start_ms: int, end_ms: int) -> list[Cut]:
        """The samples in (start, end] without staleness markers; series without any are in none."""
        if self._stale is not None:
            if self._unmarked is None:
                self._unmarked = self._without_markers()
            return self._unmarked.cuts(start_ms, end_ms)
        found = self._cuts.get((start_ms, end_ms))
        if found is None:
            found = self._cuts[start_ms, end_ms] = self._cut(start_ms, end_ms)
        return found

    def blocks(self) -> list[Block]:
        """The same as blocks: series with the same times together."""
        begins, ends = self._times.shape[1] - self._counts, self._columns_upto(self._until_ms)
        together: dict[bytes, list[int]] = {}
        for row, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            together.setdefault(self._times[row, begin:end].tobytes(), []).append(row)
        blocks = []
        for some in together.values():
            rows, columns = np.array(some, np.int64), slice(int(begins[some[0]]), int(ends[some[0]]))
            if len({*begins[rows].tolist()}) == 1:
                values = self._values[rows, columns]
            else:
                values = np.stack([self._values[row, begins[row] : ends[row]] for row in some])
            blocks.append(Block(rows, self._times[some[0], columns], values, bool(is_stale(values).any())))
        return blocks

    def _columns_upto(self, time_ms: int) -> Ints:
        time_ms = min(time_ms, self._until_ms)
        found = self._upto.get(time_ms)
        if found is None:
            found = self._upto[time_ms] = np.count_nonzero(self._times <= time_ms, axis=1).astype(np.int64)
        return found

    def _cut(self, start_ms: int, end_ms: int) -> list[Cut]:
        begin, end = self._columns_upto(start_ms), self._columns_upto(end_ms)
        counts = end - begin
        cuts = []
        for count in np.unique(counts[counts > 0]).tolist():
            rows = np.flatnonzero(counts == count)
            first = begin[rows]
            if (first == first[0]).all():
                columns = slice(int(first[0]), int(first[0]) + count)
                cuts.append(Cut(rows, self._times[rows, columns], self._values[rows, columns]))
            else:
                places = first[:, None] + np.arange(count)
                cuts.append(Cut(rows, self._times[rows[:, None], places], self._values[rows[:, None], places]))
        return cuts

    def _without_markers(self) -> "Apart":
        assert self._stale is not None, "asked for only where there are markers"
        times, values, counts = self._times.copy(), self._values.copy(), self._counts.copy()
        width = times.shape[1]
        for row in np.flatnonzero(self._stale.any(axis=1)).tolist():
            kept = np.flatnonzero(~self._stale[row])
            kept = kept[kept >= width - counts[row]]
            times[row, width - len(kept) :], values[row, width - len(kept) :] = times[row, kept], values[row, kept]
            # What is before them is never looked at, but must not look like a marker.
            values[row, : width - len(kept)] = 0.0
            counts[row] = len(kept)
        return Apart(counts, times, values, self._until_ms)
