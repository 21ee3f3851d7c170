"""The exporter's page, read by prometheus_client's own parsers."""

import math
from collections.abc import Iterable

import prometheus_client as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, parser
from prometheus_client.metrics_core import Metric as Exposed
from prometheus_client.openmetrics import parser as openmetrics_parser

from services.collector.core.exposition import exposition
from services.collector.core.families import bound_text
from shared.messages.samples import Sample
from shared.messages.series import NAME, key_of
from tests.unit.collector.scrape.target import NOW, session

HELP = 'How warm, with a \\ and a\nnew line and "quotes"'


def read(samples: Iterable[Sample], openmetrics: bool, helps: dict[str, str] | None = None) -> list[Exposed]:
    text = exposition(samples, helps or {}, openmetrics).decode()
    if openmetrics:
        return list(openmetrics_parser.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    return list(parser.text_string_to_metric_families(text))


def values(families: Iterable[Exposed]) -> dict[str, str]:
    return {
        key_of({**sample.labels, NAME: sample.name}): repr(float(sample.value))
        for family in families
        for sample in family.samples
    }


def samples(text: str, openmetrics: bool = False) -> list[Sample]:
    """What a target that says `text` brings."""
    taken = session().take(text.encode(), openmetrics, NOW)
    assert not taken.error
    return [
        Sample(key, NOW, value, kind)
        for key, value, kind in zip(taken.keys, taken.values.tolist(), taken.types, strict=True)
    ]


@pytest.mark.parametrize("openmetrics", [False, True])
def test_values_types_and_help(openmetrics: bool) -> None:
    given_samples = [
        Sample(key_of({NAME: "room_celsius", "room": 'the "blue"\\one\n'}), NOW, 21.5),
        Sample('room_celsius{room="cellar"}', NOW, math.nan),
        Sample('visits_total{door="front"}', NOW, 3, "counter"),
        Sample("load", NOW, -math.inf, "unknown"),
    ]
    helps = {"room_celsius": HELP, "visits_total": "Who came"}
    load, room, visits = sorted(read(given_samples, openmetrics, helps), key=lambda family: family.name)
    assert (room.name, room.type, room.documentation) == ("room_celsius", "gauge", HELP)
    assert (visits.name, visits.type, visits.documentation) == ("visits", "counter", "Who came")
    assert (load.type, load.samples[0].value) == ("unknown", -math.inf)
    assert values([load, room, visits]) == {one.series: repr(float(one.value)) for one in given_samples}


@pytest.mark.parametrize("openmetrics", [False, True])
@pytest.mark.parametrize("written_in_openmetrics", [False, True])
def test_what_an_application_exposes_comes_out_again(openmetrics: bool, written_in_openmetrics: bool) -> None:
    registry = CollectorRegistry()
    histogram = pc.Histogram("took_seconds", "How long", ["route"], buckets=(0.5, 1, 2.5e7), registry=registry)
    for route in ("/b", "/a", '/c,le="1"'):
        histogram.labels(route).observe(0.7)
    pc.Counter("visits", "Who came", ["door"], registry=registry).labels("front").inc()
    pc.Summary("size_bytes", "How much", registry=registry).observe(7)
    pc.Gauge("room_celsius", "How warm", registry=registry).set(20)
    pc.Info("build", "What runs", registry=registry).info({"version": "1.2.3"})
    if written_in_openmetrics:
        page: bytes = pc.openmetrics.exposition.generate_latest(registry)  # type: ignore[no-untyped-call]
    else:
        page = pc.generate_latest(registry)
    found = read(samples(page.decode(), written_in_openmetrics), openmetrics)
    expected = {
        key_of({**sample.labels, NAME: sample.name}): repr(float(sample.value))
        for family in registry.collect()
        for sample in family.samples
    }
    assert values(found) == expected
    types = {family.name: family.type for family in found}
    assert types.items() >= {
        ("took_seconds", "histogram"),
        ("visits", "counter"),
        ("size_bytes", "summary"),
        ("room_celsius", "gauge"),
    }
    assert ("visits_created" in types) == (not openmetrics)


def test_bounds_as_go_writes_them_are_legal_in_openmetrics() -> None:
    text = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="1e+07"} 2\nh_bucket{le="+Inf"} 3\nh_sum 9\nh_count 3\n'
    (family,) = read(samples(text), True)
    assert [sample.labels.get("le") for sample in family.samples] == ["1.0", "1e+07", "+Inf", None, None]
    assert family.type == "histogram"


