"""Recent samples of series whose windows are about equally long: a ring buffer each, together a matrix.

Appending one sample to each of many series, and gathering the samples of many series, are a few numpy calls. Appending
is idempotent by (row, time): the first value wins. The layout never shows: windows that were told the same samples,
in whatever pieces, answer alike.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Marks = npt.NDArray[np.int32]
"""What whoever keeps samples notes beside each of them."""

NEVER = -(2**62)


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
    def nbytes(self) -> int:
        """Memory in use for samples."""
        return self._times.nbytes + self._values.nbytes + self._marks.nbytes

    def take(self) -> int:
        """A row that was free."""
        if not self._free:
            self._heighten()
        return self._free.pop()

    def free(self, row: int) -> None:
        """The row is free again."""
        self.counts[row] = self._start[row] = 0
        self.newest[row] = NEVER
        self._free.append(row)

    def oldest(self, rows: Ints) -> Ints:
        """The times of the rows' oldest samples; of an empty row it says nothing."""
        return self._times[rows, self._start[rows]]

    def drop_oldest(self, rows: Ints) -> None:
        """Forget the oldest sample of each row."""
        self._start[rows] = (self._start[rows] + 1) % self.width
        self.counts[rows] -= 1

    def push(self, rows: Ints, times: Ints, values: Floats, marks: Marks) -> None:
        """Append a sample to each of different rows, newer than all that it holds."""
        place = (self._start[rows] + self.counts[rows]) % self.width
        self._times[rows, place], self._values[rows, place], self._marks[rows, place] = times, values, marks
        self.counts[rows] += 1
        self.newest[rows] = times

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

    def columns(self, rows: Ints) -> tuple[Ints, Ints, Floats]:
        """How many samples each row has, and the times and values of all of them: in the last columns of each row."""
        counts = self.counts[rows]
        longest = int(counts.max(initial=0))
        first = self._start[rows] + counts - longest
        if len(rows) and (first == first[0]).all():
            order = (int(first[0]) + np.arange(longest)) % self.width
            return counts, self._times[rows][:, order], self._values[rows][:, order]
        places = (first[:, None] + np.arange(longest)) % self.width
        return counts, self._times[rows[:, None], places], self._values[rows[:, None], places]

    def _heighten(self) -> None:
        rows = len(self.counts)
        more = max(rows // 2, 8)
        self._times = np.concatenate([self._times, np.zeros((more, self.width), np.int64)])
        self._values = np.concatenate([self._values, np.zeros((more, self.width))])
        self._marks = np.concatenate([self._marks, np.zeros((more, self.width), np.int32)])
        self._start = np.concatenate([self._start, np.zeros(more, np.int64)])
        self.counts = np.concatenate([self.counts, np.zeros(more, np.int64)])
        self.newest = np.concatenate([self.newest, np.full(more, NEVER, np.int64)])
        self._free = list(range(rows + more - 1, rows - 1, -1))
