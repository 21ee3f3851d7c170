"""What templates work on, beside texts, numbers, lists and mappings; and what Go calls and prints them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

# Go's strconv takes precision 6 to decide on the exponent where digits are the shortest.
EXPONENT_FROM = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """One element of a query's result."""

    Labels: Mapping[str, str]
    Value: float


@dataclass(frozen=True)
class Data:
    """What an alert's template is given."""

    Labels: Mapping[str, str]
    ExternalLabels: Mapping[str, str]
    ExternalURL: str
    Value: float


@dataclass(frozen=True)
class Time:
    """An instant, in ms since the epoch."""

    ms: int

    def __str__(self) -> str:
        moment = _EPOCH + timedelta(milliseconds=self.ms)
        fraction = f".{self.ms % 1000:03d}".rstrip("0") if self.ms % 1000 else ""
        return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


@dataclass(frozen=True)
class Duration:
    """A span, in nanoseconds."""

    ns: int

    def __str__(self) -> str:
        left = abs(self.ns)
        if left == 0:
            return "0s"
        sign = "-" if self.ns < 0 else ""
        for unit, length in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
            if left < 1_000 * length:
                return f"{sign}{_plain(Decimal(left) / length)}{unit}"
        minutes, rest = divmod(left, 60_000_000_000)
        hours, minutes = divmod(minutes, 60)
        seconds = f"{_plain(Decimal(rest) / 1_000_000_000)}s"
        if hours:
            return f"{sign}{hours}h{minutes}m{seconds}"
        return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Struct:
    """A value with fields and methods that templates see, as Go's have."""

    seen: ClassVar[frozenset[str]] = frozenset()
    """The names of the fields."""
    called: ClassVar[frozenset[str]] = frozenset()
    """The names of the methods. They raise ValueError for arguments that they can't take."""


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (str, "string"),
    (Time, "time.Time"),
    (Duration, "time.Duration"),
    (Sample, "*template.sample"),
    (Mapping, "map[string]string"),
    (Sequence, "template.queryResult"),
)


def kind_of(value: object) -> str:
    """The name of the value's type in Go."""
    if value is None:
        return "nil"
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "struct")


def is_true(value: object) -> bool:
    """What `if` makes of it: empty values are false."""
    if isinstance(value, Duration):
        return value.ns != 0
    if value is None or isinstance(value, bool | int | float | str | Mapping | Sequence):
        return bool(value)
    return True


def text_of(value: object) -> str:
    """What is written of a value: Go's `%v`."""
    match value:
        case None:
            return "<no value>"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return float_text(value)
        case Sample() | Data():
            return "{" + " ".join(text_of(getattr(value, one.name)) for one in fields(value)) + "}"
        case Mapping():
            return "map[" + " ".join(f"{key}:{text_of(value[key])}" for key in sorted(value)) + "]"
        case Sequence():
            return "[" + " ".join(text_of(one) for one in value) + "]"
    return str(value)


def float_text(value: float) -> str:
    """A float as Go's `%v` has it: the shortest digits, with an exponent below 1e-4 and from 1e6 on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    power = len(digits) - 1 + exponent
    text = "".join(map(str, digits))
    minus = "-" if sign else ""
    if power < -4 or power >= EXPONENT_FROM:
        fraction = f".{text[1:]}" if len(text) > 1 else ""
        return f"{minus}{text[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return minus + _plain(Decimal(f"{text}e{exponent}"))
