"""Series keys: the one text form of a series, `name{a="x",b="y"}`, labels sorted by name.

A reader looks a key up in a dictionary and parses it only the first time it meets it, so that a sample batch costs
one dictionary look-up a series. The form is that of the Prometheus text format, with the same escapes (\\\\, \\", \\n).
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from shared.messages.message import BadMessage

METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NAME = "__name__"
MOST_LABELS = 64
LONGEST_TEXT = 2048
METRIC_TYPES = ("gauge", "counter", "histogram", "summary", "unknown")

_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
_ESCAPE = re.compile(r'\\([\\"n])')

Labels = Mapping[str, str]


def check_labels(labels: Labels) -> None:
    """BadMessage naming the label if `labels` (with `__name__`) is no valid series."""
    name = labels.get(NAME, "")
    if not METRIC_NAME.fullmatch(name):
        raise BadMessage(f"metric name {name[:80]!r} is not of the form {METRIC_NAME.pattern}")
    if len(labels) > MOST_LABELS:
        raise BadMessage(f"{len(labels)} labels on {name}: at most {MOST_LABELS}")
    for label, value in labels.items():
        if not LABEL_NAME.fullmatch(label):
            raise BadMessage(f"label name {label[:80]!r} of {name} is not of the form {LABEL_NAME.pattern}")
        if len(label) > LONGEST_TEXT or len(value) > LONGEST_TEXT:
            raise BadMessage(f"label {label[:80]!r} of {name} is longer than {LONGEST_TEXT} characters")


def key_of(labels: Labels) -> str:
    """The canonical key of a series given as labels, `__name__` among them. An empty label is no label."""
    inner = ",".join(
        f'{label}="{_escape(value)}"' for label, value in sorted(labels.items()) if label != NAME and value != ""
    )
    return f"{labels[NAME]}{{{inner}}}" if inner else labels[NAME]


def metric_of(key: str) -> str:
    """The metric of a canonical key."""
    return key.partition("{")[0]


@lru_cache(maxsize=65_536)
def labels_of(key: str) -> Labels:
    """The labels, `__name__` among them, of a canonical key. BadMessage if it is not one.

    Cached, so treat the result as read-only.
    """
    name, brace, rest = key.partition("{")
    labels = {NAME: name}
    if brace:
        position = 0
        while pair := _PAIR.match(rest, position):
            labels[pair[1]] = _ESCAPE.sub(_unescape, pair[2])
            position = pair.end()
            if rest[position : position + 1] != ",":
                break
            position += 1
        if rest[position:] != "}":
            raise BadMessage(f'series key {key[:120]!r} is not of the form name{{label="value",...}}')
    check_labels(labels)
    if key_of(labels) != key:
        raise BadMessage(f"series key {key[:120]!r} is not canonical: expected {key_of(labels)[:120]!r}")
    return labels


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
