"""Functions of single values: mathematics, rounding, calendar."""

from collections.abc import Callable

import numpy as np

from shared.promql.series_sets import Ints
from shared.promql.values import Floats

_DAY = 86_400


def _sign(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


SIMPLE: dict[str, Callable[[Floats], Floats]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "rad": lambda values: values * (np.pi / 180),
    "deg": lambda values: values * (180 / np.pi),
    "sgn": _sign,
}


def rounded(values: Floats, to_nearest: Floats) -> Floats:
    """To the nearest multiple, ties upwards."""
    inverse = 1.0 / to_nearest
    return np.floor(values * inverse + 0.5) / inverse


def clamped(values: Floats, lowest: Floats, highest: Floats) -> Floats:
    """Within the bounds; NaN where a bound is."""
    return np.maximum(lowest, np.minimum(highest, values))


CALENDAR = frozenset({"year", "month", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute"})
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799  # the years 1 to 9999


def calendar(name: str, seconds: Floats) -> Floats:
    """A part of the UTC date and time; NaN for what is no second of the years 1 to 9999."""
    known = (seconds >= _EARLIEST) & (seconds <= _LATEST)
    whole = np.where(known, np.trunc(seconds), 0.0).astype(np.int64)
    return np.where(known, _part(name, whole).astype(np.float64), np.nan)


def _part(name: str, seconds: Ints) -> Ints:
    if name == "minute":
        return seconds % 3600 // 60
    if name == "hour":
        return seconds % _DAY // 3600
    days = seconds // _DAY
    if name == "day_of_week":
        return (days + 4) % 7  # the first day of 1970 was a Thursday
    date = days.astype("datetime64[D]")
    month, year = date.astype("datetime64[M]"), date.astype("datetime64[Y]")
    match name:
        case "year":
            return year.astype(np.int64) + 1970
        case "month":
            return month.astype(np.int64) % 12 + 1
        case "day_of_month":
            days = (date - month.astype("datetime64[D]")).astype(np.int64) + 1
        case "day_of_year":
            days = (date - year.astype("datetime64[D]")).astype(np.int64) + 1
        case "days_in_month":
            days = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64)
    return days
