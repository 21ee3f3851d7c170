"""Functions of Go's template language itself; `and` and `or` are the evaluator's, for they stop early."""

import html
import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote_plus

from shared.rules.templates.formatting import sprintf
from shared.rules.templates.values import Data, Duration, Sample, Time, is_true, kind_of, text_of


def _same_kind(one: object, other: object) -> bool:
    return kind_of(one) == kind_of(other)


def equal(first: object, *others: object) -> bool:
    """Whether the first is equal to any of the others. ValueError for kinds that can't be compared."""
    if not others:
        raise ValueError("missing argument for comparison")
    for other in others:
        if first is None or other is None:
            if first is other:
                return True
            continue
        for one in (first, other):
            if isinstance(one, Mapping | Sample | Data) or (isinstance(one, Sequence) and not isinstance(one, str)):
                raise ValueError(f"non-comparable type {text_of(one)}: {kind_of(one)}")
        if not _same_kind(first, other):
            raise ValueError("incompatible types for comparison")
        if first == other:
            return True
    return False


def less(one: object, other: object) -> bool:
    """Whether one number or text comes before another of its kind. ValueError for others."""
    if not _same_kind(one, other):
        raise ValueError("incompatible types for comparison")
    match one, other:
        case (bool(), _):
            pass
        case (int() | float(), int() | float()) | (str(), str()):
            return bool(one < other)  # type: ignore[operator]
        case (Duration(), Duration()):
            return one.ns < other.ns
        case (Time(), Time()):
            return one.ms < other.ms
    raise ValueError("invalid type for comparison")


def _less_or_equal(one: object, other: object) -> bool:
    return less(one, other) or equal(one, other)


def _greater(one: object, other: object) -> bool:
    return not _less_or_equal(one, other)


def _greater_or_equal(one: object, other: object) -> bool:
    return not less(one, other)


def _length(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping | Sequence):
        return len(value)
    raise ValueError(f"len of type {kind_of(value)}")


def _index(value: object, *keys: object) -> object:
    for key in keys:
        if isinstance(value, Mapping):
            if not isinstance(key, str):
                raise ValueError(f"value has type {kind_of(key)}; should be string")
            value = value.get(key, "")
        elif isinstance(value, Sequence):
            place = _place(key)
            if place >= _length(value):
                raise ValueError(f"index out of range: {place}")
            value = value.encode()[place] if isinstance(value, str) else value[place]
        else:
            raise ValueError(f"can't index item of type {kind_of(value)}")
    return value


def _slice(value: object, *bounds: object) -> object:
    if not isinstance(value, Sequence):
        raise ValueError(f"can't slice item of type {kind_of(value)}")
    if len(bounds) > 2:
        raise ValueError(f"too many slice indexes: {len(bounds)}")
    size = _length(value)
    start, end = [*map(_place, bounds), *(0, size)[len(bounds) :]]
    if not start <= end <= size:
        raise ValueError(f"invalid slice index: {start} > {end}" if start > end else f"index out of range: {end}")
    return value.encode()[start:end].decode(errors="replace") if isinstance(value, str) else value[start:end]


def _place(key: object) -> int:
    if isinstance(key, bool) or not isinstance(key, int):
        raise ValueError(f"cannot index slice/array with type {kind_of(key)}")
    if key < 0:
        raise ValueError(f"index out of range: {key}")
    return key


def _print(*values: object) -> str:
    """Go's Sprint: spaces only between two values that are no texts."""
    text = ""
    for place, value in enumerate(values):
        if place and not isinstance(value, str) and not isinstance(values[place - 1], str):
            text += " "
        text += _shown(value)
    return text


def _shown(value: object) -> str:
    return "<nil>" if value is None else text_of(value)


def _printf(form: object, *values: object) -> str:
    if not isinstance(form, str):
        raise ValueError(f"wrong type for value; expected string; got {kind_of(form)}")
    return sprintf(form, values)


def _call(function: object, *_: object) -> object:
    raise ValueError(f"non-function of type {kind_of(function)}")


BUILTIN_FUNCTIONS: dict[str, Callable[..., object]] = {
    "not": lambda value: not is_true(value),
    "eq": equal,
    "ne": lambda one, other: not equal(one, other),
    "lt": less,
    "le": _less_or_equal,
    "gt": _greater,
    "ge": _greater_or_equal,
    "len": _length,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "printf": _printf,
    "println": lambda *values: " ".join(map(_shown, values)) + "\n",
    "html": lambda *values: html.escape(_print(*values)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "js": lambda *values: json.dumps(_print(*values))[1:-1].replace("'", "\\'"),
    "urlquery": lambda *values: quote_plus(_print(*values)),
    "call": _call,
}
