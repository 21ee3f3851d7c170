"""PostgreSQL's binary COPY, read through numpy."""

import struct

import numpy as np
import pytest

from shared.storage.copy_rows import parse

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
MICROSECONDS_2000 = 946_684_800_000_000
STALE = 0x7FF0000000000002


def row(series: int, ms: int, bits: int) -> bytes:
    """A row as PostgreSQL documents it."""
    return struct.pack(">hiqiqiQ", 3, 8, series, 8, ms * 1000 - MICROSECONDS_2000, 8, bits)


def bits_of(value: float) -> int:
    return int(struct.unpack(">Q", struct.pack(">d", value))[0])


def test_rows_come_by_series_and_time_whatever_order_they_were_in() -> None:
    rows = [row(7, 2_000, bits_of(85.0)), row(3, 5, bits_of(-0.5)), row(7, -1_000, bits_of(1.0))]
    found = parse(HEADER + b"".join(rows) + b"\xff\xff")
    assert found.ids.tolist() == [3, 7]
    assert [(t.tolist(), v.tolist()) for t, v in map(found.samples, (0, 1))] == [
        ([5], [-0.5]),
        ([-1_000, 2_000], [1.0, 85.0]),
    ]


def test_a_staleness_marker_keeps_its_bits() -> None:
    found = parse(HEADER + row(1, 1, STALE) + row(1, 2, 0x7FF8000000000000) + b"\xff\xff")
    assert found.values.view(np.uint64).tolist() == [STALE, 0x7FF8000000000000]


def test_nothing_is_nothing() -> None:
    found = parse(HEADER + b"\xff\xff")
    assert (len(found.ids), found.starts.tolist(), len(found.times)) == (0, [0], 0)


def test_a_header_extension_is_passed_over() -> None:
    extended = HEADER[:-4] + struct.pack(">i", 3) + b"abc" + row(1, 1, 0) + b"\xff\xff"
    assert parse(extended).ids.tolist() == [1]


@pytest.mark.parametrize("bad", [b"", b"COPY 3", HEADER + row(1, 1, 0)[:-1] + b"\xff\xff"])
def test_what_is_no_such_stream_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="COPY stream"):
        parse(bad)
