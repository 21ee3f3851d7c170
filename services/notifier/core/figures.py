"""Numbers, instants and spans of time as people read them."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal

from services.notifier.core.phrases import Phrases

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_WIDEST = 1e15
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60
# Beyond these Python has no date; a message may hold any number.
_FIRST_MS, _LAST_MS = 0, 253_370_764_800_000


def number(value: float, phrases: Phrases) -> str:
    """Four digits that count, or all of them before the point."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+∞" if value > 0 else "-∞"
    size = abs(value)
    if size >= _WIDEST or 0 < size < 1e-4:
        return f"{value:.4g}"
    digits = 0 if size >= 1_000 else max(3 - math.floor(math.log10(size)), 0) if size else 0
    shown = format_decimal(round(value, digits), format=f"#,##0.{'#' * digits}", locale=phrases.locale)
    return "0" if shown == "-0" else shown


def quantity(value: float, unit: str, phrases: Phrases) -> str:
    """`value` with its unit: `percent`, `ratio`, `bytes`, `seconds`, `rupiah`, or a symbol as it is."""
    if not math.isfinite(value):
        return number(value, phrases)
    match unit:
        case "":
            return number(value, phrases)
        case "percent":
            return f"{number(value, phrases)}%"
        case "ratio":
            return f"{number(value * 100, phrases)}%"
        case "bytes" | "bytes/s":
            return _bytes(value, phrases) + unit.removeprefix("bytes")
        case "seconds" if abs(value) >= _MINUTE:
            return ("-" if value < 0 else "") + duration(abs(value) * 1000, phrases)
        case "seconds" if abs(value) < 1:
            return f"{number(value * 1000, phrases)} ms"
        case "seconds":
            return f"{number(value, phrases)} {phrases.units_of_time[3]}"
        case "rupiah":
            return phrases.rupiah.format(number(round(value), phrases))
    return f"{number(value, phrases)} {unit}"


def duration(ms: float, phrases: Phrases) -> str:
    """The two largest units of a span: `1 h 5 min`."""
    seconds = max(round(ms / 1000), 0)
    parts: list[tuple[int, str]] = []
    for size, name in zip((_DAY, _HOUR, _MINUTE, 1), phrases.units_of_time, strict=True):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append((count, name))
    shown = [f"{count} {name}" for count, name in parts[:2] if count]
    return " ".join(shown) or f"0 {phrases.units_of_time[3]}"


def instant(ms: int, zone: ZoneInfo, phrases: Phrases) -> str:
    """Day, date, time and zone."""
    moment = _moment(ms, zone)
    # The zone's own short name: CLDR has WIB in Bahasa Indonesia only.
    return f"{format_datetime(moment, phrases.date_time, locale=phrases.locale)} {moment.tzname()}"


def time_of_day(ms: int, zone: ZoneInfo, phrases: Phrases, now_ms: int) -> str:
    """The time; with the day where it is not the day of `now_ms`."""
    moment = _moment(ms, zone)
    same_day = moment.date() == _moment(now_ms, zone).date()
    return format_datetime(moment, phrases.time if same_day else f"d MMM {phrases.time}", locale=phrases.locale)


def _moment(ms: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=min(max(ms, _FIRST_MS), _LAST_MS))).astimezone(zone)


def _bytes(value: float, phrases: Phrases) -> str:
    step = 0
    while abs(value) >= 1024 and step < len(_BINARY) - 1:
        value, step = value / 1024, step + 1
    return f"{number(value, phrases)} {_BINARY[step]}"
