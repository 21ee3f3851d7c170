"""Windows of different lengths: each series in a pool of its width, moved to a wider one when it needs more.

A series costs about what it holds, and those that were sampled alike lie side by side.
"""

import numpy as np

from shared.promql.apart import Apart
from shared.promql.source import Block, is_stale
from shared.promql.windows import NEVER, Flags, Floats, Ints, Marks, Windows

# Rising by half, so that a series never takes much more than it holds.
WIDTHS: tuple[int, ...] = (
    *(8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1_024, 1_536, 2_048, 3_072, 4_096),
    *(6_144, 8_192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536),
)
MOST_SAMPLES_PER_SERIES = WIDTHS[-1]
_NOWHERE = -1
# Pools of so few rows are left as they are.
_SMALL = 256


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
        number = int(self._pool[row])
        self._pools[number].free(int(self._slot[row]))
        self._pool[row] = _NOWHERE
        self._free.append(row)
        self._pack(number)

    def reserve(self, rows: Ints, counts: Ints) -> None:
        """Rows that hold nothing yet will soon hold so many samples each."""
        to = np.minimum(np.searchsorted(np.array(WIDTHS), counts), len(WIDTHS) - 1)
        for number, places in self._by_pool(rows):
            for target in np.unique(to[places][to[places] > number]).tolist():
                self._move(number, rows[places[to[places] == target]], target)

    def newest(self, rows: Ints) -> Ints:
        """The times of the rows' newest samples; long ago where there is none."""
        found = np.full(len(rows), NEVER, np.int64)
        for number, places in self._by_pool(rows):
            found[places] = self._pools[number].newest[self._slot[rows[places]]]
        return found

    def oldest(self, rows: Ints) -> Ints:
        """The times of the rows' oldest samples; long ago where there is none."""
        found = np.full(len(rows), NEVER, np.int64)
        for number, places in self._by_pool(rows):
            pool, slots = self._pools[number], self._slot[rows[places]]
            found[places] = np.where(pool.counts[slots] > 0, pool.oldest(slots), NEVER)
        return found

    def samples(self, row: int) -> tuple[Ints, Floats, Marks]:
        """Times, values and marks of one row, rising in time."""
        return self._pools[int(self._pool[row])].samples(int(self._slot[row]))

    def forget(self, row: int, until_ms: int) -> None:
        """What the row holds up to then is not needed."""
        pool, slot = self._pools[int(self._pool[row])], int(self._slot[row])
        times, values, marks = pool.samples(slot)
        first = int(np.searchsorted(times, until_ms, "right"))
        if first:
            pool.put(slot, times[first:], values[first:], marks[first:])

    def append(self, rows: Ints, times: Ints, values: Floats, floors: Ints | int, marks: Marks | int = 0) -> Flags:
        """Store samples, each with a mark; which of them were new. What is at or before a row's floor is not needed."""
        fresh: Flags = np.zeros(len(rows), np.bool_)
        floor = floors if isinstance(floors, np.ndarray) else np.full(len(rows), floors, np.int64)
        mark = marks if isinstance(marks, np.ndarray) else np.full(len(rows), marks, np.int32)
        # What comes in order, one sample for each of many series or many for each, is done at once; so is what comes in
        # the reverse order, as windows are filled. The rest is done row by row.
        steps = np.diff(rows)
        if (steps >= 0).all():
            order, again = None, steps == 0
        else:
            order = np.argsort(rows, kind="stable")
            again = np.diff(rows[order]) == 0
        if order is None and again.any() and (np.diff(times)[again] > 0).all() and (times > self.newest(rows)).all():
            fresh[:] = self._extend(rows, times, values, floor, mark)
        elif not again.any():
            newer = times > self.newest(rows)
            if newer.all():
                self._push(rows, times, values, floor, mark)
                return newer
            self._push(rows[newer], times[newer], values[newer], floor[newer], mark[newer])
            rest = np.flatnonzero(~newer)
            older = rest[times[rest] < self.oldest(rows[rest])]
            fits = self._push_before(rows[older], times[older], values[older], floor[older], mark[older])
            fresh[newer] = fresh[older[fits]] = True
        else:
            order = np.arange(len(rows)) if order is None else order
            if (again & (np.diff(times[order]) <= 0)).any():
                order = np.lexsort((np.arange(len(rows)), times, rows))
                order = order[~_repeated(rows[order], times[order])]
            then = order[times[order] > self.newest(rows[order])]
            fits = self._extend(rows[then], times[then], values[then], floor[then], mark[then])
            fresh[then[fits]] = True
        if not fresh.all():
            self._merge(np.flatnonzero(~fresh), rows, times, values, floor, mark, fresh)
        return fresh

    def held(self, rows: Ints, until_ms: int) -> list[Block] | Apart:
        """What the rows hold up to then: a block where all have the same times; `Block.rows` are places in `rows`."""
        if not len(rows):
            return []
        parts = [
            (places, *self._pools[number].columns(self._slot[rows[places]])) for number, places in self._by_pool(rows)
        ]
        if len(parts) == 1:
            places, counts, times, values = parts[0]
            if not times.shape[1]:
                return []
            if (counts == counts[0]).all() and (times == times[0]).all():
                end = int(np.searchsorted(times[0], until_ms, "right"))
                taken = values[:, :end]
                return [Block(places, times[0, :end], taken, bool(is_stale(taken).any()))]
            return Apart(counts, times, values, until_ms)
        width = max(times.shape[1] for _, _, times, _ in parts)
        all_counts, all_times = np.zeros(len(rows), np.int64), np.zeros((len(rows), width), np.int64)
        all_values = np.zeros((len(rows), width))
        for places, counts, times, values in parts:
            begin = width - times.shape[1]
            all_counts[places], all_times[places, begin:], all_values[places, begin:] = counts, times, values
        return Apart(all_counts, all_times, all_values, until_ms)

    def _push(self, rows: Ints, times: Ints, values: Floats, floors: Ints, marks: Marks) -> None:
        parts = self._by_pool(rows)
        moved = [self._make_place(number, rows[places], floors[places]) for number, places in parts]
        if any(moved):
            parts = self._by_pool(rows)
        for number, places in parts:
            self._pools[number].push(self._slot[rows[places]], times[places], values[places], marks[places])

    def _push_before(self, rows: Ints, times: Ints, values: Floats, floors: Ints, marks: Marks) -> Flags:
        """Put a sample before what each row holds; which found place, or need none."""
        fits: Flags = np.ones(len(rows), np.bool_)
        needed = times > floors
        for number, places in self._by_pool(rows):
            pool = self._pools[number]
            full = places[(pool.counts[self._slot[rows[places]]] == pool.width) & needed[places]]
            if len(full) and number + 1 < len(WIDTHS):
                self._move(number, rows[full], number + 1)
        for number, places in self._by_pool(rows):
            pool = self._pools[number]
            slots = self._slot[rows[places]]
            free = pool.counts[slots] < pool.width
            fits[places[~free & needed[places]]] = False
            places, slots = places[free], slots[free]
            pool.push_before(slots, times[places], values[places], marks[places])
        return fits

    def _extend(self, rows: Ints, times: Ints, values: Floats, floors: Ints, marks: Marks) -> Flags:
        """Append samples that are sorted by row and time, newer than what their rows hold; which found place."""
        fits: Flags = np.ones(len(rows), np.bool_)
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        mine, counts = rows[begins], np.diff(begins, append=len(rows))
        for number, places in self._by_pool(mine):
            pool = self._pools[number]
            slots = self._slot[mine[places]]
            crowded = places[pool.counts[slots] + counts[places] > pool.width]
            if len(crowded):
                pool.drop_until(self._slot[mine[crowded]], floors[begins[crowded]])
                self._widen(number, mine[crowded], counts[crowded])
        for number, places in self._by_pool(mine):
            pool = self._pools[number]
            slots = self._slot[mine[places]]
            full = places[pool.counts[slots] + counts[places] > pool.width]
            fits[np.isin(rows, mine[full])] = False
        for number, places in self._by_pool(rows):
            places = places[fits[places]]
            if len(places):
                slots = self._slot[rows[places]]
                # Slots are in no order, but each row's samples lie together.
                self._pools[number].extend(slots, times[places], values[places], marks[places])
        return fits

    def _widen(self, number: int, rows: Ints, more: Ints) -> None:
        """Move rows to pools where so many more samples find place, if there are any so wide."""
        needed = self._pools[number].counts[self._slot[rows]] + more
        to = np.searchsorted(np.array(WIDTHS), needed)
        for target in np.unique(to[(to > number) & (to < len(WIDTHS))]).tolist():
            self._move(number, rows[to == target], target)

    def _make_place(self, number: int, rows: Ints, floors: Ints) -> bool:
        """Let each row have a free place: by dropping what nobody needs, else by moving it to a wider pool. Whether
        some have moved."""
        pool, slots = self._pools[number], self._slot[rows]
        full = pool.counts[slots] == pool.width
        if not full.any():
            return False
        dispensable = full & (pool.oldest(slots) <= floors)
        if dispensable.any():
            # Two at a time, so that windows that have grown too long shrink back to what is needed.
            pool.drop_oldest(slots[dispensable])
            again = dispensable & (pool.counts[slots] > 0) & (pool.oldest(slots) <= floors)
            if again.any():
                pool.drop_oldest(slots[again])
        crowded = rows[full & ~dispensable]
        if not len(crowded):
            return False
        if number + 1 == len(WIDTHS):
            self.overflowed += len(crowded)
            pool.drop_oldest(self._slot[crowded])
            return False
        self._move(number, crowded, number + 1)
        return True

    def _move(self, number: int, rows: Ints, to: int) -> None:
        while len(self._pools) <= to:
            self._pools.append(Windows(WIDTHS[len(self._pools)]))
        pool = self._pools[number]
        self._slot[rows] = pool.move(self._slot[rows], self._pools[to])
        self._pool[rows] = to
        self._pack(number)

    def _pack(self, number: int) -> None:
        """Give back the memory of a pool that most of its series have left."""
        pool = self._pools[number]
        if pool.height <= _SMALL or pool.used > pool.height // 4:
            return
        packed = Windows(pool.width, max(2 * pool.used, 8))
        left = np.flatnonzero(self._pool[: self._rows] == number)
        self._slot[left] = pool.move(self._slot[left], packed)
        self._pools[number] = packed

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


def _repeated(rows: Ints, times: Ints) -> Flags:
    """Which of sorted samples are of the same row and time as the one before."""
    same: Flags = (np.diff(rows, prepend=-1) == 0) & (np.diff(times, prepend=NEVER) == 0)
    return same
