"""Times of the week and of the year, in some time zone: when routes are muted or active, when silences recur.

Alertmanager's time intervals, and `dates` for holidays. What is given restricts: a span with weekdays and times is on
at these times of these days. The wall clock of the zone decides, so an hour that comes twice in autumn counts twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
DAY_MS = 86_400_000
DAY = timedelta(days=1)
MIDNIGHT = time()
# How far ahead a change is looked for.
HORIZON_DAYS = 3 * 366
UTC = ZoneInfo("UTC")

Ranges = tuple[tuple[int, int], ...]
"""Each from and to; both belong to it, but for times of the day, where the end does not."""


@dataclass(frozen=True)
class Span:
    """One set of restrictions; None restricts nothing, an empty tuple everything."""

    times: Ranges | None = None
    """Minutes of the day, the end excluded: 22:00 to 24:00 is (1320, 1440)."""
    weekdays: Ranges | None = None
    """0 is Sunday, as in Alertmanager."""
    days_of_month: Ranges | None = None
    """1 to 31, or from the month's end: -1 is its last day."""
    months: Ranges | None = None
    years: Ranges | None = None
    dates: tuple[tuple[date, date], ...] | None = None
    zone: ZoneInfo = UTC

    def is_on(self, now_ms: int) -> bool:
        """Whether the instant (ms) belongs to it."""
        moment = datetime.fromtimestamp(now_ms // 1000, self.zone)
        day, minute = moment.date(), moment.hour * 60 + moment.minute
        return (
            (self.times is None or any(begin <= minute < end for begin, end in self.times))
            and _within(self.weekdays, day.isoweekday() % 7)
            and (self.days_of_month is None or _is_day_of_month(self.days_of_month, day))
            and _within(self.months, day.month)
            and _within(self.years, day.year)
            and (self.dates is None or any(first <= day <= last for first, last in self.dates))
        )

    def boundaries(self, start_ms: int, end_ms: int) -> Iterator[int]:
        """The instants at which it may begin or end, between these two, which are about a day apart; some are beyond
        them."""
        day, last = (datetime.fromtimestamp(one // 1000, self.zone).date() for one in (start_ms, end_ms))
        minutes = {0} | {minute for span in self.times or () for minute in span}
        while day <= last:
            for minute in minutes:
                wall = datetime.combine(day, MIDNIGHT, self.zone) + timedelta(minutes=minute)
                for fold in (0, 1):
                    yield round(wall.replace(fold=fold).timestamp()) * 1000
            day += DAY
        yield from _clock_change(self.zone, start_ms, end_ms)


@dataclass(frozen=True)
class TimeInterval:
    """Spans under one name; it is on while one of them is."""

    name: str
    spans: tuple[Span, ...]


def is_in(interval: TimeInterval, now_ms: int) -> bool:
    """Whether the interval is on at that instant (ms)."""
    return any(span.is_on(now_ms) for span in interval.spans)


def next_change_ms(interval: TimeInterval, now_ms: int) -> int | None:
    """The first instant (ms) after `now_ms` at which the interval begins or ends; None if there is none within three
    years."""
    is_on = is_in(interval, now_ms)
    for number in range(HORIZON_DAYS):
        start, end = now_ms + number * DAY_MS, now_ms + (number + 1) * DAY_MS
        instants = {instant for span in interval.spans for instant in span.boundaries(start, end)}
        for instant in sorted(one for one in instants if start < one <= end):
            if is_in(interval, instant) != is_on:
                return instant
    return None


def _within(ranges: Ranges | None, number: int) -> bool:
    return ranges is None or any(first <= number <= last for first, last in ranges)


def _is_day_of_month(ranges: Ranges, day: date) -> bool:
    """Ranges that reach beyond the month's days are cut off there; one that begins beyond them is left out."""
    first_of_month = day.replace(day=1)
    length = ((first_of_month + 31 * DAY).replace(day=1) - first_of_month).days
    for first, last in ranges:
        begin, end = (one + length + 1 if one < 0 else one for one in (first, last))
        if begin <= length and begin <= day.day <= end:
            return True
    return False


def _clock_change(zone: ZoneInfo, start_ms: int, end_ms: int) -> Iterator[int]:
    """The instant between the two at which the zone's clocks are put forward or back, if they are."""
    before, after = start_ms // MINUTE_MS, end_ms // MINUTE_MS
    if _offset(zone, before) == _offset(zone, after):
        return
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == _offset(zone, before):
            before = middle
        else:
            after = middle
    yield after * MINUTE_MS


def _offset(zone: ZoneInfo, minute: int) -> timedelta | None:
    return datetime.fromtimestamp(minute * 60, zone).utcoffset()
