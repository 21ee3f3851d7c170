"""Sample batches: columns in, the same columns out, bit for bit; what is no batch is refused with the reason."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messages.message import BadMessage
from shared.messages.samples import EARLIEST_MS, LATEST_MS, MOST_SAMPLES, STALE, Sample, SampleBatch, _Layouts

SERIES = st.sampled_from(["up", 'up{host="a"}', 'up{host="b"}', "load:avg", 'x{y="\\"\\\\\\n"}'])
SAMPLES = st.lists(
    st.builds(Sample, SERIES, st.integers(EARLIEST_MS, LATEST_MS), st.floats(), st.just("gauge")), max_size=30
)


def bits(values: bytes) -> list[int]:
    found: list[int] = np.frombuffer(values, "<u8").tolist()
    return found


@given(SAMPLES, st.one_of(st.none(), st.text(max_size=5)))
def test_a_batch_survives_the_bus_bit_for_bit(samples: list[Sample], group: str | None) -> None:
    batch = SampleBatch.decode(SampleBatch.of("collector/x", samples, group).encode())
    assert batch.source == "collector/x"
    assert batch.group == group
    assert len(batch) == len(samples)
    assert [(s.series, s.time_ms, s.type) for s in batch.samples()] == [(s.series, s.time_ms, s.type) for s in samples]
    assert bits(batch.values) == bits(np.array([s.value for s in samples], "<f8").tobytes())
    assert len(set(batch.series)) == len(batch.series)


def test_the_staleness_marker_is_prometheus_own_nan() -> None:
    batch = SampleBatch.decode(SampleBatch.of("s", [Sample("up", EARLIEST_MS, STALE)]).encode())
    assert bits(batch.values) == [0x7FF0000000000002]


def test_an_ordinary_nan_is_not_the_staleness_marker() -> None:
    batch = SampleBatch.decode(SampleBatch.of("s", [Sample("up", EARLIEST_MS, float("nan"))]).encode())
    assert bits(batch.values) != [0x7FF0000000000002]


def test_the_format_on_the_bus_is_as_documented() -> None:
    """Byte for byte, as a reader in another language would find it."""
    fields = msgspec.msgpack.decode(
        SampleBatch.of(
            "s", [Sample("b", 1_795_428_900_000, 1.5), Sample("a", 1_795_428_900_001, -2.0, "counter")]
        ).encode()
    )
    assert fields == {
        "source": "s",
        "series": ["b", "a"],
        "types": ["gauge", "counter"],
        "index": bytes.fromhex("00000000 01000000"),
        "times": (1_795_428_900_000).to_bytes(8, "little") + (1_795_428_900_001).to_bytes(8, "little"),
        "values": bytes.fromhex("000000000000f83f 00000000000000c0"),
    }


def packed(**changes: Any) -> bytes:
    fields = {
        "source": "s",
        "series": ["up"],
        "types": ["gauge"],
        "index": np.array([0], "<u4").tobytes(),
        "times": np.array([EARLIEST_MS], "<i8").tobytes(),
        "values": np.array([1.0], "<f8").tobytes(),
    }
    return msgspec.msgpack.encode({name: value for name, value in (fields | changes).items() if value is not ...})


def test_the_form_that_the_refusals_start_from_is_good() -> None:
    assert len(SampleBatch.decode(packed())) == 1
    assert len(SampleBatch.decode(packed(future={"a": 1}))) == 1, "unknown fields are ignored"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not a sample batch"),
        (b"\xff\xfe garbage", "not a sample batch"),
        (b'{"source": "json"}', "not a sample batch"),
        (packed(values=...), "missing required field `values`"),
        (packed(series="up"), "not a sample batch"),
        (packed(source=b"\xff"), "not a sample batch"),
        (packed(times=b"1234567"), "not of one length"),
        (packed(index=b""), "not of one length"),
        (packed(values=b""), "not of one length"),
        (packed(index=np.array([1], "<u4").tobytes()), "index 1 is beyond the 1 series"),
        (packed(types=[]), "0 types for 1 series"),
        (packed(types=["guage"]), "type 'guage' is none of gauge, counter"),
        (packed(series=["up", "up"], types=["gauge", "gauge"]), "listed twice"),
        (packed(series=['up{b="1",a="2"}']), "not canonical"),
        (packed(times=np.array([1_795_428_900], "<i8").tobytes()), "not milliseconds"),
        (packed(times=np.array([LATEST_MS + 1], "<i8").tobytes()), "not milliseconds"),
        (packed(times=np.array([-1], "<i8").tobytes()), "not milliseconds"),
        (
            packed(
                index=bytes(4 * (MOST_SAMPLES + 1)),
                times=np.full(MOST_SAMPLES + 1, EARLIEST_MS, "<i8").tobytes(),
                values=bytes(8 * (MOST_SAMPLES + 1)),
            ),
            "10001 samples in one batch: at most 10000",
        ),
    ],
)
def test_what_is_no_batch_is_refused_with_the_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(BadMessage) as caught:
        SampleBatch.decode(payload)
    assert reason in str(caught.value)


def test_batches_of_the_same_series_share_their_lists_and_nothing_else() -> None:
    first, second = SampleBatch.decode(packed()), SampleBatch.decode(packed(values=np.array([2.0], "<f8").tobytes()))
    assert first.series is second.series
    assert [sample.value for batch in (first, second) for sample in batch.samples()] == [1.0, 2.0]
    with pytest.raises(BadMessage, match="beyond the 1 series"):
        SampleBatch.decode(packed(index=np.array([1], "<u4").tobytes()))


def test_lists_are_remembered_up_to_a_size() -> None:
    layouts = _Layouts(most_bytes=100)
    types = msgspec.msgpack.encode(["gauge"])
    keys = [msgspec.msgpack.encode([f"{letter * 40}"]) for letter in "abc"]
    first = layouts.of(keys[0], types)[0]
    assert layouts.of(keys[0], types)[0] is first
    for key in keys[1:]:
        layouts.of(key, types)
    again = layouts.of(keys[0], types)[0]
    assert again == first
    assert again is not first


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else(payload: bytes) -> None:
    try:
        SampleBatch.decode(payload)
    except BadMessage:
        return
    pytest.fail("garbage of 200 bytes is never a batch")
