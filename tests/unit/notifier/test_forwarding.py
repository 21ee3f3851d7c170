"""Samples that become points for outside monitoring systems."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.forward_bodies import datadog_series, newrelic_metrics
from services.notifier.core.forwarding import FORGOTTEN_MS, GRACE_MS, Forwarding, Point, Waiting, selectors_of
from services.notifier.forward_settings import ForwardSettings
from services.notifier.settings import Settings
from shared.messages.samples import STALE, Sample, SampleBatch
from shared.settings import BadSettings, load

MINUTE = 60_000
# The beginning of a minute.
T = 1_795_428_000_000
UP = 'up{job="api"}'
REQUESTS = 'http_requests_total{host="web-1",job="api"}'


def forwarding(*match: str, most_series: int = 100) -> Forwarding:
    return Forwarding(selectors_of(match or ('{__name__=~".+"}',)), MINUTE, most_series)


def batch(*samples: tuple[str, int, float, str] | tuple[str, int, float]) -> SampleBatch:
    return SampleBatch.of("web-1", [Sample(*one) for one in samples])


def told(found: list[Point]) -> list[tuple[str, str, int, float]]:
    return [(one.labels["__name__"], one.kind, one.time_ms - T, one.value) for one in found]


def test_of_gauges_the_newest_value_of_each_interval_once_it_is_over() -> None:
    one = forwarding()
    one.add(batch((UP, T, 1), (UP, T + 15_000, 0), (UP, T + MINUTE, 1)))
    assert one.take(T + MINUTE + GRACE_MS - 1) == []
    assert told(one.take(T + MINUTE + GRACE_MS)) == [("up", "gauge", 15_000, 0)]
    assert one.take(T + MINUTE + GRACE_MS) == []
    assert told(one.take(T + 10 * MINUTE)) == [("up", "gauge", MINUTE, 1)]


def test_of_counters_by_how_much_they_grew_also_over_a_reset() -> None:
    one = forwarding()
    values = [100.0, 107.0, 110.0, 4.0, 5.0]
    for number, value in enumerate(values):
        one.add(batch((REQUESTS, T + number * 25_000, value, "counter")))
    assert told(one.take(T + 10 * MINUTE)) == [
        ("http_requests_total", "count", 0, 10.0),
        ("http_requests_total", "count", MINUTE, 5.0),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("a_total", "counter", "count"),
        ("a", "counter", "count"),
        ('a_bucket{le="1"}', "histogram", "count"),
        ("a_sum", "summary", "count"),
        ('a{quantile="0.5"}', "summary", "gauge"),
        ("a_total", "unknown", "gauge"),
        ("a", "gauge", "gauge"),
    ],
)
def test_what_counts_up(name: str, kind: str, expected: str) -> None:
    one = forwarding()
    one.add(batch((name, T, 1, kind), (name, T + 1_000, 2, kind)))
    assert [point.kind for point in one.take(T + 10 * MINUTE)] == [expected]


def test_only_what_a_selector_selects() -> None:
    one = forwarding('up{job="api"}', '{__name__=~"http_.*",code!="200"}')
    series = [UP, 'up{job="db"}', 'http_a{code="200"}', 'http_a{code="500"}', "http_b", "cpu"]
    one.add(batch(*((key, T, 1.0) for key in series)))
    assert sorted(str(dict(point.labels)) for point in one.take(T + 10 * MINUTE)) == sorted(
        [
            "{'__name__': 'up', 'job': 'api'}",
            "{'__name__': 'http_a', 'code': '500'}",
            "{'__name__': 'http_b'}",
        ]
    )
    assert one.dropped == {}


def test_what_is_lost_is_counted() -> None:
    one = forwarding(most_series=1)
    one.add(batch((UP, T, 1), (UP, T, 1), (UP, T - 1, 0), (UP, T + 1, math.inf), (UP, T + 2, STALE), ("b", T, 1)))
    one.add(batch(("b", T, 1), ("b", T + 1, 1)))
    assert told(one.take(T + 10 * MINUTE)) == [("up", "gauge", 0, 1)]
    assert one.dropped == {"out_of_order": 2, "not_finite": 1, "too_many_series": 3}
    one.take(T + FORGOTTEN_MS + MINUTE)
    one.add(batch(("b", T, 1)))
    assert told(one.take(T + 2 * FORGOTTEN_MS)) == [("b", "gauge", 0, 1)]


def test_what_comes_after_its_interval_was_told_counts_for_the_next() -> None:
    one = forwarding()
    one.add(batch((REQUESTS, T, 1, "counter"), (REQUESTS, T + 1_000, 3, "counter")))
    assert told(one.take(T + 2 * MINUTE)) == [("http_requests_total", "count", 0, 2)]
    one.add(batch((REQUESTS, T + 2_000, 10, "counter"), (REQUESTS, T + MINUTE, 11, "counter")))
    assert told(one.take(T + 3 * MINUTE)) == [("http_requests_total", "count", MINUTE, 8)]


def test_the_end_takes_all() -> None:
    one = forwarding()
    one.add(batch((UP, T, 1), (UP, T + MINUTE, 2)))
    assert told(one.take(T, final=True)) == [("up", "gauge", 0, 1), ("up", "gauge", MINUTE, 2)]


@given(
    st.lists(st.tuples(st.integers(1, 40_000), st.integers(0, 50), st.booleans()), min_size=1, max_size=60),
    st.lists(st.integers(0, 59), max_size=5),
)
def test_nothing_of_a_counter_is_lost_or_told_twice(steps: list[tuple[int, int, bool]], looks: list[int]) -> None:
    one, time_ms, value, grown = forwarding(), T, 0.0, 0.0
    one.add(batch((REQUESTS, time_ms, value, "counter")))
    points: list[Point] = []
    for number, (later_ms, more, reset) in enumerate(steps):
        time_ms += later_ms
        before, value = value, float(more) if reset else value + more
        grown += value - before if value >= before else value
        one.add(batch((REQUESTS, time_ms, value, "counter")))
        if number in looks:
            points += one.take(time_ms + 2 * MINUTE)
    points += one.take(time_ms, final=True)
    assert sum(point.value for point in points) == grown
    times = [point.time_ms for point in points]
    assert times == sorted(set(times)), "one point an interval"


def points(*times: int) -> list[Point]:
    return [Point({"__name__": "up"}, "gauge", one, 1.0) for one in times]


def test_what_waits_is_bounded_and_no_older_than_the_system_takes_it() -> None:
    waiting = Waiting(most=3, oldest_ms=MINUTE)
    waiting.add(points(T, T + 1, T + 2, T + 3))
    assert [one.time_ms - T for one in waiting.head(2, T)] == [1, 2]
    sent = waiting.head(2, T)
    waiting.add(points(T + 4, T + 5))
    assert [one.time_ms - T for one in waiting.head(9, T)] == [3, 4, 5]
    waiting.done(sent)
    assert len(waiting) == 3, "what was sent had been dropped already"
    waiting.done(waiting.head(1, T))
    assert [one.time_ms - T for one in waiting.head(9, T + MINUTE + 5)] == [5]
    assert waiting.dropped == {"queue_full": 3, "too_old": 1}


def two() -> list[Point]:
    labels = {"__name__": "job:http:rate5m", "host": "web-1", "job": "ä" * 300}
    return [Point({"__name__": "up", "job": "api"}, "gauge", T + 1_500, 1.5), Point(labels, "count", T, 7.0)]


def test_datadogs_body() -> None:
    assert datadog_series(two(), 60, "pantau.", ["env:prod"]) == {
        "series": [
            {
                "metric": "pantau.up",
                "type": 3,
                "points": [{"timestamp": T // 1000 + 1, "value": 1.5}],
                "tags": ["env:prod", "job:api"],
            },
            {
                "metric": "pantau.job.http.rate5m",
                "type": 1,
                "points": [{"timestamp": T // 1000, "value": 7.0}],
                "tags": ["env:prod", "host:web-1", ("job:" + "ä" * 300)[:200]],
                "interval": 60,
                "resources": [{"type": "host", "name": "web-1"}],
            },
        ]
    }


def test_newrelics_body() -> None:
    assert newrelic_metrics(two(), 60, "", {"env": "prod"}) == [
        {
            "common": {"attributes": {"instrumentation.provider": "pantau", "env": "prod"}},
            "metrics": [
                {"name": "up", "type": "gauge", "value": 1.5, "timestamp": T + 1_500, "attributes": {"job": "api"}},
                {
                    "name": "job:http:rate5m",
                    "type": "count",
                    "value": 7.0,
                    "timestamp": T,
                    "attributes": {"host": "web-1", "job": "ä" * 300},
                    "interval.ms": 60_000,
                },
            ],
        }
    ]


def forwards(directory: Path, *entries: dict[str, Any]) -> list[ForwardSettings]:
    file = directory / "pantau.yaml"
    file.write_text(yaml.safe_dump({"notifications": {"forward": [*entries]}}))
    return load(Settings, {}, file).notifications.forward


DATADOG: dict[str, Any] = {"datadog": {"api_key": "geheim"}, "match": ["up"]}


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([{"match": ["up"]}], "notifications.forward.0: needs either datadog or newrelic"),
        ([DATADOG | {"newrelic": {"api_key": "x"}}], "needs either"),
        ([DATADOG | {"match": []}], "forward.0.match"),
        ([DATADOG | {"match": ["rate(up[5m])"]}], "forward.0.match.0: 'rate(up[5m])' is no selector"),
        ([DATADOG | {"match": ["up offset 5m"]}], "is no selector"),
        ([DATADOG | {"match": ["up{"]}], "is not PromQL"),
        ([DATADOG | {"interval": "1s"}], "forward.0.interval"),
        ([DATADOG | {"interval": "soon"}], "soon"),
        ([DATADOG | {"interval": "1h"}], "forward.0.interval"),
        ([DATADOG | {"datadog": {"api_key": "a\nb"}}], "forward.0.datadog"),
        ([DATADOG | {"colour": 1}], "forward.0.colour: there is no such setting"),
        ([DATADOG, DATADOG], "two systems are called datadog: give them names"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    tmp_path: Path, entries: list[dict[str, Any]], says: str
) -> None:
    with pytest.raises(BadSettings, match=r"pantau\.yaml:\d+: notifications\.forward") as refused:
        forwards(tmp_path, *entries)
    assert says in str(refused.value)
    assert "geheim" not in str(refused.value)


def test_what_is_taken(tmp_path: Path) -> None:
    more = DATADOG | {"name": "eu", "tags": {"env": "prod"}}
    one, other = forwards(tmp_path, DATADOG | {"interval": "2m"}, more)
    assert (one.label, one.interval, other.label) == ("datadog", 120, "eu")
    assert other.tags == {"env": "prod"}
