"""Steps of a chart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.core.performance import MOST_STEPS, BadPeriod, period_seconds, window

NOW = 1_700_000_123_456


@pytest.mark.parametrize(
    ("period", "seconds"), [("5m", 300), ("1h", 3_600), ("1h30m", 5_400), ("7d", 604_800), ("4w2d", 30 * 86_400)]
)
def test_periods(period: str, seconds: int) -> None:
    assert period_seconds(period) == seconds


@pytest.mark.parametrize("period", ["", "1", "1hour", "4m59s", "31d", "-1h", "1h ", "9" * 400 + "d"])
def test_bad_periods(period: str) -> None:
    with pytest.raises(BadPeriod):
        period_seconds(period)


@given(st.integers(5, 30 * 24 * 60), st.integers(10**12, 2 * 10**12))
def test_a_window_covers_the_period_in_few_round_steps(minutes: int, now: int) -> None:
    found = window(f"{minutes}m", now)
    assert found.count <= MOST_STEPS
    assert len(found.times_ms) == found.count
    assert found.start_ms % (found.step_seconds * 1000) == 0
    assert found.times_ms[-1] <= now < found.end_ms
    assert found.count * found.step_seconds >= minutes * 60


def test_an_hour_has_half_minutes() -> None:
    found = window("1h", NOW)
    assert (found.step_seconds, found.count) == (30, 120)
