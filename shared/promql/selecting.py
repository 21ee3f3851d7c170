"""From selections of a source to values at steps, and to the windows that range functions look through."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, SeriesSet
from shared.promql.source import Block, Selection, Source, is_stale
from shared.promql.values import Flags, Floats, Vector, at_all_steps


@dataclass(frozen=True, eq=False)
class Window:
    """One block as range functions see it: at step t the samples `lo[t]` to `hi[t]` (exclusive) are in the window.

    `times` is [N]; or, for a single step and those who can work with it, [S, N]: each series has its own. `start` and
    `end` [T] are the window's bounds, `instants` [T] the steps themselves, all in ms. The window is open on its left.
    No staleness markers are among the values.
    """

    rows: Ints
    times: Ints
    values: Floats
    lo: Ints
    hi: Ints
    start: Ints
    end: Ints
    instants: Ints
    check: Callable[[], None]
    """Called now and then by whoever works on it: raises once the deadline has passed."""

    @property
    def counts(self) -> Ints:
        """Samples in the window, [T]."""
        return self.hi - self.lo


def select(source: Source, matchers: Sequence[Matcher], alternatives: Sequence[Sequence[Matcher]], start_ms: int,
           end_ms: int) -> Selection:  # fmt: skip
    """A selector's series; where there are alternatives, those of any of them."""
    if not alternatives:
        return source.select(tuple(matchers), start_ms, end_ms)
    rows: dict[object, int] = {}
    blocks = []
    for some in alternatives:
        found = source.select((*matchers, *some), start_ms, end_ms)
        for block in found.blocks:
            new = [place for place, row in enumerate(block.rows.tolist()) if found.series[row] not in rows]
            if new:
                numbers = [rows.setdefault(found.series[int(block.rows[place])], len(rows)) for place in new]
                blocks.append(replace(block, rows=np.array(numbers, np.int64), values=block.values[new]))
    return Selection(SeriesSet(list(rows)), blocks)  # type: ignore[arg-type]


def values_at(selection: Selection, at: Ints, lookback_ms: int, times_instead: bool = False) -> Vector:
    """The newest value of each series in (at - lookback, at], for each of the instants; or the sample's time in s."""
    count, steps = len(selection.series), len(at)
    if selection.apart is not None and steps == 1:
        newest, times, found = selection.apart.newest(int(at[0]), lookback_ms)
        shown = times / 1000 if times_instead else newest
        return Vector(selection.series, shown[:, None], found[:, None], np.zeros(count, np.bool_))
    parts = [(block.rows, *_newest(block, at, lookback_ms, times_instead)) for block in selection.blocks]
    dropped = np.zeros(count, np.bool_)
    if len(parts) == 1 and _all_in_order(parts[0][0], count):
        return Vector(selection.series, parts[0][1], parts[0][2], dropped)
    values, present = np.zeros((count, steps)), np.zeros((count, steps), np.bool_)
    for rows, part, found in parts:
        values[rows], present[rows] = part, found
    return Vector(selection.series, values, present, dropped)


def _newest(block: Block, at: Ints, lookback_ms: int, times_instead: bool) -> tuple[Floats, Flags]:
    height = len(block.rows)
    if not len(block.times):
        return np.zeros((height, len(at))), np.zeros((height, len(at)), np.bool_)
    place = np.searchsorted(block.times, at, "right") - 1
    found = (place >= 0) & (block.times[place] > at - lookback_ms)
    values = block.values.take(np.maximum(place, 0), axis=1)
    present = at_all_steps(found, height)
    if block.marked:
        present = present & ~is_stale(values)
    if times_instead:
        values = np.broadcast_to(block.times[place] / 1000, values.shape)
    return values, present


def windows(selection: Selection, start: Ints, end: Ints, instants: Ints, check: Callable[[], None],
            margins: tuple[int, int] = (0, 0), own_times: bool = False) -> list[Window]:  # fmt: skip
    """The windows (start, end] of each step over each block; with the samples of so many ms before and after them.

    With `own_times` series that were sampled apart may come together, each with its own times.
    """
    if own_times and selection.apart is not None and len(start) == 1 and margins == (0, 0):
        none = np.zeros(1, np.int64)
        return [
            Window(cut.rows, cut.times, cut.values, none, none + cut.times.shape[1], start, end, instants, check)
            for cut in selection.apart.cuts(int(start[0]), int(end[0]))
        ]
    found = []
    for block in selection.blocks:
        for part in _unmarked(block):
            lo = np.searchsorted(part.times, start - margins[0], "right")
            hi = np.searchsorted(part.times, end + margins[1], "right")
            found.append(Window(part.rows, part.times, part.values, lo, hi, start, end, instants, check))
    return found


def _unmarked(block: Block) -> list[Block]:
    """The block without staleness markers: series that are marked at the same times stay together."""
    if not block.marked:
        return [block]
    stale = is_stale(block.values)
    kinds, kind_of = np.unique(stale, axis=0, return_inverse=True)
    parts = []
    for number, marks in enumerate(kinds):
        rows = np.flatnonzero(kind_of.reshape(-1) == number)
        parts.append(Block(block.rows[rows], block.times[~marks], block.values[rows][:, ~marks]))
    return parts


def blocks_of(vector: Vector, times: Ints) -> list[Block]:
    """A vector's steps as samples, for subqueries: rows that are present at the same steps together."""
    if not len(vector):
        return []
    if vector.present.strides[0] == 0 or vector.present.all():
        steps = vector.present[0]
        rows = np.arange(len(vector))
        return [Block(rows, times[steps], vector.values[:, steps])]
    kinds, kind_of = np.unique(vector.present, axis=0, return_inverse=True)
    parts = []
    for number, steps in enumerate(kinds):
        rows = np.flatnonzero(kind_of.reshape(-1) == number)
        parts.append(Block(rows, times[steps], vector.values[rows][:, steps]))
    return parts


def _all_in_order(rows: Ints, count: int) -> bool:
    return len(rows) == count and bool((rows == np.arange(count)).all())


def scattered(count: int, steps: int, parts: Sequence[tuple[Ints, Floats, Flags]]) -> tuple[Floats, Flags]:
    """Results of several windows as one array by row; without a copy where one window holds all rows."""
    if len(parts) == 1 and _all_in_order(parts[0][0], count):
        _, values, found = parts[0]
        return values, at_all_steps(found, count) if found.ndim == 1 else found
    values, present = np.zeros((count, steps)), np.zeros((count, steps), np.bool_)
    for rows, part, found in parts:
        values[rows], present[rows] = part, found
    return values, present
