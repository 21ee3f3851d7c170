"""What the benches count as polled in time."""

import pytest

from bench._polls import Figures, Polls, in_time


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ([3.0, 63.0, 123.0, 183.0], 3),
        ([3.0, 63.0, 119.0, 123.0, 183.0], 3),  # twice within one interval is once
        ([3.0, 63.0, 185.0], 2),  # the third was left out, or failed
        ([3.0, 61.5, 121.5, 181.5], 2),  # each at the very end of its interval, and none in the last
        ([], 0),
    ],
)
def test_a_poll_is_in_time_if_it_succeeded_before_the_next_was_due(ended: list[float], expected: int) -> None:
    # Due at 2, 62, 122, 182; the intervals that lie between 60 and 242 begin at 62, 122 and 182.
    assert in_time([Polls(2.0, ended)], 60.0, 60.0, 242.0) == (3, expected)


def test_the_line_of_json() -> None:
    figures = Figures(60.0, due=200, in_time=199, made=210, cpu_seconds=2.1, samples=42_000, durations=[0.1])
    assert figures.summary() == {"polls_per_s": 3.5, "cpu_ms_per_poll": 10.0, "late_percent": 0.5}
