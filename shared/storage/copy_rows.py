"""Rows of `samples` out of PostgreSQL's binary COPY format, all at once through numpy.

Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". A row is the count of its fields, then
each field as its length and its bytes, all big-endian; a timestamptz is microseconds since 2000-01-01 UTC.
"""

from dataclasses import dataclass

import numpy as np

from shared.promql.series_sets import Ints
from shared.promql.values import Floats

COLUMNS = "series_id, time, value"
"""What the query that is copied has to select."""
ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("series_length", ">i4"),
        ("series", ">i8"),
        ("time_length", ">i4"),
        ("time", ">i8"),
        ("value_length", ">i4"),
        # Bits, not a number: a NaN's payload must not pass through arithmetic.
        ("value", ">u8"),
    ]
)
_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_FIXED_HEADER = len(_SIGNATURE) + 8
_TRAILER = 2
_EPOCH_2000_MS = 946_684_800_000


@dataclass(frozen=True, eq=False)
class Rows:
    """Samples by series id, then time."""

    ids: Ints
    """Each series that has any, rising."""
    starts: Ints
    """Where the samples of each begin, and at the end where the last ones end: [ids + 1]."""
    times: Ints
    values: Floats

    def samples(self, position: int) -> tuple[Ints, Floats]:
        """Times (ms) and values of the series at this position of `ids`."""
        part = slice(int(self.starts[position]), int(self.starts[position + 1]))
        return self.times[part], self.values[part]


def parse(copied: bytes | bytearray) -> Rows:
    """The rows in what a COPY of `COLUMNS` gave. ValueError if it is not that."""
    if len(copied) < _FIXED_HEADER + _TRAILER or not copied.startswith(_SIGNATURE):
        raise ValueError("not a binary COPY stream")
    header = _FIXED_HEADER + int.from_bytes(copied[_FIXED_HEADER - 4 : _FIXED_HEADER], "big")
    count, rest = divmod(len(copied) - header - _TRAILER, ROW.itemsize)
    if rest:
        raise ValueError("a COPY stream whose rows are of other lengths")
    rows = np.frombuffer(copied, ROW, count, header)
    if count and not ((rows["fields"] == 3) & (rows["value_length"] == 8)).all():
        raise ValueError("a COPY stream of other columns")
    ids = rows["series"].astype(np.int64)
    times = rows["time"].astype(np.int64) // 1000 + _EPOCH_2000_MS
    values = rows["value"].astype(np.uint64).view(np.float64)
    if not _in_order(ids, times):
        order = np.lexsort((times, ids))
        ids, times, values = ids[order], times[order], values[order]
    starts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]])) if count else np.zeros(0, np.int64)
    return Rows(ids[starts], np.append(starts, count).astype(np.int64), times, values)


def _in_order(ids: Ints, times: Ints) -> bool:
    same = ids[1:] == ids[:-1]
    return bool(((ids[1:] > ids[:-1]) | (same & (times[1:] > times[:-1]))).all())
