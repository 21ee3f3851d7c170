"""Evaluating a query over windows at an instant."""

from typing import NamedTuple

import numpy as np

from shared.promql.syntax import ComparisonOp, Query
from shared.promql.windows import Floats, Ints, Windows

_COMPARE: dict[ComparisonOp, np.ufunc] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


class Vector(NamedTuple):
    """The elements of a result: the rows of their series, and the values."""

    rows: Ints
    values: Floats


def evaluate(query: Query, windows: Windows, rows: Ints, instant_ms: int, lookback_ms: int) -> Vector:
    """The result of `query` at an instant over those `rows` that its selector selects."""
    present, values = windows.at(rows, instant_ms, lookback_ms)
    chosen = present & _COMPARE[query.op](values, query.number)
    return Vector(rows[chosen], values[chosen])
