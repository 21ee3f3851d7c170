"""label_replace, label_join, absent: functions of labels; and what drops the metric's name at the end."""

from collections.abc import Sequence

import numpy as np

from shared.promql.errors import QueryFailed
from shared.promql.expressions import Expr, RangeSelector, VectorSelector
from shared.promql.matching import Captures
from shared.promql.series_sets import METADATA, Labels, SeriesSet, label_of, with_label, without_labels
from shared.promql.values import Flags, Vector

LONGEST_VALUE = 65_536


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """Set `target` to the expanded replacement wherever the whole of `source` matches."""
    captures = Captures(pattern)
    _check_label_name(target)
    labels, dropped = [], vector.dropped.copy()
    for row, one in enumerate(vector.series):
        found = captures.expand(label_of(one, source), replacement)
        if found is None:
            labels.append(one)
            continue
        _check_length(target, found)
        labels.append(with_label(one, target, found))
        if target == "__name__":
            dropped[row] = False
    return merged_by_labels(Vector(SeriesSet(labels), vector.values, vector.present, dropped))


def label_join(vector: Vector, target: str, separator: str, sources: Sequence[str]) -> Vector:
    """Set `target` to the values of the source labels, joined."""
    for name in (target, *sources):
        _check_label_name(name)
    labels = []
    for one in vector.series:
        joined = separator.join(label_of(one, name) for name in sources)
        _check_length(target, joined)
        labels.append(with_label(one, target, joined))
    dropped = np.zeros(len(vector), np.bool_) if target == "__name__" else vector.dropped
    return merged_by_labels(Vector(SeriesSet(labels), vector.values, vector.present, dropped))


def _check_label_name(name: str) -> None:
    if not name:
        raise QueryFailed("invalid label name: it is empty")


def _check_length(name: str, value: str) -> None:
    """A value that contains itself twice, in a function of a function of …, would soon fill the memory."""
    if len(value) > LONGEST_VALUE:
        raise QueryFailed(f"the label {name!r} would have {len(value)} characters, at most {LONGEST_VALUE}")


def without_dropped_names(vector: Vector) -> Vector:
    """The end of a query: names go where they are to go, and series that are then the same become one.

    QueryFailed if two of them have a value at the same step.
    """
    if vector.dropped.any():
        labels: list[Labels] = [
            without_labels(one, METADATA) if gone else one
            for one, gone in zip(vector.series, vector.dropped.tolist(), strict=True)
        ]
        vector = Vector(SeriesSet(labels), vector.values, vector.present, np.zeros(len(vector), np.bool_))
    return merged_by_labels(vector)


def merged_by_labels(vector: Vector) -> Vector:
    """Series with the same labels as one. QueryFailed if two of them have a value at the same step.

    Not those of which one will lose its name and the other won't.
    """
    first_of: dict[tuple[Labels, bool], int] = {}
    keys = zip(vector.series, vector.dropped.tolist(), strict=True)
    rows = [first_of.setdefault(key, row) for row, key in enumerate(keys)]
    if len(first_of) == len(rows):
        return vector
    values, present = vector.values.copy(), vector.present.copy()
    for row, first in enumerate(rows):
        if row == first:
            continue
        if (present[first] & vector.present[row]).any():
            raise QueryFailed("vector cannot contain metrics with the same labelset")
        values[first] = np.where(vector.present[row], vector.values[row], values[first])
        present[first] |= vector.present[row]
    kept = np.array(list(first_of.values()), np.int64)
    series = SeriesSet([labels for labels, _ in first_of])
    return Vector(series, values[kept], present[kept], vector.dropped[kept])


def absent_vector(expr: Expr, present: Flags) -> Vector:
    """One element where nothing is present of [S, T]; its labels are those that the selector demands."""
    there = ~np.logical_or.reduce(present, axis=0, keepdims=True)
    return Vector(SeriesSet([_demanded(expr)]), np.ones(there.shape), there, np.zeros(1, np.bool_))


def _demanded(expr: Expr) -> Labels:
    selector = expr.selector if isinstance(expr, RangeSelector) else expr
    if not isinstance(selector, VectorSelector):
        return ()
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.label in METADATA:
            continue
        if matcher.op == "=" and matcher.label not in seen:
            labels[matcher.label] = matcher.value
            seen.add(matcher.label)
        else:
            labels.pop(matcher.label, None)
    return tuple(sorted((name, value) for name, value in labels.items() if value))
