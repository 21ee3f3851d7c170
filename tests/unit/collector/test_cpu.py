import pytest

from services.collector.core.cpu import busy_percent

IDLE = {"user": 10.0, "system": 5.0, "idle": 100.0, "iowait": 2.0, "guest": 1.0, "guest_nice": 0.0}


def later(**seconds: float) -> dict[str, float]:
    return {state: spent + seconds.get(state, 0.0) for state, spent in IDLE.items()}


@pytest.mark.parametrize(
    ("spent", "percent"),
    [
        ({"idle": 10.0}, 0.0),
        ({"user": 10.0}, 100.0),
        ({"user": 2.0, "system": 1.0, "idle": 7.0}, 30.0),
        ({"user": 2.0, "idle": 4.0, "iowait": 4.0}, 20.0),  # waiting for a disk is idle
        ({"user": 5.0, "guest": 5.0, "idle": 5.0}, 50.0),  # guests are in user already
        ({"user": 1.0, "idle": 3.0, "iowait": -1.0}, 25.0),  # iowait may go backwards
    ],
)
def test_percent_between_two_readings(spent: dict[str, float], percent: float) -> None:
    assert busy_percent(IDLE, later(**spent)) == pytest.approx(percent)


def test_without_time_between_them_there_is_no_percent() -> None:
    assert busy_percent(IDLE, IDLE) is None
