"""Durations that are computed: `[5m + 1m]`, `offset (step() * 2)`. Read here because the parser package has none.

A plain duration is its milliseconds; anything else is a small tree, worked out when the query's step is known.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from shared.promql.errors import BadQuery

Operator = Literal["+", "-", "*", "/", "%", "^", "min_of", "max_of"]
LONGEST_SECONDS = 2**63 / 1e9


@dataclass(frozen=True)
class Operation:
    """An operator on seconds; with `left` None the sign before `right`."""

    op: Operator
    left: "Seconds | None"
    right: "Seconds"


@dataclass(frozen=True)
class Context:
    """`step()` or `range()` of the query."""

    of: Literal["step", "range"]


Seconds = float | Operation | Context
Duration = int | Operation | Context


def settle(tree: Seconds) -> Duration:
    """Milliseconds where nothing but numbers is in the tree, else the tree."""
    if _is_constant(tree):
        return milliseconds_of(tree, 0, 0)
    assert not isinstance(tree, float)
    return tree


def milliseconds_of(duration: Duration | Seconds, step_ms: int, range_ms: int) -> int:
    """The duration in milliseconds, without its fraction. BadQuery where it is no number or far too long."""
    if isinstance(duration, int):
        return duration
    seconds = _seconds(duration, step_ms / 1000, range_ms / 1000)
    if not abs(seconds) <= LONGEST_SECONDS:
        raise BadQuery(f"a duration of {seconds} seconds is out of range")
    return int(round(seconds * 1000, 3))  # 1001 ms are 1000.9999... when they have been seconds


def duration_source(duration: Duration | Seconds) -> str:
    """PromQL text that reads back as the same duration."""
    if isinstance(duration, int):
        sign = "-" if duration < 0 else ""
        whole, rest = divmod(abs(duration), 1000)
        return f"{sign}{whole}s" if not rest else f"{sign}{whole}s{rest}ms" if whole else f"{sign}{rest}ms"
    if isinstance(duration, Context):
        return f"{duration.of}()"
    if isinstance(duration, float):
        return f"({duration!r})" if duration < 0 else repr(duration)
    if duration.op in ("min_of", "max_of"):
        assert duration.left is not None
        return f"{duration.op}({duration_source(duration.left)}, {duration_source(duration.right)})"
    left = "" if duration.left is None else duration_source(duration.left) + " "
    return f"({left}{duration.op} {duration_source(duration.right)})"


_COMPUTE: dict[Operator, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "^": math.pow,
    "min_of": min,
    "max_of": max,
}


def _is_constant(tree: Seconds) -> bool:
    if isinstance(tree, Operation):
        return (tree.left is None or _is_constant(tree.left)) and _is_constant(tree.right)
    return isinstance(tree, float)


def _seconds(tree: Seconds, step: float, span: float) -> float:
    if isinstance(tree, float):
        return tree
    if isinstance(tree, Context):
        return step if tree.of == "step" else span
    right = _seconds(tree.right, step, span)
    if tree.left is None:
        return -right if tree.op == "-" else right
    left = _seconds(tree.left, step, span)
    try:
        return _COMPUTE[tree.op](left, right)
    except (ZeroDivisionError, ValueError, OverflowError) as error:
        raise BadQuery(f"the duration {duration_source(tree)} can't be computed: {error}") from error
