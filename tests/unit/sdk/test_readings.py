"""Samples of registries, in the api's form."""

import json

import pytest
from pantau.readings import read, sample
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram

from services.api.core.ingest import read_samples

NOW = 1_700_000_000_000


def samples(*registries: CollectorRegistry) -> dict[str, float]:
    """What the api takes of the reading, by series."""
    found = [one for _, some in read(registries, {"job": "billing", "instance": "a"}, NOW) for one in some]
    return {one.series: one.value for one in read_samples(json.dumps(found).encode(), NOW) if one.time_ms == NOW}


def test_the_api_takes_what_is_read() -> None:
    registry = CollectorRegistry()
    Counter("sold", "Sold", ["kind"], registry=registry).labels("voucher").inc(3)
    Histogram("took_seconds", "Took", buckets=(1,), registry=registry).observe(0.5)
    Enum("state", "State", states=["on", "off"], registry=registry).state("off")
    assert samples(registry) == {
        'sold_total{instance="a",job="billing",kind="voucher"}': 3,
        'took_seconds_bucket{instance="a",job="billing",le="1.0"}': 1,
        'took_seconds_bucket{instance="a",job="billing",le="+Inf"}': 1,
        'took_seconds_sum{instance="a",job="billing"}': 0.5,
        'took_seconds_count{instance="a",job="billing"}': 1,
        'state{instance="a",job="billing",state="on"}': 0,
        'state{instance="a",job="billing",state="off"}': 1,
    }


def test_values_that_are_not_finite_are_left_out_of_readings_and_refused_alone() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("g", "G", ["of"], registry=registry)
    gauge.labels("a").set(float("nan"))
    gauge.labels("b").set(1)
    assert list(samples(registry)) == ['g{instance="a",job="billing",of="b"}']
    with pytest.raises(ValueError, match="not a finite number"):
        sample("m", float("inf"), {}, "gauge", NOW)


def test_of_one_name_in_two_registries_the_first_counts() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    Gauge("shared", "Ours", registry=first).set(1)
    Gauge("shared", "Theirs", registry=second).set(2)
    Gauge("alone", "Theirs", registry=second).set(3)
    assert list(samples(first, second).values()) == [1, 3]


def test_labels_of_the_metrics_own_stay() -> None:
    registry = CollectorRegistry()
    Gauge("up", "Up", ["instance"], registry=registry).labels("router-1").set(1)
    assert list(samples(registry)) == ['up{instance="router-1",job="billing"}']