@pytest.mark.parametrize(
    ("bound", "text"),
    [(0.25, "0.25"), (1, "1.0"), (1e6, "1e+06"), (12345678, "1.2345678e+07"), (1e21, "1e+21"), (-1e7, "-10000000.0")],
)
def test_bounds(bound: float, text: str) -> None:
    assert bound_text(float(bound)) == text


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("# TYPE a counter\na 1\n", {"a"}),
        ("# TYPE a_total counter\na_total NaN\n", {"a_total"}),
        ("# TYPE a_total counter\na_total 1\n# TYPE a gauge\na 1\n", {"a_total"}),
        ('# TYPE h histogram\nh_bucket{le="1"} 1\nh_count 1\nh_sum 1\n', {"h_bucket", "h_count", "h_sum"}),
        ('# TYPE h histogram\nh_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\n', {"h_bucket"}),
        ("# TYPE h histogram\nh_bucket 3\n", {"h_bucket"}),
        ('# TYPE h histogram\nh_bucket{le="+Inf"} 2\nh_count 2\nh_sum -1\n', {"h_bucket", "h_count", "h_sum"}),
        (
            "# TYPE a_total counter\na_total 1\n# TYPE a_created_total counter\na_created_total 1\n",
            {"a_total", "a_created_total"},
        ),
        ("# TYPE s summary\ns_sum -1\ns_count 1\n", {"s_sum", "s_count"}),
        ("# TYPE s summary\ns_count 1\n# TYPE s_sum gauge\ns_sum 1\n", {"s_count"}),
    ],
)
def test_what_would_be_illegal_comes_apart(text: str, unknown: set[str]) -> None:
    given_samples = samples(text)
    found = read(given_samples, True)
    assert {family.name for family in found if family.type == "unknown"} == unknown
    assert values(found) == {one.series: repr(one.value) for one in given_samples}
    assert values(read(given_samples, False)) == values(found)


PARTS = st.sampled_from(["a", "b", "a_b"])
SUFFIXES = st.sampled_from(["", "_total", "_bucket", "_sum", "_count", "_created"])
TYPES = st.sampled_from(["gauge", "counter", "histogram", "summary", "unknown"])
LABELS = st.fixed_dictionaries(
    {},
    optional={
        "x": st.sampled_from(["1", '"', "é"]),
        "le": st.sampled_from(["1", "+Inf", "z"]),
        "quantile": st.just("0.5"),
    },
)
VALUES = st.sampled_from([0.0, 1.0, 2.5, -1.0, math.nan, math.inf])
MADE_UP = st.lists(st.tuples(PARTS, SUFFIXES, LABELS, VALUES, TYPES), max_size=8)


@settings(max_examples=200, deadline=None)
@given(MADE_UP)
def test_whatever_is_collected_the_page_is_legal(made_up: list[tuple[str, str, dict[str, str], float, str]]) -> None:
    given_samples = {}
    for name, suffix, labels, value, kind in made_up:
        series = key_of({**labels, NAME: f"{name}{suffix}"})
        given_samples[series] = Sample(series, NOW, value, kind)
    expected = sorted(repr(one.value) for one in given_samples.values())
    for openmetrics in (False, True):
        assert sorted(values(read(given_samples.values(), openmetrics)).values()) == expected
