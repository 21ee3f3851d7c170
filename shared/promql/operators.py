"""Binary operators on numbers, and on vectors with numbers."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from shared.promql.expressions import COMPARISONS
from shared.promql.values import Flags, Floats, Scalar, Vector

ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARE: dict[str, Callable[[Floats, Floats], Flags]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def combine(op: str, left: Floats, right: Floats, return_bool: bool) -> tuple[Floats, Flags | None]:
    """The values of `left op right`, and where a filtering comparison keeps them (None: everywhere)."""
    with np.errstate(all="ignore"):
        if op not in COMPARISONS:
            return ARITHMETIC[op](left, right), None
        kept = COMPARE[op](left, right)
    return (kept.astype(np.float64), None) if return_bool else (left, kept)


def scalars(op: str, left: Scalar, right: Scalar) -> Scalar:
    """An operator between scalars; comparisons give 0 or 1."""
    return Scalar(combine(op, left.values, right.values, True)[0])


def vector_with_scalar(op: str, vector: Vector, scalar: Scalar, scalar_first: bool, return_bool: bool) -> Vector:
    """An operator between each element and the scalar. A filtering comparison keeps the vector's value."""
    left, right = (scalar.values, vector.values) if scalar_first else (vector.values, scalar.values)
    values, kept = combine(op, left, right, return_bool)
    present = vector.present if kept is None else vector.present & kept
    if kept is not None:
        return replace(vector, values=vector.values, present=present)
    return Vector(vector.series, values, present, np.ones(len(vector), np.bool_))


def negated(vector: Vector) -> Vector:
    """The unary minus."""
    return Vector(vector.series, -vector.values, vector.present, np.ones(len(vector), np.bool_))
