"""Recent samples of series whose windows are about equally long: a ring buffer each, together a matrix.

Appending one sample to each of many series, or many to each, and gathering the samples of many series, are a few numpy
calls. The layout never shows: windows that were told the same samples, in whatever pieces, answer alike.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Marks = npt.NDArray[np.int32]
"""What whoever keeps samples notes beside each of them."""

NEVER = -(2**62)
_ROWS_AT_ONCE = 512


class Windows:
    """Rows of at most `width` samples each. Whoever owns it sees to it that no row that is appended to is full."""

    def __init__(self, width: int, rows: int = 8) -> None:
        self.width = width
        self._times: Ints = np.zeros((rows, width), np.int64)
        self._values: Floats = np.zeros((rows, width), np.float64)
        self._marks: Marks = np.zeros((rows, width), np.int32)
        self._start: Ints = np.zeros(rows, np.int64)
        self.counts: Ints = np.zeros(rows, np.int64)
        """Per row, how many samples it holds."""
        self.newest: Ints = np.full(rows, NEVER, np.int64)
        """Per row, the time of its newest sample."""
        self._free = list(range(rows - 1, -1, -1))

    @property
    def used(self) -> int:
        """How many rows are taken."""
        return len(self.counts) - len(self._free)

    @property
    def height(self) -> int:
        """How many rows there are, taken or free."""
        return len(self.counts)

    @property
    def nbytes(self) -> int:
        """Memory in use for samples."""
        return self._times.nbytes + self._values.nbytes + self._marks.nbytes

    def take(self) -> int:
        """A row that was free."""
        if not self._free:
            self._heighten(1)
        return self._free.pop()

    def take_many(self, count: int) -> Ints:
        """Rows that were free."""
        if len(self._free) < count:
            self._heighten(count - len(self._free))
        taken = self._free[len(self._free) - count :]
        del self._free[len(self._free) - count :]
        return np.array(taken[::-1], np.int64)

    def free(self, row: int) -> None:
        """The row is free again."""
        self.counts[row] = self._start[row] = 0
        self.newest[row] = NEVER
        self._free.append(row)

    def free_many(self, rows: Ints) -> None:
        """The rows are free again."""
        self.counts[rows] = self._start[rows] = 0
        self.newest[rows] = NEVER
        self._free += rows.tolist()

    def oldest(self, rows: Ints) -> Ints:
        """The times of the rows' oldest samples; of an empty row it says nothing."""
        return self._times[rows, self._start[rows]]

    def drop_oldest(self, rows: Ints) -> None:
        """Forget the oldest sample of each row."""
        self._start[rows] = (self._start[rows] + 1) % self.width
        self.counts[rows] -= 1

    def drop_until(self, rows: Ints, floors: Ints) -> None:
        """Forget the samples of each row that are not after its floor, but for its newest."""
        counts, times, _ = self.columns(rows)
        width = times.shape[1]
        held = np.arange(width) >= width - counts[:, None]
        gone = np.minimum(np.count_nonzero(held & (times <= floors[:, None]), axis=1), np.maximum(counts - 1, 0))
        self._start[rows] = (self._start[rows] + gone) % self.width
        self.counts[rows] -= gone

    def push(self, rows: Ints, times: Ints, values: Floats, marks: Marks) -> None:
        """Append a sample to each of different rows, newer than all that it holds."""
        place = (self._start[rows] + self.counts[rows]) % self.width
        self._times[rows, place], self._values[rows, place], self._marks[rows, place] = times, values, marks
        self.counts[rows] += 1
        self.newest[rows] = times

    def push_before(self, rows: Ints, times: Ints, values: Floats, marks: Marks) -> None:
        """Put a sample before all that each of different rows holds, which is something."""
        place = (self._start[rows] - 1) % self.width
        self._times[rows, place], self._values[rows, place], self._marks[rows, place] = times, values, marks
        self.counts[rows] += 1
        self._start[rows] = place

    def extend(self, rows: Ints, times: Ints, values: Floats, marks: Marks) -> None:
        """Append samples, sorted by row and within it rising in time, newer than all that the row holds."""
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        mine, counts = rows[begins], np.diff(begins, append=len(rows))
        rank = np.arange(len(rows)) - np.repeat(begins, counts)
        place = (np.repeat(self._start[mine] + self.counts[mine], counts) + rank) % self.width
        self._times[rows, place], self._values[rows, place], self._marks[rows, place] = times, values, marks
        self.counts[mine] += counts
        self.newest[mine] = times[begins + counts - 1]

    def samples(self, row: int) -> tuple[Ints, Floats, Marks]:
        """Times, values and marks of one row, rising in time."""
        order = (self._start[row] + np.arange(self.counts[row])) % self.width
        return self._times[row, order], self._values[row, order], self._marks[row, order]

    def put(self, row: int, times: Ints, values: Floats, marks: Marks) -> None:
        """Let the row hold just these samples, rising in time and at most `width`."""
        count = len(times)
        self._times[row, :count], self._values[row, :count], self._marks[row, :count] = times, values, marks
        self._start[row], self.counts[row] = 0, count
        self.newest[row] = times[-1] if count else NEVER

    def move(self, rows: Ints, to: "Windows") -> Ints:
        """Move rows into windows that are at least as wide; where they are there."""
        there = to.take_many(len(rows))
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            some, target = rows[begin : begin + _ROWS_AT_ONCE], there[begin : begin + _ROWS_AT_ONCE]
            longest = int(self.counts[some].max(initial=0))
            order = some[:, None] * self.width + self._places(self._start[some], longest)
            to._times[target, :longest] = self._times.ravel().take(order)
            to._values[target, :longest] = self._values.ravel().take(order)
            to._marks[target, :longest] = self._marks.ravel().take(order)
        to._start[there], to.counts[there], to.newest[there] = 0, self.counts[rows], self.newest[rows]
        self.free_many(rows)
        return there

    def columns(self, rows: Ints) -> tuple[Ints, Ints, Floats]:
        """How many samples each row has, and the times and values of all of them: in the last columns of each row."""
        counts = self.counts[rows]
        longest = int(counts.max(initial=0))
        first = (self._start[rows] + counts - longest) % self.width
        if len(rows) and (first == first[0]).all() and int(first[0]) + longest <= self.width:
            begin = int(first[0])
            return counts, self._times[rows, begin : begin + longest], self._values[rows, begin : begin + longest]
        places = rows[:, None] * self.width + self._places(first, longest)
        return counts, self._times.ravel().take(places), self._values.ravel().take(places)

    def _places(self, first: Ints, count: int) -> Ints:
        """The places of so many samples from `first` on, row by row."""
        places: Ints = first[:, None] + np.arange(count)
        places -= np.where(places >= self.width, self.width, 0)
        return places

    def _heighten(self, least: int) -> None:
        rows = len(self.counts)
        more = max(rows // 2, 8, least)
        # In place: the memory grows where it is, instead of being copied. Nobody holds a view of these.
        for matrix in (self._times, self._values, self._marks):
            matrix.resize((rows + more, self.width), refcheck=False)
        self._start = np.concatenate([self._start, np.zeros(more, np.int64)])
        self.counts = np.concatenate([self.counts, np.zeros(more, np.int64)])
        self.newest = np.concatenate([self.newest, np.full(more, NEVER, np.int64)])
        self._free += range(rows + more - 1, rows - 1, -1)
