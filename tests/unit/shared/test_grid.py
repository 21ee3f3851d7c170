import pytest

from shared.grid import instants_passed, next_on_grid


@pytest.mark.parametrize(
    ("first", "interval", "now", "due"),
    [
        (100.0, 30.0, 100.0, 130.0),
        (100.0, 30.0, 101.5, 130.0),
        (100.0, 30.0, 129.9, 130.0),
        (100.0, 30.0, 130.0, 160.0),  # an instant that is now is not the next one
        (100.0, 30.0, 131.0, 160.0),
        (100.0, 30.0, 400.0, 430.0),
        (100.0, 30.0, 90.0, 130.0),  # before the first one, as after a clock that was set back
    ],
)
def test_the_next_instant_lies_on_the_grid_and_ahead(first: float, interval: float, now: float, due: float) -> None:
    assert next_on_grid(first, interval, now) == due


@pytest.mark.parametrize(
    ("since", "now", "passed"),
    [(100.0, 100.5, 0), (100.0, 129.9, 0), (100.0, 130.0, 1), (100.0, 161.0, 2), (130.0, 131.0, 0), (160.0, 100.0, 0)],
)
def test_instants_that_passed_unused(since: float, now: float, passed: int) -> None:
    assert instants_passed(100.0, 30.0, since, now) == passed
