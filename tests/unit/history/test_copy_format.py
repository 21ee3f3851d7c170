"""The COPY stream, taken apart by the letter of PostgreSQL's documentation."""

import struct
from datetime import UTC, datetime, timedelta

import numpy as np

from services.history.core import copy_format
from services.history.core.splitting import Samples
from shared.messages.samples import STALE

EPOCH_2000 = datetime(2000, 1, 1, tzinfo=UTC)


def taken_apart(stream: bytes) -> list[tuple[datetime, int, bytes]]:
    assert stream[:11] == b"PGCOPY\n\xff\r\n\0"
    flags, extension = struct.unpack_from("!ii", stream, 11)
    assert (flags, extension) == (0, 0)
    found, position = [], 19
    while (fields := struct.unpack_from("!h", stream, position)[0]) != -1:
        assert fields == 3
        position += 2
        row = []
        for _ in range(fields):
            (length,) = struct.unpack_from("!i", stream, position)
            row.append(stream[position + 4 : position + 4 + length])
            position += 4 + length
        time, series = struct.unpack("!q", row[0])[0], struct.unpack("!q", row[1])[0]
        found.append((EPOCH_2000 + timedelta(microseconds=time), series, row[2]))
    assert position + 2 == len(stream)
    return found


def test_each_sample_is_a_row() -> None:
    moment = datetime(2026, 11, 23, 10, 15, 0, 123_000, UTC)
    before = datetime(2001, 2, 3, tzinfo=UTC)
    samples = Samples(
        np.array([1, 0]),
        np.array([round(moment.timestamp() * 1000), round(before.timestamp() * 1000)]),
        np.array([1.5, STALE]),
    )
    assert taken_apart(b"".join(copy_format.encode(samples, np.array([7, 2**40])))) == [
        (moment, 2**40, struct.pack("!d", 1.5)),
        (before, 7, bytes.fromhex("7ff0000000000002")),
    ]


def test_long_columns_go_in_pieces_without_a_seam() -> None:
    count = copy_format.SLICE_ROWS * 2 + 1
    samples = Samples(np.zeros(count, np.int64), np.arange(count) + 10**12, np.arange(count, dtype=np.float64))
    pieces = list(copy_format.encode(samples, np.array([1])))
    assert max(map(len, pieces)) == copy_format.SLICE_ROWS * 38
    rows = taken_apart(b"".join(pieces))
    assert [struct.unpack("!d", value)[0] for _, _, value in rows] == list(range(count))
