"""Go's layouts of time: `2006-01-02 15:04:05` says how an instant is written."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import ClassVar
from zoneinfo import ZoneInfo

from shared.rules.templates.values import Duration, Struct

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_370_764_800_000
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_PARTS = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|Z07:00|Z0700|-07:00|-0700|-07|[.,]0+|[.,]9+|01|02|03|04|05|06|002|15|PM|pm|_2|[12345]"
)


class Moment(Struct):
    """An instant in a zone."""

    called: ClassVar[frozenset[str]] = frozenset({"Format", "UTC", "Local", "Unix", "In", "Sub", "Add"})

    def __init__(self, ms: int, zone: tzinfo = UTC) -> None:
        self.ms, self.zone = min(max(ms, 0), _LAST_MS), zone

    def __str__(self) -> str:
        return self.Format("2006-01-02 15:04:05.999999999 -0700 MST")

    @property
    def _when(self) -> datetime:
        return (_EPOCH + timedelta(milliseconds=self.ms)).astimezone(self.zone)

    def Format(self, layout: object) -> str:  # noqa: N802 - Go's name
        """The instant in Go's layout."""
        if not isinstance(layout, str):
            raise ValueError("a layout is a text")
        when = self._when
        return _PARTS.sub(lambda found: _written(found[0], when), layout)

    def UTC(self) -> "Moment":  # noqa: N802 - Go's name
        """The same in UTC."""
        return Moment(self.ms)

    def Local(self) -> "Moment":  # noqa: N802 - Go's name
        """The same as it is: the zone is the installation's."""
        return self

    def In(self, zone: object) -> "Moment":  # noqa: N802 - Go's name
        """The same in another zone."""
        return Moment(self.ms, zone if isinstance(zone, tzinfo) else zone_of(zone))

    def Unix(self) -> int:  # noqa: N802 - Go's name
        """Seconds since the epoch."""
        return self.ms // 1000

    def Sub(self, other: object) -> Duration:  # noqa: N802 - Go's name
        """The span since another instant."""
        if not isinstance(other, Moment):
            raise ValueError("only an instant can be subtracted")
        return Duration((self.ms - other.ms) * 1_000_000)

    def Add(self, span: object) -> "Moment":  # noqa: N802 - Go's name
        """The instant after a span."""
        if not isinstance(span, Duration):
            raise ValueError("only a duration can be added")
        return Moment(self.ms + span.ns // 1_000_000, self.zone)


def zone_of(name: object) -> ZoneInfo:
    """The zone of that name. ValueError if there is none."""
    try:
        return ZoneInfo(str(name))
    except (OSError, ValueError, KeyError):
        raise ValueError(f"there is no time zone {str(name)[:80]!r}") from None


def _written(part: str, when: datetime) -> str:
    hour = when.hour % 12 or 12
    shown: dict[str, object] = {
        "January": _MONTHS[when.month - 1],
        "Jan": _MONTHS[when.month - 1][:3],
        "Monday": _WEEKDAYS[when.weekday()],
        "Mon": _WEEKDAYS[when.weekday()][:3],
        "MST": when.tzname(),
        "2006": f"{when.year:04d}",
        "06": f"{when.year % 100:02d}",
        "01": f"{when.month:02d}",
        "1": when.month,
        "02": f"{when.day:02d}",
        "_2": f"{when.day:2d}",
        "2": when.day,
        "002": f"{when.timetuple().tm_yday:03d}",
        "15": f"{when.hour:02d}",
        "03": f"{hour:02d}",
        "3": hour,
        "04": f"{when.minute:02d}",
        "4": when.minute,
        "05": f"{when.second:02d}",
        "5": when.second,
        "PM": "PM" if when.hour >= 12 else "AM",
        "pm": "pm" if when.hour >= 12 else "am",
    }
    if part in shown:
        return str(shown[part])
    if part[0] in ".,":
        digits = f"{when.microsecond:06d}000"[: len(part) - 1]
        if part[1] == "9":
            digits = digits.rstrip("0")
        return part[0] + digits if digits else ""
    return _offset(part, when)


def _offset(part: str, when: datetime) -> str:
    seconds = round((when.utcoffset() or timedelta()).total_seconds())
    if part[0] == "Z" and seconds == 0:
        return "Z"
    sign, (hours, minutes) = "-" if seconds < 0 else "+", divmod(abs(seconds) // 60, 60)
    if part == "-07":
        return f"{sign}{hours:02d}"
    return f"{sign}{hours:02d}{':' if ':' in part else ''}{minutes:02d}"
