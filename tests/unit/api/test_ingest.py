"""Pushed samples: what is taken, what is refused, how they are packed."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.core.ingest import SHARDS, BadInput, Pushed, batches, read_samples, shard_of
from services.api.core.stamping import Stamper
from shared.messages.samples import MOST_SAMPLES, Sample, SampleBatch

NOW = 1_700_000_000_000
DAY = 86_400_000


def read(document: Any) -> list[Pushed]:
    return read_samples(json.dumps(document).encode(), NOW)


def test_the_specifications_example() -> None:
    assert read({"metric_name": "custom_metric", "value": 123, "labels": {"type": "business"}}) == [
        Pushed('custom_metric{type="business"}', None, 123.0, "gauge")
    ]


def test_a_list_keeps_its_order_and_types() -> None:
    taken = read(
        [
            {"metric_name": "b", "value": 1.5, "metric_type": "counter", "timestamp": NOW - 1},
            {"metric_name": "a", "value": -1, "labels": {"z": "1", "a": "2", "empty": ""}},
        ]
    )
    assert taken == [Pushed("b", NOW - 1, 1.5, "counter"), Pushed('a{a="2",z="1"}', None, -1.0, "gauge")]


def test_an_empty_list_is_nothing() -> None:
    assert read([]) == []


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (NOW, NOW),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-15T05:13:20.250+07:00", NOW + 250),
        (NOW + 600_000, NOW + 600_000),
        (NOW - 3 * DAY, NOW - 3 * DAY),
    ],
)
def test_timestamps(timestamp: Any, expected: int) -> None:
    assert read({"metric_name": "m", "value": 1, "timestamp": timestamp})[0].time_ms == expected


def sample(**changes: Any) -> dict[str, Any]:
    return {"metric_name": "m", "value": 1} | changes


@pytest.mark.parametrize(
    ("body", "where", "reason"),
    [
        (b"", "body", "JSON"),
        (b"{", "body", "line 1 column 1"),
        (b"\xff\xfe", "body", "JSON"),
        (b'{"metric_name":"m","value":1} x', "body", "trailing"),
        (b'"text"', "body", "object"),
        (b"[1]", "body[0]", "object"),
        (b'{"metric_name":"m","value":NaN}', "body.value", "finite"),
        (b'{"metric_name":"m","value":Infinity}', "body.value", "finite"),
        (b'{"metric_name":"m","value":1e999}', "body.value", "finite"),
        (sample(value=10**400), "body.value", "finite"),
        (sample(value="1"), "body.value", "number"),
        (sample(value=True), "body.value", "number"),
        (sample(value=None), "body.value", "number"),
        ({"value": 1}, "body.metric_name", "required"),
        ({"metric_name": "m"}, "body.value", "required"),
        (sample(metric_name="no spaces"), "body.metric_name", "form"),
        (sample(metric_name=""), "body.metric_name", "form"),
        (sample(metric_name="m" * 3000), "body.metric_name", "2048"),
        (sample(labels={"not-a-name": "x"}), "body.labels", "not-a-name"),
        (sample(labels={"__name__": "x"}), "body.labels.__name__", "metric_name"),
        (sample(labels={"a": 1}), "body.labels.a", "string"),
        (sample(labels={"a": "x" * 3000}), "body.labels", "longer"),
        (sample(labels={"a": "\0"}), "body.labels", "NUL"),
        (sample(labels={f"l{n}": "x" for n in range(100)}), "body.labels", "63"),
        (sample(labels=[]), "body.labels", "object"),
        (sample(metric_type="speed"), "body.metric_type", "gauge"),
        (sample(unit="s"), "body.unit", "not permitted"),
        (sample(timestamp=NOW + 600_001), "body.timestamp", "future"),
        (sample(timestamp=NOW - 3 * DAY - 1), "body.timestamp", "older"),
        (sample(timestamp=NOW // 1000), "body.timestamp", "milliseconds"),
        (sample(timestamp="yesterday"), "body.timestamp", "RFC 3339"),
        (sample(timestamp=1.5), "body.timestamp", "whole number"),
        (sample(timestamp=True), "body.timestamp", "whole number"),
        (sample(timestamp=10**30), "body.timestamp", "future"),
        ([sample(), sample(), sample(value="x")], "body[2].value", "number"),
        ([sample(), sample(labels={"1": "x"})], "body[1].labels", "label name"),
    ],
)
def test_bad_input_says_what_and_where(body: Any, where: str, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_samples(body if isinstance(body, bytes) else json.dumps(body).encode(), NOW)
    assert caught.value.errors[0].where == where
    assert reason in caught.value.errors[0].reason
    assert caught.value.malformed == ("JSON" in caught.value.errors[0].reason)


def test_what_is_refused_is_not_echoed_at_length() -> None:
    with pytest.raises(BadInput) as caught:
        read([sample(**{"x" * 5_000: 1}) for _ in range(1_000)])
    assert len(str(caught.value)) < 10_000


@given(st.binary(max_size=200))
def test_garbage_is_bad_input_and_nothing_else(body: bytes) -> None:
    with pytest.raises(BadInput, match="body"):
        read_samples(b"x" + body, NOW)
    with suppress(BadInput):  # whitespace and brackets may happen to be an empty list
        assert read_samples(body, NOW) == []


SAMPLES = st.lists(
    st.builds(
        Sample,
        st.integers(0, 40).map(lambda n: f'm{{a="{n}"}}'),
        st.integers(NOW, NOW + 1000),
        st.floats(allow_nan=False),
        st.just("gauge"),
    ),
    max_size=200,
)


@given(SAMPLES)
def test_batches_lose_nothing_and_keep_each_series_in_order(samples: list[Sample]) -> None:
    packed = list(batches(samples))

    assert sorted(one for batch in packed for one in batch.samples()) == sorted(samples)
    for series in {one.series for one in samples}:
        sent = [one for batch in packed for one in batch.samples() if one.series == series]
        assert sent == [one for one in samples if one.series == series]
        assert {batch.source for batch in packed if series in batch.series} == {f"push/{shard_of(series)}"}


def test_batches_can_be_decoded_and_fit_into_a_message() -> None:
    samples = [Sample(f'm{{a="{n:0>1500}"}}', NOW, 1.0) for n in range(9_000)]
    samples += [Sample("one", NOW + n, 1.0) for n in range(2 * MOST_SAMPLES + 1)]

    packed = [batch.encode() for batch in batches(samples)]

    assert max(map(len, packed)) < 1_500_000
    assert sum(len(SampleBatch.decode(payload)) for payload in packed) == len(samples)


def test_all_shards_are_used() -> None:
    assert {shard_of(f'm{{a="{n}"}}') for n in range(1_000)} == set(range(SHARDS))


def test_stamps_are_now_and_never_twice_the_same_for_a_series() -> None:
    stamper = Stamper()
    pushed = [Pushed("a", None, 1, "gauge"), Pushed("b", None, 1, "gauge"), Pushed("a", None, 2, "gauge")]

    first = stamper.stamp(pushed, NOW)
    second = stamper.stamp(pushed, NOW)
    later = stamper.stamp(pushed, NOW + 2)

    times = [one.time_ms for one in (*first, *second, *later) if one.series == "a"]
    assert times == [NOW, NOW + 1, NOW + 2, NOW + 3, NOW + 4, NOW + 5]
    assert [one.time_ms for one in (*first, *second, *later) if one.series == "b"] == [NOW, NOW + 1, NOW + 2]


def test_given_times_are_kept() -> None:
    assert Stamper().stamp([Pushed("a", 5, 1, "counter")], NOW) == [Sample("a", 5, 1, "counter")]
