"""Durations as PromQL writes them: `90s`, `1h30m`, `500ms`."""

import re

from shared.promql.errors import BadQuery

_UNITS = {
    "y": 365 * 24 * 3_600_000,
    "w": 7 * 24 * 3_600_000,
    "d": 24 * 3_600_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
# Each unit at most once, the larger first: Prometheus' own grammar.
_FORM = re.compile("".join(rf"(?:(\d+){unit})?" for unit in _UNITS))
LONGEST_MS = 100 * _UNITS["y"]


def parse_duration(text: str) -> int:
    """Milliseconds of `text`. BadQuery if it is no duration; `0` needs no unit."""
    if text == "0":
        return 0
    match = _FORM.fullmatch(text) if text else None
    if match is None:
        raise BadQuery(f"{text[:40]!r} is not a duration: write for instance 90s, 5m or 1h30m")
    total = sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS.values(), strict=True) if count)
    if total > LONGEST_MS:
        raise BadQuery(f"{text[:40]!r} is longer than 100 years")
    return total


def duration_text(milliseconds: int) -> str:
    """The shortest PromQL text of a duration, e.g. `1h30m`."""
    parts = []
    for unit, length in _UNITS.items():
        if unit in ("y", "w") and milliseconds % length:  # as Prometheus prints: 8d, not 1w1d
            continue
        count, milliseconds = divmod(milliseconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
