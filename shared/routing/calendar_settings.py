"""Hours, days and time zones, as section `notifications` of `pantau.yaml` writes them."""

import re
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shared.routing.hours import DAY_MINUTES, EVERY_DAY, Hours
from shared.settings import Section

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


def minute_of(text: str) -> int:
    """Minutes since midnight of `22:00`. ValueError if it is not of this form."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None or int(match[2]) > 59:
        raise ValueError(f"{text[:20]!r} is no time of the day, such as 22:00")
    return int(match[1]) * 60 + int(match[2])


def weekday_of(text: str) -> int:
    """0 for `Mon` or `monday`. ValueError if it is no day of the week."""
    found = [number for number, name in enumerate(WEEKDAYS) if len(text) >= 3 and name.startswith(text.strip().lower())]
    if len(found) != 1:
        raise ValueError(f"{text[:20]!r} is no day of the week, such as Mon or monday")
    return found[0]


def _minute(value: Any) -> Any:
    return minute_of(value) if isinstance(value, str) else value  # YAML reads an unquoted 22:00 as 22 * 60


def _weekdays(value: Any) -> Any:
    """Names and, as Alertmanager writes them, ranges: `monday:friday`."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("expected a list of days of the week, such as [Mon, Wed] or [monday:friday]")
    days: set[int] = set()
    for text in value:
        first, _, last = text.partition(":")
        begin = weekday_of(first)
        days |= {(begin + number) % 7 for number in range((weekday_of(last or first) - begin) % 7 + 1)}
    return days


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name[:80]!r} is not a time zone, such as Asia/Jakarta") from None
    return name


Zone = Annotated[str, AfterValidator(_is_zone)]
Minute = Annotated[int, BeforeValidator(_minute), Field(ge=0, le=DAY_MINUTES)]
Weekdays = Annotated[frozenset[int], BeforeValidator(_weekdays), Field(min_length=1)]


class HoursSettings(Section):
    """Hours of the day."""

    begins: Minute = Field(alias="from")
    """Such as `22:00`."""
    ends: Minute = Field(alias="to")
    """Such as `06:00`; at or before `from` it is that of the next day. Midnight is `24:00`."""
    weekdays: Weekdays = EVERY_DAY
    """The days on which they begin: `[Mon, Tue]` or `[monday:friday]`; absent: each day."""

    @model_validator(mode="after")
    def _begins_in_the_day(self) -> Self:
        if self.begins == DAY_MINUTES:
            raise ValueError("from: the day begins at 00:00")
        return self

    def hours(self) -> Hours:
        """The hours."""
        return Hours(self.begins, self.ends, self.weekdays)
