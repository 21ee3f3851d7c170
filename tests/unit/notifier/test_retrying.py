import pytest

from services.notifier.core.retrying import RetryPolicy, asked_wait_seconds, gives_up, wait_seconds

POLICY = RetryPolicy(first_seconds=1, longest_seconds=60, give_up_seconds=3_600, longest_asked_seconds=600)


@pytest.mark.parametrize(
    ("attempt", "jitter", "asked", "expected"),
    [
        (1, 0.0, None, 0.5),
        (1, 1.0, None, 1.0),
        (2, 0.0, None, 1.0),
        (4, 1.0, None, 8.0),
        (7, 1.0, None, 60.0),
        (1_000_000, 1.0, None, 60.0),
        (1, 1.0, 30.0, 30.0),
        (7, 1.0, 30.0, 60.0),  # our own back-off is longer than what was asked
        (1, 1.0, 86_400.0, 600.0),  # nobody may put us off for a day
    ],
)
def test_wait(attempt: int, jitter: float, asked: float | None, expected: float) -> None:
    assert wait_seconds(POLICY, attempt, jitter, asked) == expected


def test_waits_never_shrink_whatever_chance_says() -> None:
    longest = [wait_seconds(POLICY, attempt, 1.0) for attempt in range(1, 7)]
    shortest = [wait_seconds(POLICY, attempt, 0.0) for attempt in range(2, 8)]
    assert all(later >= sooner for sooner, later in zip(longest, shortest, strict=True) if sooner < 32)


@pytest.mark.parametrize(("next_try_ms", "expected"), [(3_600_000, False), (3_600_001, True)])
def test_giving_up(next_try_ms: int, expected: bool) -> None:
    assert gives_up(POLICY, 1_000, 1_000 + next_try_ms) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("99999999999999", 999_999_999.0),
        ("Mon, 23 Nov 2026 10:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 17:00:30 +0700", 30.0),
        ("Mon, 23 Nov 2026 10:00:30 -0000", 30.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", 0.0),  # in the past: now
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),  # a digit, and no number in HTTP
        ("", None),
    ],
)
def test_retry_after(header: str | None, expected: float | None) -> None:
    assert asked_wait_seconds(header, 1_795_428_000_000) == expected  # 2026-11-23T10:00:00Z
