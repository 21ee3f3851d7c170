"""Who is on call, at handovers, over changed clocks, with those who stand in."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.hours import Hours, instant_ms
from shared.routing.on_call import Override, Schedule, next_handover, on_call_at
from tests.unit.routing.instants import at_ms, local

JAKARTA, BERLIN, APIA = (ZoneInfo(name) for name in ("Asia/Jakarta", "Europe/Berlin", "Pacific/Apia"))
YEAR_MS = 366 * 24 * 3_600_000
DAY_MS = 24 * 3_600_000


def weekly(zone: ZoneInfo = JAKARTA, **more: object) -> Schedule:
    return Schedule("primary", zone, local("2026-11-02T09:00"), timedelta(weeks=1), ("ani", "budi", "cici"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2026-11-02T09:00+07:00", "ani"),
        ("2026-11-09T08:59:59.999+07:00", "ani"),
        ("2026-11-09T09:00+07:00", "budi"),
        ("2026-11-23T09:00+07:00", "ani"),
        ("2026-11-02T08:59:59.999+07:00", "cici"),  # before the first turn it is counted backwards
    ],
)
def test_turns_by_the_week(at: str, person: str) -> None:
    assert on_call_at(weekly(), at_ms(at)) == person


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2027-03-29T08:59:59+02:00", "cici"),  # clocks went forward the day before
        ("2027-03-29T09:00+02:00", "ani"),
        ("2026-10-26T08:59:59+01:00", "budi"),  # and back
        ("2026-10-26T09:00+01:00", "cici"),
    ],
)
def test_a_handover_is_at_its_local_time_though_clocks_were_changed(at: str, person: str) -> None:
    assert on_call_at(weekly(BERLIN), at_ms(at)) == person


def test_a_handover_that_clocks_skip_or_repeat() -> None:
    daily = Schedule("night", BERLIN, local("2026-10-01T02:30"), timedelta(days=1), ("ani", "budi"))
    # 2026-10-25: 02:30 comes twice, and the first counts; 2027-03-28: it never comes, and 03:30 counts.
    for instant in ("2026-10-25T02:30+02:00", "2027-03-28T03:30+02:00"):
        edge = at_ms(instant)
        assert on_call_at(daily, edge - 1) != on_call_at(daily, edge)
        # Also when clocks show 02:15 once more.
        assert (
            on_call_at(daily, edge) == on_call_at(daily, edge + 45 * 60_000) == on_call_at(daily, edge + 20 * 3_600_000)
        )


def test_a_day_that_a_country_skips_is_nobodys_turn() -> None:
    daily = Schedule("daily", APIA, local("2011-12-28T09:00"), timedelta(days=1), ("ani", "budi", "cici", "dodi"))
    # Samoa had no 30 December 2011.
    told = [on_call_at(daily, at_ms(f"2011-12-{at}")) for at in ("29T08:59-10:00", "29T09:00-10:00", "31T08:59+14:00")]
    assert told == ["ani", "budi", "budi"]
    assert on_call_at(daily, at_ms("2011-12-31T09:00+14:00")) == "dodi"


def test_who_stands_in_goes_before_and_the_later_of_two() -> None:
    begins, ends = at_ms("2026-11-03T00:00Z"), at_ms("2026-11-05T00:00Z")
    schedule = weekly(overrides=(Override("budi", begins, ends), Override("cici", begins + DAY_MS, ends)))
    told = [on_call_at(schedule, instant) for instant in (begins - 1, begins, begins + DAY_MS, ends - 1, ends)]
    assert told == ["ani", "budi", "cici", "cici", "ani"]


def test_nights_only_and_the_day_is_anothers() -> None:
    days = Schedule("days", JAKARTA, local("2026-11-02T08:00"), timedelta(weeks=1), ("dodi", "eka"))
    nights = weekly(only=(Hours(18 * 60, 8 * 60),), otherwise=days)
    told = [on_call_at(nights, at_ms(f"2026-11-10T{time}+07:00")) for time in ("07:59", "08:00", "17:59", "18:00")]
    assert told == ["budi", "eka", "eka", "budi"]
    alone = weekly(only=(Hours(18 * 60, 8 * 60),), otherwise="boss")
    assert on_call_at(alone, at_ms("2026-11-10T12:00+07:00")) == "boss"


def test_the_next_handover_is_told() -> None:
    now, horizon = at_ms("2026-11-10T12:00+07:00"), at_ms("2027-11-10T12:00+07:00")
    assert next_handover(weekly(), now, horizon) == (at_ms("2026-11-16T09:00+07:00"), "cici")
    alone = Schedule("alone", JAKARTA, local("2026-11-02T09:00"), timedelta(weeks=1), ("ani",))
    assert next_handover(alone, now, horizon) is None
    stand_in = weekly(overrides=(Override("ani", now + 5, now + 9),))
    assert next_handover(stand_in, now, horizon) == (now + 5, "ani")
    assert next_handover(stand_in, now + 5, horizon) == (now + 9, "budi")


@given(
    zone=st.sampled_from([JAKARTA, BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/St_Johns")]),
    first=st.datetimes(local("2009-01-01"), local("2030-01-01")),
    hours=st.integers(4, 24 * 15),
    at=st.datetimes(local("2010-01-01"), local("2029-01-01"), timezones=st.just(ZoneInfo("UTC"))),
)
def test_turns_follow_each_other_without_gap(zone: ZoneInfo, first: datetime, hours: int, at: datetime) -> None:
    first, every = first.replace(second=0, microsecond=0), timedelta(hours=hours)
    people = tuple("abcdefg")
    schedule = Schedule("any", zone, first, every, people)
    now = round(at.timestamp() * 1000)
    person = on_call_at(schedule, now)
    handover = next_handover(schedule, now, now + 60 * DAY_MS)
    assert handover is not None
    edge, successor = handover
    assert on_call_at(schedule, edge - 1) == person
    assert on_call_at(schedule, edge) == successor == people[(people.index(person) + 1) % len(people)]


@given(st.lists(st.integers(0, YEAR_MS), min_size=2, max_size=50).map(sorted))
def test_between_two_handovers_nothing_changes(offsets: list[int]) -> None:
    schedule = weekly(BERLIN, only=(Hours(20 * 60, 7 * 60),), otherwise="boss")
    begin = instant_ms(local("2026-01-01"), BERLIN)
    for one, two in pairwise(begin + offset for offset in offsets):
        handover = next_handover(schedule, one, one + YEAR_MS)
        assert handover is not None
        if two < handover[0]:
            assert on_call_at(schedule, two) == on_call_at(schedule, one)
