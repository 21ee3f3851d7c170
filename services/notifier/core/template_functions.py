"""The functions that Alertmanager has for templates, beside those of rules."""

import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote_plus

from services.notifier.core.go_time import Moment, zone_of
from shared.rules.templates.values import Duration, Struct, text_of

LONGEST_LIST = 10_000


class Safe(str):
    """Text that is markup already."""

    __slots__ = ()


def functions(now_ms: int) -> Mapping[str, Callable[..., object]]:
    """By name. They raise ValueError for arguments that they can't take."""
    return _FIXED | {"since": lambda moment: Duration((now_ms - _moment(moment).ms) * 1_000_000)}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("takes a text")
    return value


def _moment(value: object) -> Moment:
    if not isinstance(value, Moment):
        raise ValueError("takes an instant")
    return value


def _items(value: object) -> list[object]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError("takes a list")
    return list(value)


def _joined(separator: object, items: object) -> str:
    return _text(separator).join(text_of(one) for one in _items(items))


def _listed(*values: object) -> list[object]:
    if len(values) > LONGEST_LIST:
        raise ValueError(f"a list has at most {LONGEST_LIST} items")
    return list(values)


def _dictionary(*pairs: object) -> dict[str, object]:
    if len(pairs) % 2:
        raise ValueError("takes names and values in turn")
    return {_text(name): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _json(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items()}
        case Sequence():
            return [_plain(one) for one in value]
        case Moment():
            return value.Format("2006-01-02T15:04:05.999999999Z07:00")
        case Struct():
            return {name: _plain(getattr(value, name)) for name in sorted(value.seen)}
    return str(value)


_FIXED: dict[str, Callable[..., object]] = {
    "join": _joined,
    "trimSpace": lambda text: _text(text).strip(),
    "contains": lambda part, text: _text(part) in _text(text),
    "safeHtml": lambda text: Safe(_text(text)),
    "safeUrl": lambda text: _text(text),
    "urlUnescape": lambda text: unquote_plus(_text(text)),
    "stringSlice": _listed,
    "list": _listed,
    "append": lambda items, *more: _listed(*_items(items), *more),
    "dict": _dictionary,
    "date": lambda layout, moment: _moment(moment).Format(layout),
    "tz": lambda zone, moment: _moment(moment).In(zone_of(zone)),
    "toJson": _json,
}
FUNCTION_NAMES = frozenset({*_FIXED, "since"})
