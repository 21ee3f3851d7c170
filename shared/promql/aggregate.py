"""Aggregations that make one series of a group: sum, avg, min, max, count, group, stddev, stdvar, quantile."""

from collections.abc import Callable

import numpy as np

from shared.promql.annotations import Annotations
from shared.promql.quantiles import quantile
from shared.promql.series_sets import Grouping, Ints
from shared.promql.summation import compensated_mean, compensated_sum
from shared.promql.values import Flags, Floats, Scalar, Vector, everywhere

_CELLS_AT_ONCE = 1 << 18


def aggregate(op: str, vector: Vector, without: bool, names: tuple[str, ...], param: Scalar | None,
              remarks: Annotations) -> Vector:  # fmt: skip
    """One element a group, wherever the group has any."""
    grouping = vector.series.grouping(without, names)
    steps = vector.values.shape[1]
    counts = counts_by_group(grouping, vector.present)
    present = counts > 0
    dropped = np.zeros(len(grouping), np.bool_)
    np.logical_or.at(dropped, grouping.ids, vector.dropped)
    if op == "count":
        values = counts.astype(np.float64)
    elif op == "group":
        values = np.ones((len(grouping), steps))
    else:
        values = np.zeros((len(grouping), steps))
        full = everywhere(vector.present)
        reduce = _reduction(op, param, remarks, steps)
        with np.errstate(all="ignore"):
            for groups, rows in grouping.batches:
                at_once = max(1, _CELLS_AT_ONCE // max(rows.shape[1] * steps, 1))
                for begin in range(0, len(groups), at_once):
                    some = rows[begin : begin + at_once]
                    number = groups[begin : begin + at_once]
                    flags = None if full else vector.present[some]
                    values[number] = reduce(_members(vector.values, some), flags, counts[number].astype(np.float64))
    return Vector(grouping.series, values, present, dropped)


def counts_by_group(grouping: Grouping, present: Flags) -> Ints:
    """How many series of each group are present at each step, [G, T]."""
    if not len(grouping):
        return np.zeros((0, present.shape[1]), np.int64)
    if present.strides[0] == 0:
        found: Ints = grouping.sizes[:, None] * present[0][None, :].astype(np.int64)
        return found
    ordered = present if grouping.in_order else present[grouping.order]
    counts: Ints = np.add.reduceat(ordered.astype(np.int64), grouping.starts, axis=0)
    return counts


def any_by_group(grouping: Grouping, present: Flags) -> Flags:
    """Where any series of each group is present, [G, T]."""
    return counts_by_group(grouping, present) > 0


def _members(values: Floats, rows: Ints) -> Floats:
    """[G, n, T]; a view where the rows follow one another."""
    first, last = int(rows[0, 0]), int(rows[-1, -1])
    if last - first + 1 == rows.size and (rows.reshape(-1) == np.arange(first, last + 1)).all():
        return values[first : last + 1].reshape(*rows.shape, values.shape[1])
    return values[rows]


Reduction = Callable[[Floats, Flags | None, Floats], Floats]
"""Members [G, n, T], who of them is present (None: all), how many are [G, T] -> [G, T]."""


def _reduction(op: str, param: Scalar | None, remarks: Annotations, steps: int) -> Reduction:
    if op == "quantile":
        assert param is not None
        wanted = param.values
        for bad in np.unique(wanted[~((wanted >= 0) & (wanted <= 1))]):
            remarks.warn(f"quantile value should be between 0 and 1, got {bad}")
        return lambda values, present, counts: quantile(values, wanted, present)
    return _REDUCTIONS[op]


def _sum(values: Floats, present: Flags | None, counts: Floats) -> Floats:
    return compensated_sum(values if present is None else np.where(present, values, 0.0))


def _average(values: Floats, present: Flags | None, counts: Floats) -> Floats:
    return compensated_mean(values if present is None else np.where(present, values, 0.0), counts)


def _smallest(values: Floats, present: Flags | None, counts: Floats) -> Floats:
    found: Floats = np.fmin.reduce(values if present is None else np.where(present, values, np.nan), axis=1)
    return found


def _largest(values: Floats, present: Flags | None, counts: Floats) -> Floats:
    found: Floats = np.fmax.reduce(values if present is None else np.where(present, values, np.nan), axis=1)
    return found


def _variance(values: Floats, present: Flags | None, counts: Floats) -> Floats:
    """Moved to the first member that is there, so that equal values have no variance."""
    if present is None:
        base = values[:, :1]
        moved = values - base
        moved = moved - compensated_mean(moved, counts)[:, None]
    else:
        base = np.take_along_axis(values, np.argmax(present, axis=1)[:, None], axis=1)
        moved = np.where(present, values - base, 0.0)
        moved = np.where(present, moved - compensated_mean(moved, counts)[:, None], 0.0)
    return compensated_sum(moved * moved) / counts


def _deviation(values: Floats, present: Flags | None, counts: Floats) -> Floats:
    return np.sqrt(_variance(values, present, counts))


_REDUCTIONS: dict[str, Reduction] = {
    "sum": _sum,
    "avg": _average,
    "min": _smallest,
    "max": _largest,
    "stdvar": _variance,
    "stddev": _deviation,
}
