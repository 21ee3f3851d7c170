"""What writers of all kinds write is read as prometheus_client's own parsers read it."""

import math
from collections.abc import Callable, Iterable

import prometheus_client as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, openmetrics
from prometheus_client import parser as text_parser
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics_writer
from prometheus_client.openmetrics import parser as openmetrics_parser

from shared.messages.series import NAME, labels_of
from tests.unit.collector.scrape.target import NOW, session

Reading = list[tuple[str, int | None, str]]

GO = """\
# HELP go_gc_duration_seconds A summary of the wall-time pause (stop-the-world) duration in garbage collection cycles.
# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds{quantile="0"} 2.0291e-05
go_gc_duration_seconds{quantile="0.5"} NaN
go_gc_duration_seconds_sum 0.014523421
go_gc_duration_seconds_count 107
# HELP go_info Information about the Go environment.
# TYPE go_info gauge
go_info{version="go1.23.4"} 1
# TYPE http_requests_total counter
http_requests_total{code="200",handler="/api/v1/\\"quoted\\"\\\\path\\n"} 1.027e+06
http_requests_total{code="500",handler="/"} 3
# HELP latency_seconds With a \\\\ and a \\n in it.
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.05"} 24054
latency_seconds_bucket{le="1"} 129389
latency_seconds_bucket{le="+Inf"} 144320
latency_seconds_sum 53423
latency_seconds_count 144320
# a comment without meaning

# TYPE something_weird untyped
something_weird{problem="division by zero"} +Inf -0
minus -Inf
process_virtual_memory_max_bytes 1.8446744073709552e+19
with_time{a="b",} 12.5 1395066363000
"""

STRICT = """\
# TYPE foo_seconds counter
# UNIT foo_seconds seconds
# HELP foo_seconds Help with \\"quotes\\"
foo_seconds_total{a="b"} 17.0 1520879607.789 # {id="counter-test"} 5
foo_seconds_created{a="b"} 1520872607.123 1520879607.789
# TYPE up_set stateset
up_set{up_set="a"} 1
up_set{up_set="b"} 0
# TYPE build info
build_info{version="1.2"} 1
# TYPE hh gaugehistogram
hh_bucket{le="1.0"} 3
hh_bucket{le="+Inf"} 4
hh_gcount 4
hh_gsum 7.5
# TYPE h histogram
h_bucket{le="1.0"} 3 # {trace="x # {"} 0.5 1520879607.789
h_bucket{le="+Inf"} 4
h_count 4
h_sum 7.5
# EOF
"""


def theirs(families: Iterable[Metric]) -> Reading:
    """(series, own time in ms, value), in order."""
    found: Reading = []
    for family in families:
        for sample in family.samples:
            time_ms = None if sample.timestamp is None else round(float(sample.timestamp) * 1000)
            labels = sorted((name, value) for name, value in sample.labels.items() if value)
            found.append((str((sample.name, labels)), time_ms, repr(float(sample.value))))
    return found


def ours(text: str, is_openmetrics: bool) -> Reading:
    """The same of what a session takes; twice, so that the second time what is remembered is used."""
    target = session()
    first = target.take(text.encode(), is_openmetrics, NOW)
    again = target.take(text.encode(), is_openmetrics, NOW)
    assert (first.failure, first.error) == ("", "")
    assert (again.keys, again.types, again.times.tolist()) == (first.keys, first.types, first.times.tolist())
    assert again.values.tobytes() == first.values.tobytes()
    found: Reading = []
    for key, time_ms, value in zip(again.keys, again.times.tolist(), again.values.tolist(), strict=True):
        labels = dict(labels_of(key))
        name = labels.pop(NAME)
        found.append((str((name, sorted(labels.items()))), None if time_ms == NOW else time_ms, repr(value)))
    return found


def registry() -> CollectorRegistry:
    """One of each kind, as an application in Python has them."""
    made = CollectorRegistry()
    counter = pc.Counter("visits", "Who came", ["door"], registry=made)
    counter.labels('fr"ont\\').inc(3)
    counter.labels("back\nyard").inc(0.1 + 0.2)
    pc.Gauge("room_celsius", "How \\ warm\nit is", registry=made).set(-math.inf)
    histogram = pc.Histogram("took_seconds", "How long", ["route"], registry=made)
    for route in ("/a", "/b"):
        histogram.labels(route).observe(0.3)
    pc.Summary("size_bytes", "How much", registry=made).observe(1e300)
    pc.Info("build", "What runs", registry=made).info({"version": "1.2.3"})
    pc.Enum("state", "How it is", states=["a", "b"], registry=made)
    return made


