"""How scripts write series: `name{label="value"} 1 2+3x4 _ stale`."""

import math
import re
from dataclasses import dataclass

from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.promql.prepass import Token, tokens_of
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
        try:
            tokens = tokens_of(inner)
        except BadQuery as error:
            raise BadScript(f"{inner!r}: {error}") from error
        _read_pairs(tokens, labels)
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


def _read_pairs(tokens: list[Token], labels: dict[str, str]) -> None:
    at = 0
    while at < len(tokens):
        name = unquote(tokens[at].text) if tokens[at].kind == "string" else tokens[at].text
        if at + 2 < len(tokens) and tokens[at + 1].text == "=":
            labels[name] = unquote(tokens[at + 2].text)
            at += 3
        elif tokens[at].kind == "string":
            labels["__name__"] = name
            at += 1
        else:
            raise BadScript(f"label {name!r} has no value")
        if at < len(tokens) and tokens[at].text != ",":
            raise BadScript(f"{tokens[at].text!r} stands where ',' should")
        at += 1


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
