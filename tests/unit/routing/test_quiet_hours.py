"""When a person is not to be told, and until when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.hours import DAY_MINUTES, EVERY_DAY, Hours, hours_until_ms, local_time
from shared.routing.people import Person, QuietHours, quiet_until_ms
from tests.unit.routing.instants import at_ms, local

JAKARTA, BERLIN = ZoneInfo("Asia/Jakarta"), ZoneInfo("Europe/Berlin")
NIGHT = Hours(22 * 60, 6 * 60)
WEEKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})


def person(*quiet: QuietHours, zone: ZoneInfo = JAKARTA) -> Person:
    return Person("ani", zone, "id", quiet_hours=quiet)


@pytest.mark.parametrize(
    ("hours", "zone", "at", "until"),
    [
        ([NIGHT], JAKARTA, "2026-11-10T21:59:59.999+07:00", None),
        ([NIGHT], JAKARTA, "2026-11-10T22:00+07:00", "2026-11-11T06:00+07:00"),
        ([NIGHT], JAKARTA, "2026-11-11T05:59:59.999+07:00", "2026-11-11T06:00+07:00"),
        ([NIGHT], JAKARTA, "2026-11-11T06:00+07:00", None),
        # the night in which clocks go forward is an hour shorter, that in which they go back an hour longer
        ([NIGHT], BERLIN, "2027-03-28T03:00+02:00", "2027-03-28T06:00+02:00"),
        ([NIGHT], BERLIN, "2026-10-25T05:59+01:00", "2026-10-25T06:00+01:00"),
        # an hour that comes twice: the first; one that never comes: as late by what was before
        ([Hours(0, 150)], BERLIN, "2026-10-25T01:00+02:00", "2026-10-25T02:30+02:00"),
        ([Hours(0, 150)], BERLIN, "2026-10-25T02:15+01:00", None),
        ([Hours(0, 150)], BERLIN, "2027-03-28T03:15+02:00", "2027-03-28T03:30+02:00"),
        # days on which they begin
        ([Hours(22 * 60, 6 * 60, frozenset({4}))], JAKARTA, "2026-11-14T03:00+07:00", "2026-11-14T06:00+07:00"),
        ([Hours(22 * 60, 6 * 60, frozenset({4}))], JAKARTA, "2026-11-13T03:00+07:00", None),
        # what follows on is one
        ([NIGHT, Hours(0, DAY_MINUTES, WEEKEND)], JAKARTA, "2026-11-13T23:00+07:00", "2026-11-16T06:00+07:00"),
    ],
)
def test_quiet_until(hours: list[Hours], zone: ZoneInfo, at: str, until: str | None) -> None:
    told = quiet_until_ms(person(*(QuietHours(one) for one in hours), zone=zone), "warning", at_ms(at))
    assert told == (None if until is None else at_ms(until))


def test_what_is_excepted_is_told() -> None:
    quiet = person(QuietHours(NIGHT, frozenset({"critical"})), QuietHours(Hours(23 * 60, 60)))
    night = at_ms("2026-11-10T22:30+07:00")
    assert quiet_until_ms(quiet, "critical", night) is None
    assert quiet_until_ms(quiet, "warning", night) == at_ms("2026-11-11T06:00+07:00")
    assert quiet_until_ms(quiet, "critical", night + 3_600_000) == at_ms("2026-11-11T01:00+07:00")


@given(
    begins=st.integers(0, DAY_MINUTES - 1),
    ends=st.integers(0, DAY_MINUTES),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    at=st.datetimes(local("2026-01-01"), local("2027-01-01"), timezones=st.just(UTC)),
)
def test_without_changed_clocks_it_is_what_the_wall_clock_shows(
    begins: int, ends: int, weekdays: frozenset[int], at: datetime
) -> None:
    hours = Hours(begins, ends, weekdays)
    now = round(at.timestamp() * 1000)
    shown = local_time(now, JAKARTA)
    minute = shown.hour * 60 + shown.minute
    yesterday = (shown - timedelta(days=1)).weekday()
    today_holds = shown.weekday() in weekdays and minute >= begins and (minute < ends or ends <= begins)
    last_night_holds = yesterday in weekdays and ends <= begins and minute < ends
    until = hours_until_ms([hours], JAKARTA, now)
    assert (until is not None) == (today_holds or last_night_holds)
    if until is not None and hours.length_minutes < DAY_MINUTES:
        assert now < until
        assert hours_until_ms([hours], JAKARTA, until) is None
        assert hours_until_ms([hours], JAKARTA, until - 1) == until


def test_hours_without_end_are_given_up_on() -> None:
    assert hours_until_ms([Hours(0, DAY_MINUTES, EVERY_DAY)], JAKARTA, at_ms("2026-11-10T00:00Z")) is not None
