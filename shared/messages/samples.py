"""`pantau.samples`: many samples in one message, as columns, in MessagePack.

A batch is a MessagePack map with these keys:

    source   text   who took the samples, e.g. "collector/web-1"; also the message key or its prefix
    series   array  of series keys (see series.py), each at most once
    types    array  of metric types, one per series: gauge, counter, histogram, summary or unknown
    index    bytes  unsigned 32-bit little-endian: for each sample the position of its series in `series`
    times    bytes  signed 64-bit little-endian: milliseconds since the epoch, one per sample
    values   bytes  IEEE 754 64-bit little-endian, one per sample; the staleness marker is the NaN 0x7ff0000000000002
    group    text   the rule group that derived the samples; absent for samples from the world
    evaluated integer with `group`, milliseconds since the epoch: what the group makes of instants up to here is there

so that a reader decodes it with one MessagePack call and three `numpy.frombuffer`, without a loop over samples.
"""

from collections.abc import Iterable
from typing import NamedTuple, Self

import msgspec
import numpy as np
import numpy.typing as npt

from shared.messages.message import BadMessage
from shared.messages.series import METRIC_TYPES, labels_of

MOST_SAMPLES = 10_000
# Years 2001 to 2100: outside of it a time is surely in another unit than milliseconds.
EARLIEST_MS, LATEST_MS = 978_307_200_000, 4_102_444_800_000

STALE = float(np.array([0x7FF0000000000002], np.uint64).view(np.float64)[0])


class Sample(NamedTuple):
    """One reading: a canonical series key, milliseconds since the epoch, the value."""

    series: str
    time_ms: int
    value: float
    type: str = "gauge"


class SampleBatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """The message; see the module's text for its fields."""

    source: str
    series: list[str]
    types: list[str]
    index: bytes
    times: bytes
    values: bytes
    group: str | None = None
    evaluated: int | None = None

    @classmethod
    def of(cls, source: str, samples: Iterable[Sample], group: str | None = None, evaluated: int | None = None) -> Self:
        """The batch that holds `samples`, in their order; one with `evaluated` may hold none."""
        positions: dict[str, int] = {}
        types: list[str] = []
        index: list[int] = []
        times: list[int] = []
        values: list[float] = []
        for sample in samples:
            position = positions.setdefault(sample.series, len(positions))
            if position == len(types):
                types.append(sample.type)
            index.append(position)
            times.append(sample.time_ms)
            values.append(sample.value)
        return cls(
            source=source,
            series=list(positions),
            types=types,
            index=np.array(index, "<u4").tobytes(),
            times=np.array(times, "<i8").tobytes(),
            values=np.array(values, "<f8").tobytes(),
            group=group,
            evaluated=evaluated,
        )

    def __len__(self) -> int:
        return len(self.times) // 8

    def columns(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """(index, times in ms, values) as read-only arrays, one element a sample."""
        return np.frombuffer(self.index, "<u4"), np.frombuffer(self.times, "<i8"), np.frombuffer(self.values, "<f8")

    def samples(self) -> list[Sample]:
        """The samples one by one: for tests and tools, not for hot paths."""
        index, times, values = self.columns()
        return [
            Sample(self.series[i], t, v, self.types[i])
            for i, t, v in zip(index.tolist(), times.tolist(), values.tolist(), strict=True)
        ]

    def encode(self) -> bytes:
        """The MessagePack bytes that go on the bus."""
        return _encoder.encode(self)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The batch in `payload`, checked. BadMessage with the reason if it is not one.

        Batches that list the same series share the lists: they are not to be changed.
        """
        packed = PackedBatch.decode(payload)
        series, types = packed.lists()
        columns = packed.index, packed.times, packed.values
        return cls(packed.source, series, types, *columns, packed.group, packed.evaluated)


class PackedBatch(msgspec.Struct, frozen=True):
    """A sample batch whose lists are not decoded yet: a source sends the same ones again and again."""

    source: str
    series: msgspec.Raw
    types: msgspec.Raw
    index: bytes
    times: bytes
    values: bytes
    group: str | None = None
    evaluated: int | None = None

    def __len__(self) -> int:
        return len(self.times) // 8

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The batch in `payload`, its columns checked, its lists not. BadMessage with the reason if it is not one."""
        try:
            batch = _decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadMessage(f"not a sample batch: {error}") from error
        _check_columns(batch)
        return batch  # type: ignore[return-value]  # the decoder is made for this very class

    def lists(self) -> tuple[list[str], list[str]]:
        """Series keys and types, checked; not to be changed. BadMessage if they are none, or the index is beyond."""
        try:
            series, types = _layouts.of(bytes(self.series), bytes(self.types))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadMessage(f"not a sample batch: {error}") from error
        check_index(self.index, len(series))
        return series, types


def check_index(index: bytes, series: int) -> None:
    """BadMessage if a column `index` points beyond so many series."""
    numbers = np.frombuffer(index, "<u4")
    if len(numbers) and int(numbers.max()) >= series:
        raise BadMessage(f"index {int(numbers.max())} is beyond the {series} series")


class _Layouts:
    """The lists of series and types of batches, decoded and checked once: a source sends the same ones each time."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._known: dict[tuple[bytes, bytes], tuple[list[str], list[str]]] = {}

    def of(self, series: bytes, types: bytes) -> tuple[list[str], list[str]]:
        """The lists in these bytes. BadMessage if they are no series, msgspec.DecodeError if they are no lists."""
        found = self._known.get((series, types))
        if found is None:
            found = _texts.decode(series), _texts.decode(types)
            _check_layout(*found)
            size = len(series) + len(types)
            if self._bytes + size > self._most_bytes:
                self._known.clear()
                self._bytes = 0
            if size <= self._most_bytes:
                self._known[series, types] = found
                self._bytes += size
        return found


def _check_columns(batch: PackedBatch) -> None:
    if len(batch.times) % 8 or len(batch.values) != len(batch.times) or len(batch.index) * 2 != len(batch.times):
        raise BadMessage("columns index, times and values are not of one length")
    if len(batch) > MOST_SAMPLES:
        raise BadMessage(f"{len(batch)} samples in one batch: at most {MOST_SAMPLES}")
    times = np.frombuffer(batch.times, "<i8")
    if len(times) and not EARLIEST_MS <= int(times.min()) <= int(times.max()) <= LATEST_MS:
        raise BadMessage("times are not milliseconds since the epoch")


def _check_layout(series: list[str], types: list[str]) -> None:
    if len(types) != len(series):
        raise BadMessage(f"{len(types)} types for {len(series)} series")
    for metric_type in set(types):
        if metric_type not in METRIC_TYPES:
            raise BadMessage(f"type {metric_type[:40]!r} is none of {', '.join(METRIC_TYPES)}")
    if len(set(series)) != len(series):
        raise BadMessage("a series is listed twice")
    for key in series:
        labels_of(key)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PackedBatch)
_texts = msgspec.msgpack.Decoder(list[str])
# About a million series at sixty bytes a key.
_layouts = _Layouts(64 * 1024 * 1024)
