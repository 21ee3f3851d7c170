"""Time intervals from text: `monday:friday`, `-3:-1`, `22:00` to `24:00`, `2026-12-24:2026-12-26`."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.routing.errors import BadInterval
from shared.routing.intervals import Span

RANGES = ("weekdays", "days_of_month", "months", "years", "dates")
KEYS = ("times", *RANGES, "location")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|(24):(00)")
_NUMBER = re.compile(r"[+-]?\d{1,9}")
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
SHORTEST_MONTH = 28


def span(
    times: Iterable[tuple[str, str]] | None,
    location: str | None,
    ranges: Mapping[str, Iterable[str]],
) -> Span:
    """The span of these texts; `ranges` may have weekdays, days_of_month, months, years and dates. BadInterval with
    what is wrong."""
    readers: dict[str, Callable[[str], tuple[int, int]]] = {
        "weekdays": _weekdays,
        "days_of_month": _days_of_month,
        "months": _months,
        "years": _years,
    }
    read = {key: tuple(map(readers[key], texts)) for key, texts in ranges.items() if key in readers}
    return Span(
        times=None if times is None else tuple(_times(start, end) for start, end in times),
        weekdays=read.get("weekdays"),
        days_of_month=read.get("days_of_month"),
        months=read.get("months"),
        years=read.get("years"),
        dates=tuple(map(_dates, ranges["dates"])) if "dates" in ranges else None,
        zone=zone(location or "UTC"),
    )


def zone(name: str) -> ZoneInfo:
    """The time zone. BadInterval if there is none of this name."""
    try:
        if name.lower() != "local":  # a server's zone is nothing that two of them share
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise BadInterval(f"there is no time zone {name[:60]!r}: write its name in the tz database, e.g. Asia/Jakarta")


def minute_of_day(text: str) -> int:
    """Minutes since midnight of `HH:MM`, up to 24:00. BadInterval otherwise."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise BadInterval(f"{text[:20]!r} is no time of the day: write HH:MM, from 00:00 to 24:00")
    hour, minute = (int(one) for one in found.groups() if one is not None)
    return hour * 60 + minute


def _times(start: str, end: str) -> tuple[int, int]:
    begin, finish = minute_of_day(start), minute_of_day(end)
    if begin >= finish:
        raise BadInterval(f"{start} is not before {end}: a time over midnight is two, until 24:00 and from 00:00")
    return begin, finish


def _weekdays(text: str) -> tuple[int, int]:
    return _in_order(text, *_range(text, lambda one: _named(one, _WEEKDAYS, 0, "weekday")))


def _months(text: str) -> tuple[int, int]:
    first, last = _range(text, _month)
    if not (1 <= first <= 12 and 1 <= last <= 12):
        raise BadInterval(f"{text[:40]!r}: months are january to december, or 1 to 12")
    return _in_order(text, first, last)


def _month(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else _named(text, _MONTHS, 1, "month")


def _years(text: str) -> tuple[int, int]:
    return _in_order(text, *_range(text, lambda one: _number(one, "year")))


def _days_of_month(text: str) -> tuple[int, int]:
    first, last = _range(text, lambda one: _number(one, "day of the month"))
    for one in (first, last):
        if one == 0 or not -31 <= one <= 31:
            raise BadInterval(f"{text[:40]!r}: days of the month are 1 to 31, or -1 (the last) to -31")
    if first < 0 < last:
        raise BadInterval(f"{text[:40]!r}: where the first day is counted from the month's end, the last is too")
    # In the shortest month; where it depends on the month's length, it is cut off there.
    begin, end = (SHORTEST_MONTH + one if one < 0 else one for one in (first, last))
    _in_order(text, begin, end)
    return first, last


def _dates(text: str) -> tuple[date, date]:
    first, _, last = text.partition(":")
    try:
        begin = date.fromisoformat(first.strip())
        end = date.fromisoformat(last.strip()) if last else begin
    except ValueError as error:
        raise BadInterval(f"{text[:40]!r} is no date: write 2026-12-25, or 2026-12-24:2026-12-26") from error
    if begin > end:
        raise BadInterval(f"{text[:40]!r} ends before it begins")
    return begin, end


def _range(text: str, read: Callable[[str], int]) -> tuple[int, int]:
    parts = text.lower().split(":")
    if len(parts) > 2:
        raise BadInterval(f"{text[:40]!r} is no range: write FROM:TO")
    return read(parts[0]), read(parts[-1])


def _in_order(text: str, first: int, last: int) -> tuple[int, int]:
    if first > last:
        raise BadInterval(f"{text[:40]!r} ends before it begins: write two ranges")
    return first, last


def _named(text: str, names: tuple[str, ...], first: int, what: str) -> int:
    if text not in names:
        raise BadInterval(f"{text[:40]!r} is no {what}: there are {', '.join(names)}")
    return names.index(text) + first


def _number(text: str, what: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadInterval(f"{text[:40]!r} is no {what}")
    return int(text)
