"""What a comparison held against what, which elements passed, and by how much the others did not."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from shared.promql.expressions import Binary, Matching
from shared.promql.matching import Matcher
from shared.promql.series_sets import Labels
from shared.promql.values import Scalar, Value, Vector
from shared.promql.vector_matching import both_vectors

MOST_SHOWN = 20

About = Sequence[Matcher]
"""Which elements are of interest: those whose labels, where they have them, satisfy all."""

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_FILLED_IN = -1
"""Stands for the row of an element that `fill` puts in place of a missing one."""


class Compared(NamedTuple):
    """Two values that were held against each other. `by` is left minus right."""

    labels: dict[str, str]
    left: float
    right: float
    passed: bool

    @property
    def by(self) -> float:
        """How far apart they are."""
        return self.left - self.right


class _Values(NamedTuple):
    labels: Labels
    left: float
    right: float


class _Pair(NamedTuple):
    values: _Values
    row: int
    other: int


@dataclass(frozen=True)
class Comparison:
    """What a comparison let through, and what not: those that passed first, then the closest."""

    op: str
    shown: list[Compared]
    passed: int
    failed: int
    alone: int = 0
    """Elements of either side that found no partner on the other."""


def comparison_of(expr: Binary, left: Value, right: Value, about: About = ()) -> Comparison | None:
    """What the comparison makes of the values of its sides at one instant; None for two numbers."""
    holds = _HOLDS[expr.op]
    if isinstance(left, Vector) and isinstance(right, Vector):
        pairs = _matched(expr, left, right)
        sides = [one.values for one in pairs]
        alone = len(left) - len({one.row for one in pairs} - {_FILLED_IN})
        alone += len(right) - len({one.other for one in pairs} - {_FILLED_IN})
    elif isinstance(left, Vector) and isinstance(right, Scalar):
        number, alone = float(right.values[0]), 0
        sides = [_Values(labels, value, number) for labels, value in pairs_of(left)]
    elif isinstance(left, Scalar) and isinstance(right, Vector):
        number, alone = float(left.values[0]), 0
        sides = [_Values(labels, number, value) for labels, value in pairs_of(right)]
    else:
        return None
    every = [Compared(dict(labels), one, other, holds(one, other)) for labels, one, other in sides]
    chosen = sorted(
        (one for one in every if is_about(one.labels, about)), key=lambda one: (not one.passed, abs(one.by))
    )
    passed = sum(one.passed for one in every)
    return Comparison(expr.op, chosen[:MOST_SHOWN], passed, len(every) - passed, alone)


def is_about(labels: Mapping[str, str], about: About) -> bool:
    """Whether what these labels are of is of interest."""
    return all(one.matches(labels[one.label]) for one in about if one.label in labels)


def pairs_of(value: Value) -> list[tuple[Labels, float]]:
    """Labels and values of a vector at its one instant; none of anything else."""
    if not isinstance(value, Vector):
        return []
    columns = zip(value.series.labels, value.values[:, 0].tolist(), value.present[:, 0].tolist(), strict=True)
    return [(labels, number) for labels, number, there in columns if there]


def _matched(expr: Binary, left: Vector, right: Vector) -> list[_Pair]:
    """The pairs that the engine itself makes: it is asked to add row numbers to nothing, instead of values."""
    lefts = _row_numbers(left, right, expr.matching, on_left=True)
    rights = _row_numbers(right, left, expr.matching, on_left=False)
    found = []
    for labels, row in lefts.items():
        other = rights[labels]
        one = expr.matching.fill_left if row == _FILLED_IN else float(left.values[row, 0])
        two = expr.matching.fill_right if other == _FILLED_IN else float(right.values[other, 0])
        assert one is not None
        assert two is not None
        of_right = other != _FILLED_IN and (row == _FILLED_IN or expr.matching.cardinality == "one-to-many")
        values = _Values(right.series[other] if of_right else left.series[row], one, two)
        found.append(_Pair(values, row, other))
    return found


def _row_numbers(numbered: Vector, other: Vector, matching: Matching, *, on_left: bool) -> dict[Labels, int]:
    """By the labels of the result: which row of `numbered` is in it."""
    numbers = replace(numbered, values=np.arange(len(numbered), dtype=np.float64)[:, None])
    zeros = replace(other, values=np.zeros((len(other), 1)))
    fills = (_FILLED_IN, 0.0) if on_left else (0.0, _FILLED_IN)
    own = replace(
        matching,
        fill_left=None if matching.fill_left is None else fills[0],
        fill_right=None if matching.fill_right is None else fills[1],
    )
    sides = (numbers, zeros) if on_left else (zeros, numbers)
    return {labels: round(value) for labels, value in pairs_of(both_vectors("+", *sides, own, False))}
