"""Aggregations that keep some of the series of a group: topk, bottomk, limitk, limit_ratio; and count_values."""

import math
from decimal import Decimal
from hashlib import blake2b

import numpy as np

from shared.promql.annotations import Annotations
from shared.promql.errors import QueryFailed
from shared.promql.series_sets import Grouping, Ints, Labels, SeriesSet, label_of, with_label
from shared.promql.values import Flags, Floats, Scalar, Vector, empty_vector

_MOST_INT = 2.0**63


def extreme(op: str, vector: Vector, grouping: Grouping, param: Scalar) -> Vector:
    """topk or bottomk. At a single step the elements come in their order, group by group."""
    wanted = _how_many(param)
    if wanted is None:
        return empty_vector(vector.values.shape[1])
    keep = np.zeros(vector.present.shape, np.bool_)
    ordered: list[tuple[int, Ints]] = []
    for groups, rows in grouping.batches:
        values, present = vector.values[rows], vector.present[rows]
        key = np.where(np.isnan(values), 0.0, -values if op == "topk" else values)
        kind = np.where(present, np.isnan(values).astype(np.int64), 2)
        order = np.lexsort((key, kind), axis=1)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :, None], axis=1)
        keep[rows] = present & (rank < wanted)
        if vector.values.shape[1] == 1:
            ordered += [(number, rows[place][order[place, :, 0]]) for place, number in enumerate(groups.tolist())]
    if vector.values.shape[1] == 1 and ordered:
        in_order = np.concatenate([rows for _, rows in sorted(ordered, key=lambda one: one[0])])
        return _where(vector, keep).take(in_order[keep[in_order, 0]])
    return _where(vector, keep)


def limit(vector: Vector, grouping: Grouping, param: Scalar) -> Vector:
    """limitk: the first elements of each group, in the order of the series."""
    wanted = _how_many(param)
    if wanted is None:
        return empty_vector(vector.values.shape[1])
    keep = np.zeros(vector.present.shape, np.bool_)
    for _, rows in grouping.batches:
        present = vector.present[rows]
        keep[rows] = present & (np.cumsum(present, axis=1) <= wanted)
    return _where(vector, keep)


def limit_ratio(vector: Vector, param: Scalar, remarks: Annotations) -> Vector:
    """Series by a hash of their labels: r takes the share [0, r) of its range, negative r the rest [1 + r, 1)."""
    ratio = param.values
    if not ratio.any():
        return empty_vector(vector.values.shape[1])
    if np.isnan(ratio).any():
        raise QueryFailed("Ratio value is NaN")
    for bad in np.unique(ratio[np.abs(ratio) > 1]):
        remarks.warn(f"ratio value should be between -1 and 1, got {bad}, capping to {math.copysign(1, bad)}")
    ratio = np.clip(ratio, -1, 1)
    offset = vector.series.remember("share", lambda: np.array([_share(one) for one in vector.series]))[:, None]
    return _where(vector, vector.present & np.where(ratio >= 0, offset < ratio, offset >= 1 + ratio))


def count_values(label: str, vector: Vector, without: bool, names: tuple[str, ...]) -> Vector:
    """How many elements of each group have each value; the value becomes a label."""
    if not label:
        raise QueryFailed("count_values needs the name of a label")
    found = vector.values[vector.present]
    # By their bits, for 0 and -0 are told apart; but all kinds of NaN are one.
    bits, inverse = np.unique(np.where(np.isnan(found), np.nan, found).view(np.uint64), return_inverse=True)
    rows, steps = np.nonzero(vector.present)
    texts = [_value_text(value) for value in bits.view(np.float64).tolist()]
    pairs, pair_of = np.unique(np.column_stack([rows, inverse.reshape(-1)]), axis=0, return_inverse=True)
    labelled = SeriesSet([with_label(vector.series[row], label, texts[value]) for row, value in pairs.tolist()])
    grouping = labelled.grouping(without, names)
    # The label belongs to the result even where it is not among those that are grouped by.
    if not without and label not in names:
        grouping = labelled.grouping(False, (*names, label))
    counts = np.zeros((len(grouping), vector.values.shape[1]))
    if len(rows):
        np.add.at(counts, (grouping.ids[pair_of.reshape(-1)], steps), 1.0)
    found_groups = Vector(grouping.series, counts, counts > 0, np.zeros(len(grouping), np.bool_))
    # Not in the order of appearance, which hangs on the steps that are asked for.
    return found_groups.take(np.array(sorted(range(len(grouping)), key=grouping.series.labels.__getitem__), np.int64))


def _how_many(param: Scalar) -> Floats | None:
    """k by step; None if it selects nothing at all."""
    values = param.values
    if np.isnan(values).any():
        raise QueryFailed("Parameter value is NaN")
    if not (values >= 1).any():
        return None
    if (np.abs(values) >= _MOST_INT).any():
        raise QueryFailed(f"scalar value {values[np.abs(values) >= _MOST_INT][0]} overflows int64")
    return np.trunc(values)


def _where(vector: Vector, keep: Flags) -> Vector:
    return Vector(vector.series, vector.values, keep, vector.dropped)


def _share(labels: Labels) -> float:
    """Where a series lies in [0, 1): the same in every process, and independent of how labels are stored."""
    text = "\xff".join(part for pair in labels for part in pair)
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48


def _value_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers within a text compare as numbers."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for char in text:
        if char in "0123456789":
            digits += char
            continue
        if digits:
            parts.append((0, int(digits), digits))
            digits = ""
        parts.append((1, 0, char))
    if digits:
        parts.append((0, int(digits), digits))
    return tuple(parts)


def sorted_by_labels(vector: Vector, names: tuple[str, ...], descending: bool) -> Vector:
    """Rows by these labels in natural order, then by all labels."""
    labels = vector.series.labels
    order = sorted(
        range(len(vector)),
        key=lambda row: (*(natural_key(label_of(labels[row], name)) for name in names), labels[row]),
        reverse=descending,
    )
    return vector.take(np.array(order, np.int64))
