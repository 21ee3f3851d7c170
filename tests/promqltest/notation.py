"""How scripts write series: `name{label="value"} 1 2+3x4 _ stale`."""

import math
import re
from dataclasses import dataclass

from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.promql.quoting import unquote
from shared.promql.series_sets import Labels, labels_from

NATIVE = "native"
STALE = "stale"
Entry = float | str | None
"""A number, nothing (`_`), `STALE`, or `NATIVE` for a native histogram."""

_NUMBER = r"[+-]?(?:[iI][nN][fF]|[nN][aA][nN]|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_RUN = re.compile(rf"({_NUMBER})(?:([+-])({_NUMBER}))?x(\d+)")
_HISTOGRAM = re.compile(r"\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x(\d+))?", re.DOTALL)
_ITEM = re.compile(r"(?:\{\{.*?\}\}|[^\s{])+", re.DOTALL)
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
_PAIR = re.compile(rf"\s*({_QUOTED}|[^\W\d][\w.]*)\s*(?:=\s*({_QUOTED}))?\s*(?:,|$)")
_NAME = re.compile(r"[^\W\d:][\w:.]*|:[\w:.]*")


class BadScript(ValueError):
    """A line that is not of the scripts' language."""


@dataclass(frozen=True)
class Described:
    """A series and its values, one a step."""

    labels: Labels
    entries: tuple[Entry, ...]


def read_series(line: str) -> Described:
    """A whole line: the series, then its values."""
    labels, rest = read_labels(line.strip())
    return Described(labels, read_entries(rest))


def read_labels(text: str) -> tuple[Labels, str]:
    """The series at the beginning of the text, and what follows it."""
    labels: dict[str, str] = {}
    match = _NAME.match(text)
    if match:
        labels["__name__"] = match[0]
        text = text[match.end() :]
    if text.startswith("{") and not text.startswith("{{"):
        inner, text = _braces(text)
        _read_pairs(inner, labels)
    elif not match:
        raise BadScript(f"{text!r} does not begin with a series")
    return labels_from(labels), text


def _braces(text: str) -> tuple[str, str]:
    quote, at = "", 1
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\" and quote != "`":
                at += 1
            elif char == quote:
                quote = ""
        elif char in "\"'`":
            quote = char
        elif char == "}":
            return text[1:at], text[at + 1 :]
        at += 1
    raise BadScript(f"{text!r}: the brace is not closed")


def _read_pairs(text: str, labels: dict[str, str]) -> None:
    at = 0
    while text[at:].strip():
        pair = _PAIR.match(text, at)
        if pair is None:
            raise BadScript(f"{text!r} is no list of labels")
        quoted = pair[1][0] in "\"'`"
        name = unquote(pair[1]) if quoted else pair[1]
        if pair[2] is not None:
            labels[name] = unquote(pair[2])
        elif quoted:
            labels["__name__"] = name
        else:
            raise BadScript(f"label {name!r} has no value")
        at = pair.end()


def read_entries(text: str) -> tuple[Entry, ...]:
    """Values, runs expanded."""
    found: list[Entry] = []
    for item in _ITEM.findall(text):
        found += _expanded(item)
    return tuple(found)


def _expanded(item: str) -> list[Entry]:
    if item.startswith("{{"):
        histogram = _HISTOGRAM.fullmatch(item)
        if histogram is None:
            raise BadScript(f"{item!r} is no value")
        return [NATIVE] * (int(histogram[1] or 0) + 1)
    if item == "_":
        return [None]
    if item == "stale":
        return [STALE]
    if re.fullmatch(r"_x\d+", item):
        return [None] * int(item[2:])
    run = _RUN.fullmatch(item)
    if run is None:
        return [read_number(item)]
    first, step = float(run[1]), float(run[3] or 0) * (-1 if run[2] == "-" else 1)
    values: list[Entry] = [first]
    for _ in range(int(run[4])):
        first += step
        values.append(first)
    return values


def read_number(text: str) -> float:
    """A number as PromQL writes it."""
    if not re.fullmatch(_NUMBER, text):
        try:
            return float(int(text, 0))
        except ValueError:
            raise BadScript(f"{text!r} is no value") from None
    return float(text)


def read_duration(text: str) -> int:
    """Milliseconds; a bare number is seconds. May be negative."""
    text = text.strip()
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    try:
        return sign * parse_duration(text)
    except BadQuery:
        seconds = read_number(text)
        if math.isnan(seconds):
            raise BadScript(f"{text!r} is no duration") from None
        return sign * round(seconds * 1000)
