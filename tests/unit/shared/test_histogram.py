import pytest

from shared.histogram import Histogram
from shared.metrics import Metric

TAKEN = Metric("taken_seconds", "histogram", "seconds", "How long", ("menu",))


def test_buckets_are_cumulative_and_a_bound_belongs_to_its_bucket() -> None:
    histogram = Histogram(TAKEN, (0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value, menu="/a")
    samples = histogram.samples(1_790_000_000_000)
    assert {sample.series: sample.value for sample in samples} == {
        'taken_seconds_bucket{le="0.1",menu="/a"}': 2,
        'taken_seconds_bucket{le="1.0",menu="/a"}': 3,
        'taken_seconds_bucket{le="+Inf",menu="/a"}': 4,
        'taken_seconds_sum{menu="/a"}': 7.65,
        'taken_seconds_count{menu="/a"}': 4,
    }
    assert {sample.type for sample in samples} == {"histogram"}


def test_other_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="has the labels"):
        Histogram(TAKEN, (1.0,)).observe(1, router="x")
