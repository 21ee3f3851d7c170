import pytest

from services.collector.core.latest import STALE_AFTER_MS, Latest, families, family_name
from shared.messages.samples import Sample

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
