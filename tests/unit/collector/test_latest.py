import pytest

from services.collector.core.families import families, family_name
from services.collector.core.latest import STALE_AFTER_MS, Latest, from_elsewhere
from shared.messages.samples import STALE, Sample, SampleBatch

NOW = 1_790_000_000_000


def test_the_newest_value_of_each_series_until_it_is_stale() -> None:
    latest = Latest()
    latest.put([Sample("a", NOW, 1.0), Sample("b", NOW, 2.0)], 30_000)
    latest.put([Sample("a", NOW + 30_000, 3.0)], 30_000)
    both = [Sample("a", NOW + 30_000, 3.0), Sample("b", NOW, 2.0)]
    assert latest.fresh(NOW + STALE_AFTER_MS - 1) == both
    assert latest.fresh(NOW + STALE_AFTER_MS) == both[:1]
    assert latest.fresh(NOW + STALE_AFTER_MS + 30_000) == []


def test_a_series_that_is_read_rarely_is_not_stale_between_two_readings() -> None:
    latest = Latest()
    latest.put([Sample("size", NOW, 1.0)], 600_000)
    assert latest.fresh(NOW + 1_199_999)
    assert not latest.fresh(NOW + 1_200_000)


@pytest.mark.parametrize(
    ("metric", "kind", "family"),
    [
        ("reads_total", "counter", "reads"),
        ("reads_total", "gauge", "reads_total"),
        ("took_seconds_bucket", "histogram", "took_seconds"),
        ("took_seconds_sum", "histogram", "took_seconds"),
        ("took_seconds_count", "summary", "took_seconds"),
        ("took_seconds", "summary", "took_seconds"),
        ("bucket", "histogram", "bucket"),
    ],
)
def test_the_family_of_a_metric(metric: str, kind: str, family: str) -> None:
    assert family_name(metric, kind) == family


def test_families_hold_their_series_together() -> None:
    found = families(
        [
            Sample('b{x="2"}', NOW, 1.0),
            Sample("a_total", NOW, 2.0, "counter"),
            Sample('b{x="1"}', NOW, 3.0),
            Sample("c", NOW, 4.0, "gauge"),
            Sample('c{x="1"}', NOW, 4.0, "unknown"),
        ]
    )
    assert [(family.name, family.type) for family in found] == [("a", "counter"), ("b", "gauge"), ("c", "unknown")]
    assert [sample.series for sample in found[1].samples] == ['b{x="1"}', 'b{x="2"}']


def test_a_target_shows_what_its_last_scrape_brought() -> None:
    latest = Latest()
    latest.hold("t", [SampleBatch.of("t", [Sample("a", NOW, 1.0), Sample("b", NOW, 2.0)])], NOW, 30_000)
    latest.hold("t", [SampleBatch.of("t", [Sample("a", NOW, 3.0), Sample("b", NOW, STALE)])], NOW, 30_000)
    assert latest.fresh(NOW) == [Sample("a", NOW, 3.0)]
    assert latest.fresh(NOW + STALE_AFTER_MS) == []
    latest.hold("t", [SampleBatch.of("t", [Sample("a", NOW, 1.0)])], NOW, 30_000)
    latest.release("t")
    assert latest.fresh(NOW) == []


def test_what_others_send_is_bounded_in_number_and_age() -> None:
    latest = Latest(most_followed=2)
    assert latest.follow([Sample(name, NOW, 1.0) for name in "abc"], NOW) == 1
    assert latest.follow([Sample("a", NOW + 1, 2.0), Sample("b", NOW - 1, 0.0)], NOW) == 0
    assert latest.fresh(NOW) == [Sample("a", NOW + 1, 2.0), Sample("b", NOW, 1.0)]
    assert latest.follow([Sample("b", NOW + 2, STALE)], NOW) == 0
    assert latest.fresh(NOW) == [Sample("a", NOW + 1, 2.0)]
    later = NOW + STALE_AFTER_MS + 10
    assert latest.follow([Sample("d", later, 1.0), Sample("old", NOW, 1.0)], later) == 0
    assert latest.fresh(later) == [Sample("d", later, 1.0)]
    assert latest.follow([Sample("e", later, 1.0)], later) == 0  # there is room again


def test_a_time_in_the_future_does_not_keep_a_series_alive() -> None:
    latest = Latest()
    latest.follow([Sample("a", NOW + 10 * STALE_AFTER_MS, 1.0)], NOW)
    assert latest.fresh(NOW + STALE_AFTER_MS) == []


def test_of_the_bus_only_what_was_pushed_or_measured_elsewhere_is_followed() -> None:
    samples = [Sample("a", NOW, 1.0), Sample("a", NOW + 1, 2.0), Sample("a", NOW - 1, 0.0)]
    assert list(from_elsewhere(SampleBatch.of("push/1", samples))) == [Sample("a", NOW + 1, 2.0)]
    assert list(from_elsewhere(SampleBatch.of("health/web-1", samples)))
    assert not list(from_elsewhere(SampleBatch.of("collector/web-2", samples)))
    assert not list(from_elsewhere(SampleBatch.of("rules", samples, group="g")))
