"""Windows of different lengths: each series in a pool of its width, moved to a wider one when it needs more.

A series costs about what it holds, and those that were sampled alike lie side by side.
"""

import numpy as np

from shared.promql.source import Block, is_stale
from shared.promql.windows import NEVER, Flags, Floats, Ints, Marks, Windows

# Rising by half, so that a series never takes much more than it holds.
WIDTHS: tuple[int, ...] = (
    *(8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1_024, 1_536, 2_048, 3_072, 4_096),
    *(6_144, 8_192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536),
)
MOST_SAMPLES_PER_SERIES = WIDTHS[-1]


class WindowPools:
    """Rows of samples. A row number stays with its series until it is freed."""

    def __init__(self) -> None:
        self._pools: list[Windows] = [Windows(WIDTHS[0])]
        self._pool: Ints = np.zeros(8, np.int64)
        self._slot: Ints = np.zeros(8, np.int64)
        self._free: list[int] = []
        self._rows = 0
        self.overflowed = 0
        """Samples forgotten although they were needed, because a series had more than `MOST_SAMPLES_PER_SERIES`."""

    @property
    def nbytes(self) -> int:
        """Memory in use for samples."""
        return sum(pool.nbytes for pool in self._pools)

    @property
    def height(self) -> int:
        """Row numbers are below."""
        return self._rows

    def take(self) -> int:
        """A row for a series that is new."""
        if self._free:
            row = self._free.pop()
        else:
            row = self._rows
            self._rows += 1
            if row == len(self._pool):
                self._pool = np.concatenate([self._pool, np.zeros_like(self._pool)])
                self._slot = np.concatenate([self._slot, np.zeros_like(self._slot)])
        self._pool[row], self._slot[row] = 0, self._pools[0].take()
        return row

    def free(self, row: int) -> None:
        """The series is forgotten."""
        self._pools[int(self._pool[row])].free(int(self._slot[row]))
        self._free.append(row)

    def newest(self, rows: Ints) -> Ints:
        """The times of the rows' newest samples; long ago where there is none."""
        found = np.full(len(rows), NEVER, np.int64)
        for number, places in self._by_pool(rows):
            found[places] = self._pools[number].newest[self._slot[rows[places]]]
        return found

    def samples(self, row: int) -> tuple[Ints, Floats, Marks]:
        """Times, values and marks of one row, rising in time."""
        return self._pools[int(self._pool[row])].samples(int(self._slot[row]))

    def append(self, rows: Ints, times: Ints, values: Floats, floors: Ints | int, marks: Marks | int = 0) -> Flags:
        """Store samples, each with a mark; which of them were new. What is at or before a row's floor is not needed."""
        fresh: Flags = np.zeros(len(rows), np.bool_)
        floor = np.broadcast_to(np.asarray(floors, np.int64), (len(rows),))
        mark = np.broadcast_to(np.asarray(marks, np.int32), (len(rows),))
        # The common case, one newer sample for each of many series, is done at once; the rest row by row.
        _, inverse, counts = np.unique(rows, return_inverse=True, return_counts=True)
        newer = (counts[inverse] == 1) & (times > self.newest(rows))
        self._push(rows[newer], times[newer], values[newer], floor[newer], mark[newer])
        fresh |= newer
        if not newer.all():
            self._merge(np.flatnonzero(~newer), rows, times, values, floor, mark, fresh)
        return fresh

    def blocks(self, rows: Ints, until_ms: int) -> list[Block]:
        """What the rows hold up to then, those with the same times together; `Block.rows` are places in `rows`."""
        blocks: list[Block] = []
        for number, places in self._by_pool(rows):
            counts, times, values = self._pools[number].columns(self._slot[rows[places]])
            blocks += _blocks(places, counts, times, values, until_ms)
        return blocks

    def _push(self, rows: Ints, times: Ints, values: Floats, floors: Ints, marks: Marks) -> None:
        for number, places in self._by_pool(rows):
            self._make_place(number, rows[places], floors[places])
        for number, places in self._by_pool(rows):
            self._pools[number].push(self._slot[rows[places]], times[places], values[places], marks[places])

    def _make_place(self, number: int, rows: Ints, floors: Ints) -> None:
        """Let each row have a free place: by dropping what nobody needs, else by moving it to a wider pool."""
        pool, slots = self._pools[number], self._slot[rows]
        full = pool.counts[slots] == pool.width
        if not full.any():
            return
        dispensable = full & (pool.oldest(slots) <= floors)
        if dispensable.any():
            # Two at a time, so that windows that have grown too long shrink back to what is needed.
            pool.drop_oldest(slots[dispensable])
            again = dispensable & (pool.counts[slots] > 0) & (pool.oldest(slots) <= floors)
            if again.any():
                pool.drop_oldest(slots[again])
        crowded = rows[full & ~dispensable]
        if not len(crowded):
            return
        if number + 1 == len(WIDTHS):
            self.overflowed += len(crowded)
            pool.drop_oldest(self._slot[crowded])
            return
        self._move(number, crowded, number + 1)

    def _move(self, number: int, rows: Ints, to: int) -> None:
        while len(self._pools) <= to:
            self._pools.append(Windows(WIDTHS[len(self._pools)]))
        old, new = self._pools[number], self._pools[to]
        for row in rows.tolist():
            slot = int(self._slot[row])
            place = new.take()
            new.put(place, *old.samples(slot))
            old.free(slot)
            self._pool[row], self._slot[row] = to, place

    def _merge(
        self, places: Ints, rows: Ints, times: Ints, values: Floats, floors: Ints, marks: Marks, fresh: Flags
    ) -> None:
        """Samples that are not newer than what their rows hold: row by row, all at once."""
        places = places[np.lexsort((places, times[places], rows[places]))]
        bounds = np.flatnonzero(np.diff(rows[places])) + 1
        for mine in np.split(places, bounds):
            row, floor = int(rows[mine[0]]), int(floors[mine[0]])
            held_times, held, held_marks = self.samples(row)
            at = np.searchsorted(held_times, times[mine])
            inside = at < len(held_times)
            known = np.zeros(len(mine), np.bool_)
            known[inside] = held_times[at[inside]] == times[mine][inside]
            known[1:] |= times[mine][1:] == times[mine][:-1]
            added = mine[~known]
            if not len(added):
                continue
            fresh[added] = True
            merged = np.concatenate([held_times, times[added]])
            order = np.argsort(merged, kind="stable")
            all_marks = np.concatenate([held_marks, marks[added]])[order]
            self._put(row, merged[order], np.concatenate([held, values[added]])[order], all_marks, floor)

    def _put(self, row: int, times: Ints, values: Floats, marks: Marks, floor: int) -> None:
        number = int(self._pool[row])
        if len(times) > WIDTHS[number]:
            kept = max(int(np.searchsorted(times, floor, "right")), 0)
            times, values, marks = times[kept:], values[kept:], marks[kept:]
            lost = max(len(times) - MOST_SAMPLES_PER_SERIES, 0)
            self.overflowed += lost
            times, values, marks = times[lost:], values[lost:], marks[lost:]
            to = next(place for place, width in enumerate(WIDTHS) if width >= len(times))
            if to > number:
                self._move(number, np.array([row]), to)
        self._pools[int(self._pool[row])].put(int(self._slot[row]), times, values, marks)

    def _by_pool(self, rows: Ints) -> list[tuple[int, Ints]]:
        """Places in `rows`, pool by pool."""
        if not len(rows):
            return []
        pools = self._pool[rows]
        if (pools == pools[0]).all():
            return [(int(pools[0]), np.arange(len(rows)))]
        return [(number, np.flatnonzero(pools == number)) for number in np.unique(pools).tolist()]


def _blocks(places: Ints, counts: Ints, times: Ints, values: Floats, until_ms: int) -> list[Block]:
    width = times.shape[1]
    if not width:
        return []
    if (counts == counts[0]).all() and (times == times[0]).all():
        groups = [np.arange(len(places))]
    else:
        together: dict[bytes, list[int]] = {}
        for place, count in enumerate(counts.tolist()):
            together.setdefault(times[place, width - count :].tobytes(), []).append(place)
        groups = [np.array(some, np.int64) for some in together.values()]
    blocks = []
    for some in groups:
        begin, shared = width - int(counts[some[0]]), times[some[0]]
        end = begin + int(np.searchsorted(shared[begin:], until_ms, "right"))
        taken = values[:, begin:end] if len(some) == len(places) else values[some, begin:end]
        blocks.append(Block(places[some], shared[begin:end], taken, bool(is_stale(taken).any())))
    return blocks
