"""How tests write series and their values: `up{job="x"}` and `1 2+3x4 _x2 stale`."""

import re

from shared.messages.samples import STALE
from shared.promql.errors import BadQuery
from shared.promql.expressions import PLAIN, VectorSelector
from shared.promql.parsing import parse_expression
from shared.promql.series_sets import Labels, labels_from
from shared.rules.errors import BadRule

MOST_VALUES = 1_000_000
_NUMBER = r"[+-]?(?:[iI]nf|[nN]a[nN]|0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_RUN = re.compile(rf"({_NUMBER})(?:([+-])({_NUMBER}))?x(\d+)")
_UNITS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_DURATION = re.compile("".join(rf"(?:(\d+){unit})?" for unit in _UNITS))
LONGEST_MS = 2**63 // 1_000_000


def read_labels(text: str) -> Labels:
    """The labels of a series. BadRule if it is none."""
    if text.strip() in ("", "{}"):
        return ()
    try:
        expr = parse_expression(text)
    except BadQuery as error:
        raise BadRule(f"{text[:120]!r} is not a series: {error}") from error
    if not isinstance(expr, VectorSelector) or expr.alternatives or expr.modifiers != PLAIN:
        raise BadRule(f"{text[:120]!r} is not a series")
    if any(one.op != "=" for one in expr.matchers):
        raise BadRule(f"{text[:120]!r} is not a series: its labels stand with '='")
    return labels_from({one.label: one.value for one in expr.matchers})


def read_values(text: str) -> list[float | None]:
    """The values, one a step; None where there is none. BadRule if they are not well formed."""
    if "{{" in text:
        raise BadRule("native histograms are not supported by this version")
    found: list[float | None] = []
    for item in text.split():
        found += _expanded(item)
        if len(found) > MOST_VALUES:
            raise BadRule(f"a series has more than {MOST_VALUES} values")
    return found


def _expanded(item: str) -> list[float | None]:
    if item == "_":
        return [None]
    if item == "stale":
        return [STALE]
    if blanks := re.fullmatch(r"_x(\d+)", item):
        return [None] * _count(blanks[1])
    run = _RUN.fullmatch(item)
    if run is None:
        if not re.fullmatch(_NUMBER, item):
            raise BadRule(f"{item[:80]!r} is not a value")
        return [_number(item)]
    value, increment = _number(run[1]), _number(run[3] or "0")
    values: list[float | None] = [value]
    for _ in range(_count(run[4])):
        value = value + increment if run[2] != "-" else value - increment
        values.append(value)
    return values


def _count(text: str) -> int:
    if len(text) > 7 or int(text) > MOST_VALUES:
        raise BadRule(f"a series has more than {MOST_VALUES} values")
    return int(text)


def _number(text: str) -> float:
    return float(int(text, 16)) if "0x" in text.lower() else float(text)


def read_duration(text: str) -> int:
    """Milliseconds, as far as 64 bits of nanoseconds go: promtool's range. BadRule if it is no duration."""
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text) if text else None
    if match is None:
        raise BadRule(f"{text[:40]!r} is not a duration: write for instance 90s, 5m or 1h30m")
    total = sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS.values(), strict=True) if count)
    if total > LONGEST_MS:
        raise BadRule(f"{text[:40]!r} is longer than {LONGEST_MS // 86_400_000}d")
    return total
