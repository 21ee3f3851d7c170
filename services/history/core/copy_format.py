"""Rows of `samples` in PostgreSQL's binary COPY format, built as one numpy array instead of value by value.

Format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". A row is the count of its fields, then
each field as its length and its bytes, all big-endian; a timestamptz is microseconds since 2000-01-01 UTC.
"""

from collections.abc import Iterator

import numpy as np

from services.history.core.series_index import Integers
from services.history.core.splitting import Samples

COLUMNS = ("time", "series_id", "value")
SLICE_ROWS = 50_000
"""Rows encoded at a time: bounds the memory beside the batch itself (38 bytes a row)."""

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("time_length", ">i4"),
        ("time", ">i8"),
        ("series_length", ">i4"),
        ("series", ">i8"),
        ("value_length", ">i4"),
        # Bits, not a number: a NaN's payload must not pass through arithmetic.
        ("value", ">u8"),
    ]
)
_EPOCH_2000_MS = 946_684_800_000


def encode(samples: Samples, ids: Integers) -> Iterator[bytes]:
    """The COPY stream of `samples`, in pieces; `ids` gives the series id by slot."""
    yield _HEADER
    for start in range(0, len(samples), SLICE_ROWS):
        end = start + SLICE_ROWS
        times = samples.times[start:end]
        rows = np.empty(len(times), _ROW)
        rows["fields"] = len(COLUMNS)
        rows["time_length"] = rows["series_length"] = rows["value_length"] = 8
        rows["time"] = (times - _EPOCH_2000_MS) * 1000
        rows["series"] = ids[samples.slots[start:end]]
        rows["value"] = np.ascontiguousarray(samples.values[start:end]).view(np.uint64)
        yield rows.tobytes()
    yield _TRAILER
