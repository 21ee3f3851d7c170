"""One line of an exposition: the series as it is written there, its labels, the value, the time.

The grammars are those of Prometheus' lexers (`model/textparse`): the classic text format is lenient about white space,
OpenMetrics is not.
"""

import math
import re
from typing import NamedTuple

from services.collector.core.scrape.errors import BadScrape
from shared.messages.series import NAME

# Possessive throughout: a line is read once, whatever it holds.
_NAME = r"((?:[a-zA-Z_:][a-zA-Z0-9_:]*+)?+)"
_BRACES = r'\{((?:[^"{}\n]|"(?:[^"\\\n]|\\.)*+")*+)\}'
_CLASSIC = re.compile(rf"[ \t]*+{_NAME}[ \t]*+(?:{_BRACES})?+[ \t]*+([^\s{{]+)(?:[ \t]+(\d+))?[ \t]*", re.ASCII)
_EXEMPLAR = rf" # {_BRACES} ([^ ]+)(?: ([^ ]+))?"
_OPENMETRICS = re.compile(rf"{_NAME}(?:{_BRACES})?+ ([^ ]+)(?: ([^# ][^ ]*))?(?:{_EXEMPLAR})?", re.ASCII)

_PAIR = re.compile(
    r'[ \t]*+(?:([a-zA-Z_][a-zA-Z0-9_]*+)|"((?:[^"\\]|\\.)*+)")[ \t]*+(?:=[ \t]*+"((?:[^"\\]|\\.)*+)")?+[ \t]*+(,?)',
    re.ASCII,
)
_ESCAPE = re.compile(r'\\([\\n"])')

LONGEST_SHOWN = 120


class Line(NamedTuple):
    """A line that holds a sample."""

    text: str
    """The series as it is written: the same text, the same series."""
    name: str
    braces: str | None
    """What stands between the braces."""
    value: str
    time_ms: int | None

    def labels(self) -> dict[str, str]:
        """The labels, `__name__` among them. BadScrape if they are none."""
        return labels_of(self.name, self.braces or "", self.text)


def read(line: str, openmetrics: bool) -> Line:
    """The sample in `line`. BadScrape, reason `parse`, if there is none."""
    found = (_OPENMETRICS if openmetrics else _CLASSIC).fullmatch(line)
    if found is None or not (found[1] or found[2]):
        raise BadScrape("parse", f"not a sample: {shown(line)}")
    if openmetrics and found[5] is not None:
        _check_exemplar(found, line)
    stamp = found[4]
    time_ms = None if stamp is None else _seconds(stamp, line) if openmetrics else int(stamp[:18])
    return Line(line[: found.start(3)].rstrip(" \t"), found[1], found[2], found[3], time_ms)


def labels_of(name: str, braces: str, text: str) -> dict[str, str]:
    """The labels between braces, with `__name__`. BadScrape if they can't be read, or one is there twice."""
    labels = {NAME: name} if name else {}
    position = 0
    while position < len(braces) and (pair := _PAIR.match(braces, position)):
        label, quoted, value, comma = pair.groups()
        if value is None:
            if quoted is None or NAME in labels:
                break
            label, value = NAME, quoted
        elif label is None:
            label = _unescaped(quoted)
        if label in labels:
            raise BadScrape("parse", f"label {label[:80]!r} is there twice: {shown(text)}")
        labels[label] = _unescaped(value)
        position = pair.end()
        if not comma:
            break
    if braces[position:].strip(" \t") or NAME not in labels:
        raise BadScrape("parse", f"labels can't be read: {shown(text)}")
    return labels


def numbers(values: list[str]) -> list[float]:
    """What `values` say, as Go reads numbers. BadScrape naming the first that is none."""
    joined = ",".join(values)
    if not joined.isprintable():  # tabs before a value are legal, and what else Python would overlook is not
        values = [value.strip(" \t") for value in values]
        joined = ",".join(values)
    try:
        if "_" in joined or not joined.isascii() or not joined.isprintable():
            raise ValueError
        return list(map(float, values))
    except ValueError:
        raise BadScrape("parse", f"not a number: {shown(next(one for one in values if not _is_number(one)))}") from None


def shown(line: str) -> str:
    """`line` for people: quoted and not too long."""
    return repr(line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…")


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value)


def _seconds(text: str, line: str) -> int:
    if not _is_number(text) or not math.isfinite(float(text)):
        raise BadScrape("parse", f"not a time: {shown(line)}")
    return round(float(text) * 1000)


def _check_exemplar(found: re.Match[str], line: str) -> None:
    # Exemplars are not kept; one that is broken still makes the exposition illegal.
    labels_of("exemplar", found[5], line)
    for text in (found[6], found[7] or "0"):
        if not _is_number(text):
            raise BadScrape("parse", f"exemplar can't be read: {shown(line)}")


def _is_number(text: str) -> bool:
    if "_" in text or not text.isascii() or not text.isprintable():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True
