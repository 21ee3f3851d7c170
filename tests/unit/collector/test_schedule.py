import pytest

from services.collector.core.schedule import Pace, first_waits

PACE = Pace(first=1_000.0, interval=30.0, longest_pause=120.0)


@pytest.mark.parametrize(
    ("began", "now", "due", "missed"),
    [
        (1_000.0, 1_000.2, 1_030.0, 0),
        (1_030.0, 1_039.0, 1_060.0, 0),
        (1_030.0, 1_061.0, 1_090.0, 1),  # it took longer than the interval: 1060 was left out
        (1_030.0, 1_130.0, 1_150.0, 3),
        (1_047.3, 1_047.9, 1_060.0, 0),  # after a back-off it returns to the grid
    ],
)
def test_readings_lie_on_a_steady_grid(began: float, now: float, due: float, missed: int) -> None:
    assert PACE.after_success(began, now) == (due, missed)


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [(1, 22.5, 30.0), (2, 45.0, 60.0), (3, 90.0, 120.0), (4, 90.0, 120.0), (10_000, 90.0, 120.0)],
)
def test_failures_make_readings_rarer_up_to_a_limit(failures: int, least: float, most: float) -> None:
    assert PACE.after_failures(failures, 5_000.0, chance=0.0) - 5_000 == least
    assert least < PACE.after_failures(failures, 5_000.0, chance=0.999) - 5_000 < most


def test_a_source_that_is_read_rarely_is_not_tried_more_often_because_it_fails() -> None:
    assert Pace(0.0, 3_600.0, 120.0).after_failures(5, 0.0, chance=0.5) >= 2_700


def test_a_few_of_a_kind_are_read_closely_after_one_another() -> None:
    assert first_waits([("mikrotik", 60.0), ("system", 30.0), ("mikrotik", 60.0)]) == [0.0, 0.0, 0.02]


def test_many_of_a_kind_fill_their_interval() -> None:
    waits = first_waits([("mikrotik", 60.0)] * 6_000)
    assert waits == sorted(waits)
    assert waits[3_000] == pytest.approx(30.0)
    assert waits[-1] < 60.0
