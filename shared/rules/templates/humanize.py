"""Numbers for people, as Prometheus' template functions write them."""

import math

from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.rules.templates.values import Duration, Time, float_text

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_MOST_NS = 2**63


def number_of(value: object) -> float:
    """The value as a number: texts are read, durations are seconds. ValueError if it is none."""
    match value:
        case bool() | None:
            pass
        case int() | float():
            return float(value)
        case Duration():
            return value.ns / 1e9
        case str():
            try:
                return float(value)
            except ValueError:
                raise ValueError(f'strconv.ParseFloat: parsing "{value}": invalid syntax') from None
    raise ValueError(f"can't convert {type(value).__name__} to float")


def four_digits(value: float) -> str:
    """`%.4g`."""
    return f"{value:.4g}" if math.isfinite(value) else float_text(value)


def humanize(value: object) -> str:
    """With a metric prefix."""
    number = number_of(value)
    if number == 0 or not math.isfinite(number):
        return four_digits(number)
    if abs(number) < 1:
        return _scaled_up(number)
    prefix = ""
    for larger in _LARGE:
        if abs(number) < 1000:
            break
        prefix, number = larger, number / 1000
    return four_digits(number) + prefix


def humanize1024(value: object) -> str:
    """With a binary prefix."""
    number = number_of(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return four_digits(number)
    prefix = ""
    for larger in _BINARY:
        if abs(number) < 1024:
            break
        prefix, number = larger, number / 1024
    return four_digits(number) + prefix


def humanize_duration(value: object) -> str:
    """Seconds as days, hours, minutes and seconds."""
    number = number_of(value)
    if not math.isfinite(number):
        return four_digits(number)
    if number == 0:
        return f"{four_digits(number)}s"
    if abs(number) < 1:
        return _scaled_up(number) + "s"
    sign, number = ("-", -number) if number < 0 else ("", number)
    minutes, seconds = divmod(int(number), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    return f"{sign}{minutes}m {seconds}s" if minutes else f"{sign}{four_digits(number)}s"


def humanize_percentage(value: object) -> str:
    """A ratio as percent."""
    return four_digits(number_of(value) * 100) + "%"


def humanize_timestamp(value: object) -> str:
    """Seconds since the epoch as date and time."""
    number = number_of(value)
    return str(to_time(number)) if math.isfinite(number) else four_digits(number)


def to_time(value: object) -> Time:
    """The instant of seconds since the epoch. ValueError if it has none."""
    number = number_of(value)
    if not math.isfinite(number):
        raise ValueError("value is NaN or Inf")
    if not -_MOST_NS <= number * 1e9 < _MOST_NS:
        raise ValueError(
            f"{float_text(number)} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )
    return Time(int(number * 1e9) // 1_000_000)


def to_duration(value: object) -> Duration:
    """A span of seconds. ValueError if it has none."""
    number = number_of(value)
    if not math.isfinite(number):
        raise ValueError("value is NaN or Inf")
    if not -_MOST_NS <= number * 1e9 < _MOST_NS:
        raise ValueError(
            f"{float_text(number)} cannot be represented as a nanoseconds duration since it overflows int64"
        )
    return Duration(int(number * 1e9))


def duration_seconds(text: str) -> float:
    """Seconds of a PromQL duration. ValueError if it is none."""
    sign = -1 if text.startswith("-") else 1
    try:
        return sign * parse_duration(text.removeprefix("-")) / 1000
    except BadQuery as error:
        raise ValueError(str(error)) from error


def _scaled_up(number: float) -> str:
    prefix = ""
    for smaller in _SMALL:
        if abs(number) >= 1:
            break
        prefix, number = smaller, number * 1000
    return four_digits(number) + prefix
