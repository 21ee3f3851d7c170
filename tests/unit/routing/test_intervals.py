"""Time intervals: what they say, when they are on, and when that changes next."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.routing.errors import BadInterval
from shared.routing.interval_reading import span
from shared.routing.intervals import Span, TimeInterval, is_in, next_change_ms

HOUR = 3_600_000


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def interval(*spans: Span) -> TimeInterval:
    return TimeInterval("test", spans)


def one(zone: str = "UTC", times: list[tuple[str, str]] | None = None, **ranges: list[str]) -> TimeInterval:
    return interval(span(times, zone, ranges))


@pytest.mark.parametrize(
    ("chosen", "inside", "outside"),
    [
        (one(), ["2026-11-23T10:00"], []),
        (
            one(times=[("09:00", "17:00")]),
            ["2026-11-23T09:00", "2026-11-23T16:59"],
            ["2026-11-23T08:59", "2026-11-23T17:00"],
        ),
        (
            one(times=[("22:00", "24:00"), ("00:00", "06:00")]),
            ["2026-11-23T23:59", "2026-11-23T05:00"],
            ["2026-11-23T06:00"],
        ),
        (
            one(weekdays=["monday:friday"]),
            ["2026-11-23T00:00", "2026-11-27T23:59"],
            ["2026-11-28T00:00", "2026-11-29T12:00"],
        ),
        (one(weekdays=["sunday", "Saturday"]), ["2026-11-28T00:00", "2026-11-29T12:00"], ["2026-11-30T00:00"]),
        (
            one(days_of_month=["1", "15:20"]),
            ["2026-11-01T00:00", "2026-11-20T23:59"],
            ["2026-11-02T00:00", "2026-11-21T00:00"],
        ),
        (one(days_of_month=["-1"]), ["2026-02-28T12:00", "2028-02-29T12:00", "2026-11-30T12:00"], ["2028-02-28T12:00"]),
        (
            one(days_of_month=["-3:-2"]),
            ["2026-11-28T00:00", "2026-11-29T00:00"],
            ["2026-11-30T00:00", "2026-11-27T00:00"],
        ),
        (one(days_of_month=["31"]), ["2026-12-31T00:00"], ["2026-11-30T00:00"]),
        (one(days_of_month=["29:31"]), ["2028-02-29T00:00"], ["2026-02-28T00:00"]),
        (
            one(days_of_month=["10:-5"]),
            ["2026-11-26T00:00", "2026-11-10T00:00"],
            ["2026-11-27T00:00", "2026-11-09T00:00"],
        ),
        (one(months=["january:march", "12"]), ["2026-03-31T23:59", "2026-12-01T00:00"], ["2026-04-01T00:00"]),
        (one(years=["2026:2027", "2030"]), ["2026-01-01T00:00", "2030-06-01T00:00"], ["2028-01-01T00:00"]),
        (
            one(dates=["2026-12-24:2026-12-26", "2027-01-01"]),
            ["2026-12-26T23:59", "2027-01-01T00:00"],
            ["2026-12-27T00:00"],
        ),
        (one("Asia/Jakarta", [("22:00", "24:00")]), ["2026-11-23T15:00"], ["2026-11-23T22:00", "2026-11-23T17:00"]),
        (
            one(times=[("09:00", "17:00")], weekdays=["monday"]),
            ["2026-11-23T10:00"],
            ["2026-11-24T10:00", "2026-11-23T08:00"],
        ),
        (one(weekdays=[]), [], ["2026-11-23T10:00"]),
        (interval(), [], ["2026-11-23T10:00"]),
    ],
)
def test_when_it_is_on(chosen: TimeInterval, inside: list[str], outside: list[str]) -> None:
    assert [text for text in [*inside, *outside] if is_in(chosen, at(text))] == inside


@pytest.mark.parametrize(
    ("chosen", "now", "expected"),
    [
        (one(), "2026-11-23T10:00", None),
        (one(times=[("09:00", "17:00")]), "2026-11-23T10:00", "2026-11-23T17:00"),
        (one(times=[("09:00", "17:00")]), "2026-11-23T17:00", "2026-11-24T09:00"),
        (one(times=[("22:00", "24:00"), ("00:00", "06:00")]), "2026-11-23T23:00", "2026-11-24T06:00"),
        (one(weekdays=["saturday"]), "2026-11-23T10:00", "2026-11-28T00:00"),
        (one(dates=["2027-12-25"]), "2026-11-23T10:00", "2027-12-25T00:00"),
        (one(days_of_month=["-1"], times=[("12:00", "13:00")]), "2026-11-30T13:00", "2026-12-31T12:00"),
        (one(years=["2020"]), "2026-11-23T10:00", None),
        (one("Asia/Jakarta", weekdays=["monday"]), "2026-11-23T10:00", "2026-11-23T17:00"),
        # Clocks go back on 2026-10-25 at 01:00 UTC, forward on 2027-03-28 at 01:00 UTC.
        (one("Europe/Berlin", [("02:00", "02:30")]), "2026-10-25T00:10", "2026-10-25T00:30"),
        (one("Europe/Berlin", [("02:00", "02:30")]), "2026-10-25T00:30", "2026-10-25T01:00"),
        (one("Europe/Berlin", [("02:00", "02:30")]), "2026-10-25T01:10", "2026-10-25T01:30"),
        (one("Europe/Berlin", [("01:30", "02:30")]), "2027-03-28T00:40", "2027-03-28T01:00"),
    ],
)
def test_when_it_changes_next(chosen: TimeInterval, now: str, expected: str | None) -> None:
    assert next_change_ms(chosen, at(now)) == (None if expected is None else at(expected))


minutes = st.tuples(st.integers(0, 96), st.integers(0, 96)).filter(lambda pair: pair[0] < pair[1])
spans = st.builds(
    Span,
    times=st.none() | st.lists(minutes.map(lambda pair: (pair[0] * 15, pair[1] * 15)), max_size=2).map(tuple),
    weekdays=st.none() | st.lists(st.integers(0, 6).map(lambda day: (day, min(day + 2, 6))), max_size=2).map(tuple),
    zone=st.sampled_from(["UTC", "Asia/Jakarta", "Europe/Berlin", "Australia/Lord_Howe"]).map(ZoneInfo),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(spans, max_size=2), st.integers(0, 4 * 400))
@example([Span(times=((120, 150),), zone=ZoneInfo("Europe/Berlin"))], 4 * 24 * 9)
def test_the_next_change_is_the_first(chosen: list[Span], quarters: int) -> None:
    """Against looking at each quarter of an hour, over a change of the clocks."""
    start = at("2026-10-16T00:00") + quarters * HOUR // 4
    whole = interval(*chosen)
    now = is_in(whole, start)
    steps = (start + number * HOUR // 4 for number in range(1, 4 * 24 * 8))
    expected = next((step for step in steps if is_in(whole, step) != now), None)
    found = next_change_ms(whole, start)
    assert (found if found is not None and found < start + 8 * 24 * HOUR else None) == expected


@pytest.mark.parametrize(
    ("times", "ranges"),
    [
        ([("9:00", "10:00")], {}),
        ([("09:00", "24:01")], {}),
        ([("10:00", "10:00")], {}),
        ([("22:00", "06:00")], {}),
        (None, {"weekdays": ["mon"]}),
        (None, {"weekdays": ["friday:monday"]}),
        (None, {"weekdays": ["monday:tuesday:friday"]}),
        (None, {"days_of_month": ["0"]}),
        (None, {"days_of_month": ["32"]}),
        (None, {"days_of_month": ["-32:-1"]}),
        (None, {"days_of_month": ["-3:5"]}),
        (None, {"days_of_month": ["-28:5"]}),
        (None, {"days_of_month": ["20:10"]}),
        (None, {"days_of_month": ["-1:-3"]}),
        (None, {"months": ["13"]}),
        (None, {"months": ["march:january"]}),
        (None, {"months": ["jan"]}),
        (None, {"years": ["2027:2026"]}),
        (None, {"years": ["MMXXVI"]}),
        (None, {"dates": ["2026-02-30"]}),
        (None, {"dates": ["2026-12-26:2026-12-24"]}),
    ],
)
def test_what_is_no_interval_is_refused(times: list[tuple[str, str]] | None, ranges: dict[str, list[str]]) -> None:
    with pytest.raises(BadInterval):
        span(times, "UTC", ranges)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Local", "../etc/passwd", "/etc/passwd", "Asia"])
def test_a_zone_is_one_of_the_database(zone: str) -> None:
    with pytest.raises(BadInterval, match="no time zone"):
        span(None, zone, {})


def test_an_hour_that_comes_twice_counts_twice() -> None:
    chosen = one("Europe/Berlin", [("02:00", "03:00")])
    first, second = (at("2026-10-25T02:30", "Europe/Berlin", fold) for fold in (0, 1))
    assert second - first == HOUR
    assert is_in(chosen, first)
    assert is_in(chosen, second)
    assert timedelta(milliseconds=(next_change_ms(chosen, first) or 0) - first) == timedelta(minutes=90)