def classic(text: str) -> Iterable[Metric]:
    return text_parser.text_string_to_metric_families(text)


def strict(text: str) -> Iterable[Metric]:
    found: Iterable[Metric] = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return found


@pytest.mark.parametrize(
    ("text", "is_openmetrics"),
    [
        (GO.replace(" -0\n", "\n"), False),
        (pc.generate_latest(registry()).decode(), False),
        (openmetrics.exposition.generate_latest(registry()).decode(), True),  # type: ignore[no-untyped-call]
        (STRICT, True),
    ],
    ids=["go", "python", "python-openmetrics", "openmetrics"],
)
def test_the_same_samples_as_prometheus_clients_parser(text: str, is_openmetrics: bool) -> None:
    parse: Callable[[str], Iterable[Metric]] = strict if is_openmetrics else classic
    expected = theirs(parse(text))
    assert expected
    assert sorted(ours(text, is_openmetrics), key=str) == sorted(expected, key=str)


def test_types_are_those_of_the_families() -> None:
    target = session()
    go = target.take(GO.replace(" -0\n", "\n").encode(), False, NOW)
    types = dict(zip(go.keys, go.types, strict=True))
    assert types['go_gc_duration_seconds{quantile="0"}'] == types["go_gc_duration_seconds_sum"] == "summary"
    assert types['http_requests_total{code="500",handler="/"}'] == "counter"
    assert types['latency_seconds_bucket{le="1"}'] == types["latency_seconds_count"] == "histogram"
    assert types["minus"] == types['something_weird{problem="division by zero"}'] == "unknown"
    assert target.helps["latency_seconds"] == "With a \\ and a \n in it."

    found = session().take(STRICT.encode(), True, NOW)
    types = {key.partition("{")[0]: kind for key, kind in zip(found.keys, found.types, strict=True)}
    assert types == {
        "foo_seconds_total": "counter",
        "foo_seconds_created": "gauge",
        "up_set": "gauge",
        "build_info": "gauge",
        "hh_bucket": "gauge",
        "hh_gcount": "gauge",
        "hh_gsum": "gauge",
        "h_bucket": "histogram",
        "h_count": "histogram",
        "h_sum": "histogram",
    }


def test_a_type_that_changes_is_noticed_though_the_series_are_the_same() -> None:
    target = session()
    assert target.take(b"# TYPE x gauge\nx 1\n", False, NOW).types == ["gauge"]
    assert target.take(b"# TYPE x counter\nx 1\n", False, NOW + 1000).types == ["counter"]


# Colons are legal too, but prometheus_client writes them as underscores.
NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,9}", fullmatch=True)
LABELS = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True).filter(lambda name: name not in ("le", "quantile"))
# What a UTF-8 page can carry on one line; the classic parser of prometheus_client strips what Python calls white space.
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1, max_size=12)
SAMPLES = st.lists(st.tuples(NAMES, st.dictionaries(LABELS, TEXTS, max_size=3), st.floats()), min_size=1, max_size=8)


class Fixed:
    """Gauges that a test makes up."""

    def __init__(self, samples: list[tuple[str, dict[str, str], float]]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[Metric]:
        seen: set[str] = set()
        for name, labels, value in self._samples:
            if name not in seen:
                metric = Metric(name, "help", "gauge")
                metric.add_sample(name, labels, value)
                seen.add(name)
                yield metric


@settings(max_examples=60, deadline=None)
@given(SAMPLES)
def test_whatever_is_written_is_read_back(samples: list[tuple[str, dict[str, str], float]]) -> None:
    made = CollectorRegistry(auto_describe=False)
    made.register(Fixed(samples))  # it has collect(), which is all that is asked for
    text = pc.generate_latest(made).decode()
    assert sorted(ours(text, False), key=str) == sorted(theirs(Fixed(samples).collect()), key=str)
    page: bytes = openmetrics_writer.generate_latest(made)  # type: ignore[no-untyped-call]
    assert sorted(ours(page.decode(), True), key=str) == sorted(theirs(Fixed(samples).collect()), key=str)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*'ab1 {}"=,\\#\n\t.+-_é', "# TYPE ", "NaN", "# EOF\n", 'a{b="c"} 1\n']), max_size=25))
def test_no_text_makes_it_raise(pieces: list[str]) -> None:
    text = "".join(pieces).encode()
    target = session()
    for is_openmetrics in (False, True):
        for _ in range(2):
            taken = target.take(text, is_openmetrics, NOW)
            assert bool(taken.failure) == bool(taken.error)
            assert len(taken.keys) == len(taken.types) == len(taken.times) == len(taken.values)
