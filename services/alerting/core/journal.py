"""What the store took in since the last snapshot, and how that is written: columns, packed.

Samples are kept in classes by how far back rules look at their series, so that a snapshot can leave out the whole of
what nobody needs any more.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cramjam
import msgspec
import numpy as np

from shared.promql.windows import Flags, Floats, Ints, Marks

MINUTE_MS = 60_000
# Upper bounds of the classes.
CLASSES_MS = (10 * MINUTE_MS, 60 * MINUTE_MS, 6 * 60 * MINUTE_MS, 24 * 60 * MINUTE_MS, 72 * 60 * MINUTE_MS, 2**62)
_BOUNDS = np.array(CLASSES_MS)


class Arrival(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A batch: its number, who sent it, where it is on the bus, and the time of its last sample."""

    number: int
    source: str
    partition: int
    offset: int
    accepted_ms: int
    last_ms: int


class Entry(NamedTuple):
    """Samples of series, by their numbers; `reach` is how far back rules look at each, `marks` are the store's."""

    numbers: Ints
    reach: Ints
    times: Ints
    values: Floats
    marks: Marks

    def only(self, chosen: Flags) -> "Entry":
        """Some of its samples."""
        columns = self.numbers[chosen], self.reach[chosen], self.times[chosen], self.values[chosen]
        return Entry(*columns, self.marks[chosen])


class Packed(msgspec.Struct, frozen=True):
    """A segment of the journal of one class."""

    count: int
    numbers: bytes
    times: bytes
    values: bytes
    marks: bytes


class Journal:
    """Entries in the order in which they were stored, and the batches that they came in."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._arrivals: list[Arrival] = []

    def append(self, entry: Entry) -> None:
        """Note samples. The same may be noted again, as of a class that is kept for longer."""
        self._entries.append(entry)

    def note(self, arrival: Arrival) -> None:
        """Note a batch that samples came in."""
        self._arrivals.append(arrival)

    def drain(self) -> tuple[list[Entry], list[Arrival]]:
        """All entries and arrivals; the journal is empty then."""
        entries, self._entries = self._entries, []
        arrivals, self._arrivals = self._arrivals, []
        return entries, arrivals


def by_class(entries: Sequence[Entry]) -> dict[int, Entry]:
    """The samples of entries, joined, by class."""
    if not entries:
        return {}
    whole = joined_entries(entries)
    classes = np.searchsorted(_BOUNDS, whole.reach)
    found = np.unique(classes).tolist()
    return {number: whole if len(found) == 1 else whole.only(classes == number) for number in found}


def joined_entries(entries: Sequence[Entry]) -> Entry:
    """All their samples, in order."""
    numbers, reach, times, values, marks = zip(*entries, strict=True)
    columns = np.concatenate(numbers), np.concatenate(reach), np.concatenate(times), np.concatenate(values)
    return Entry(*columns, np.concatenate(marks))


def pack(entry: Entry) -> bytes:
    """The bytes of a segment."""
    # Numbers and times repeat from batch to batch: their differences do even more.
    numbers, times = (np.diff(column.astype("<i8"), prepend=0) for column in (entry.numbers, entry.times))
    packed = Packed(
        count=len(entry.times),
        numbers=_squeezed(numbers.tobytes()),
        times=_squeezed(times.tobytes()),
        values=_squeezed(_planes(entry.values.astype("<f8"))),
        marks=_squeezed(entry.marks.astype("<i4").tobytes()),
    )
    return msgspec.msgpack.encode(packed)


def unpack(payload: bytes) -> Entry:
    """The samples in a segment; their reach is not kept. msgspec.DecodeError or cramjam.DecompressionError."""
    packed = _decoder.decode(payload)
    numbers, times = (np.cumsum(np.frombuffer(_stretched(column), "<i8")) for column in (packed.numbers, packed.times))
    planes = np.frombuffer(_stretched(packed.values), np.uint8).reshape(8, packed.count)
    values = np.ascontiguousarray(planes.T).view("<f8").reshape(packed.count)
    marks = np.frombuffer(_stretched(packed.marks), "<i4")
    return Entry(numbers, np.zeros(packed.count, np.int64), times, values, marks)


def _planes(values: Floats) -> bytes:
    """First bytes, second bytes, …: alike ones lie together."""
    return np.ascontiguousarray(values.view(np.uint8).reshape(len(values), 8).T).tobytes()


def _squeezed(data: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(data, level=1))


def _stretched(data: bytes) -> bytes:
    return bytes(cramjam.zstd.decompress(data))


_decoder = msgspec.msgpack.Decoder(Packed)
