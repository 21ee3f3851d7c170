"""Hours of the day that come back: `22:00 to 06:00 on weekdays`, in somebody's time zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
EVERY_DAY = frozenset(range(7))
# Somebody whose hours leave nothing over has no end of them: what asks for one is not to go on for ever.
MOST_SPANS = 100


@dataclass(frozen=True, slots=True)
class Hours:
    """From one minute of the day up to another, exclusive; over midnight if that is not later."""

    begins_minute: int
    ends_minute: int
    """At most 1440, which is midnight."""
    weekdays: frozenset[int] = EVERY_DAY
    """On which they begin; 0 is Monday."""

    @property
    def length_minutes(self) -> int:
        """By a clock that is not changed meanwhile."""
        return self.ends_minute - self.begins_minute + DAY_MINUTES * (self.ends_minute <= self.begins_minute)


def local_time(now_ms: int, zone: ZoneInfo) -> datetime:
    """What clocks in `zone` show, without a zone."""
    return (datetime.fromtimestamp(now_ms // 1000, UTC)).astimezone(zone).replace(tzinfo=None)


def instant_ms(local: datetime, zone: ZoneInfo) -> int:
    """When clocks in `zone` show `local`, as RFC 5545 (3.3.5) reads it: the first time if they do so twice; where they
    skip it, by the offset before that."""
    return round(local.replace(tzinfo=zone, fold=0).timestamp() * 1000)


def hours_until_ms(hours: Iterable[Hours], zone: ZoneInfo, now_ms: int) -> int | None:
    """The end of the unbroken time within any of `hours` that `now_ms` is in; None if it is in none."""
    chosen, end = tuple(hours), now_ms
    for _ in range(MOST_SPANS):
        later = max((until for since, until in _spans(chosen, zone, end) if since <= end < until), default=None)
        if later is None:
            break
        end = later
    return end if end > now_ms else None


def next_edge_ms(hours: Iterable[Hours], zone: ZoneInfo, now_ms: int) -> int | None:
    """When some of `hours` next begins or ends; None if there are none."""
    chosen = tuple(hours)
    edges = {edge for days in range(9) for edge in _edges(chosen, zone, now_ms + days * DAY_MINUTES * 60_000)}
    return min((edge for edge in edges if edge > now_ms), default=None)


def _edges(hours: tuple[Hours, ...], zone: ZoneInfo, around_ms: int) -> list[int]:
    return [edge for span in _spans(hours, zone, around_ms) for edge in span]


def _spans(hours: tuple[Hours, ...], zone: ZoneInfo, around_ms: int) -> list[tuple[int, int]]:
    """Those that may hold the instant."""
    today = local_time(around_ms, zone).date()
    days = [today + timedelta(days=number) for number in range(-2, 2)]
    return [_span(one, day, zone) for one in hours for day in days if day.weekday() in one.weekdays]


def _span(hours: Hours, day: date, zone: ZoneInfo) -> tuple[int, int]:
    begins = datetime.combine(day, time()) + timedelta(minutes=hours.begins_minute)
    return instant_ms(begins, zone), instant_ms(begins + timedelta(minutes=hours.length_minutes), zone)
