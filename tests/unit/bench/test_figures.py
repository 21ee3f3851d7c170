import pytest

from bench._figures import percentile
from bench.sample import summary


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 50, 7.0),
        ([7.0], 99, 7.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([4.0, 1.0, 2.0, 3.0], 50, 2.0),
        ([float(value) for value in range(1, 101)], 99, 99.0),
        ([float(value) for value in range(1, 201)], 99, 198.0),
        ([1.0, 2.0], 0, 1.0),
    ],
)
def test_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_nothing_measured_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 50)


def test_the_last_line_takes_both_transitions_and_the_later_of_api_and_table() -> None:
    found = summary(
        {
            ("event", "firing"): [0.010, 0.020],
            ("event", "resolved"): [0.030, 0.040],
            ("webhook", "firing"): [0.1, 0.1],
            ("webhook", "resolved"): [0.1, 0.2],
            ("active", "firing"): [0.5, 0.1],
            ("logged", "firing"): [0.1, 0.6],
            ("active", "resolved"): [0.2, 0.2],
            ("logged", "resolved"): [0.3, 0.1],
        }
    )
    assert found == {
        "event_ms": 40.0,
        "event_p50_ms": 20.0,
        "webhook_ms": 200.0,
        "webhook_p50_ms": 100.0,
        "queryable_ms": 600.0,
        "queryable_p50_ms": 300.0,
        "transitions": 4,
    }
