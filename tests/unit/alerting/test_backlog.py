"""How long samples are kept for groups that wait."""

import pytest

from services.alerting.core import backlog
from services.alerting.core.backlog import KEPT_ANYHOW_MS, Backlog

MINUTE = 60_000
HOUR = 60
LONG_AGO = -1


def after(kept: Backlog, minutes: range, samples: int = 100, needed_minute: int = LONG_AGO) -> list[int]:
    """Up to which minute samples are let go, at the end of each that brought so many."""
    found = []
    for minute in minutes:
        kept.note(samples)
        found.append(max(kept.end_stretch(minute * MINUTE, needed_minute * MINUTE) // MINUTE, LONG_AGO))
    return found


def test_all_are_kept_while_there_are_not_too_many() -> None:
    assert set(after(Backlog(100 * 5 * HOUR), range(5 * HOUR))) == {LONG_AGO}


def test_the_oldest_go_when_there_are_too_many() -> None:
    assert after(Backlog(100 * 2 * HOUR), range(2 * HOUR + 5))[-6:] == [LONG_AGO, 0, 1, 2, 3, 4]


def test_those_of_the_last_hour_stay_however_many_there_are() -> None:
    found = after(Backlog(0), range(3 * HOUR))
    assert found[: KEPT_ANYHOW_MS // MINUTE] == [LONG_AGO] * HOUR
    assert found[HOUR:] == list(range(2 * HOUR))


def test_what_nobody_needs_does_not_count() -> None:
    kept = Backlog(100 * 2 * HOUR)
    after(kept, range(2 * HOUR))
    after(kept, range(2 * HOUR, 3 * HOUR), needed_minute=3 * HOUR)
    assert set(after(kept, range(3 * HOUR, 5 * HOUR))) == {LONG_AGO}


def test_what_was_stored_goes_on_in_the_same_way() -> None:
    one, other = Backlog(100 * HOUR), Backlog(100 * HOUR)
    after(one, range(90))
    one.note(7)
    after(other, range(90))
    other.note(7)
    other = Backlog(100 * HOUR, other.stretches, other.open_samples)
    assert after(one, range(90, 200)) == after(other, range(90, 200))
    assert one.stretches == other.stretches


def test_stretches_without_samples_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MOST_STRETCHES", 3 * HOUR)
    kept = Backlog(1_000)
    assert after(kept, range(3 * HOUR + 2), samples=0)[-3:] == [LONG_AGO, 0, 1]
    assert len(kept.stretches) == 3 * HOUR
