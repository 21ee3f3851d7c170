"""Binary operators between two vectors."""

import numpy as np

from shared.promql.errors import QueryFailed
from shared.promql.expressions import COMPARISONS, Matching
from shared.promql.functions_labels import merged_by_labels
from shared.promql.joins import Join, Signatures, join, signatures
from shared.promql.operators import combine
from shared.promql.series_sets import Ints, Labels
from shared.promql.values import Flags, Floats, Vector, concatenated, empty_vector


def both_vectors(op: str, left: Vector, right: Vector, matching: Matching, return_bool: bool) -> Vector:
    """An arithmetic or comparison operator between matching elements. QueryFailed where matches are not unique."""
    swapped = matching.cardinality == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    steps = left.values.shape[1]
    filled = matching.fill_left is not None or matching.fill_right is not None
    if not filled and (not len(left) or not len(right)):
        return empty_vector(steps)
    signs = signatures(left.series, right.series, matching.on, matching.labels)
    drops_name = op not in COMPARISONS
    pairs = join(signs, many.series, one.series, swapped, matching, drops_name)
    values_many, present_many = _side(many, pairs.many, pairs, matching.fill_left)
    values_one, present_one = _side(one, pairs.one, pairs, matching.fill_right)
    present = present_many & present_one
    if not pairs.straight:
        _check_unique_side(signs, many, one, swapped, matching)
        present = _with_fills(present, pairs, signs, many, one, swapped)
        _check_unique_matches(pairs, present, matching)
    ours, theirs = (values_one, values_many) if swapped else (values_many, values_one)
    values, kept = combine(op, ours, theirs, return_bool)
    if kept is not None:
        present = present & kept
    dropped = np.full(len(pairs.series), return_bool)
    from_many = pairs.many >= 0
    if not drops_name and len(many):
        np.logical_or.at(dropped, pairs.result[from_many], many.dropped[pairs.many[from_many]])
    if pairs.straight or len(pairs.series) == len(pairs.result):
        return Vector(pairs.series, values, present, dropped)
    return _merged(pairs, values, present, dropped)


def set_operation(op: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """and, or, unless: elements by whether their match group has any on the other side."""
    if not len(left) or not len(right):
        if op == "or":
            return right if not len(left) else left
        return left if op == "unless" else empty_vector(left.values.shape[1])
    signs = signatures(left.series, right.series, matching.on, matching.labels)
    if op == "or":
        there = signs.left_present(left.present)[signs.right]
        rest = Vector(right.series, right.values, right.present & ~there, right.dropped)
        return merged_by_labels(concatenated(left, rest))
    there = signs.right_present(right.present)[signs.left]
    present = left.present & (there if op == "and" else ~there)
    return Vector(left.series, left.values, present, left.dropped)


def _side(vector: Vector, rows: Ints, pairs: Join, fill: float | None) -> tuple[Floats, Flags]:
    """A side's values and presence by pair. Where it is filled in, presence is settled later."""
    if pairs.aligned:
        return vector.values, vector.present
    if fill is None:
        return vector.values[rows], vector.present[rows]
    filled = rows < 0
    if not len(vector):
        steps = vector.values.shape[1]
        return np.full((len(rows), steps), fill), np.ones((len(rows), steps), np.bool_)
    return (
        np.where(filled[:, None], fill, vector.values[rows]),
        np.where(filled[:, None], True, vector.present[rows]),
    )


def _with_fills(present: Flags, pairs: Join, signs: Signatures, many: Vector, one: Vector, swapped: bool) -> Flags:
    """A side is filled in only where the match group has no element on that side."""
    filled_many, filled_one = pairs.many < 0, pairs.one < 0
    if not (filled_many.any() or filled_one.any()):
        return present
    one_there = (signs.left_present if swapped else signs.right_present)(one.present)
    many_there = (signs.right_present if swapped else signs.left_present)(many.present)
    present = present.copy()
    present[filled_one] &= ~one_there[pairs.signature[filled_one]]
    present[filled_many] &= ~many_there[pairs.signature[filled_many]]
    return present


def _check_unique_side(signs: Signatures, many: Vector, one: Vector, swapped: bool, matching: Matching) -> None:
    """The 'one' side must have at most one element a match group, wherever the other side has any at all."""
    ids = signs.left if swapped else signs.right
    counts = np.zeros((len(signs.series), one.present.shape[1]), np.int64)
    np.add.at(counts, ids, one.present.astype(np.int64))
    twice = counts > 1
    if matching.fill_left is None and matching.fill_right is None:
        twice &= many.present.any(axis=0)
    if not twice.any():
        return
    number, step = (int(place[0]) for place in np.nonzero(twice))
    rows = [row for row in np.flatnonzero(ids == number).tolist() if one.present[row, step]]
    shown = ", ".join(sorted(_shown(one.series[row]) for row in rows)[:2])
    raise QueryFailed(
        f"found duplicate series for the match group {_shown(signs.series[number])} on the "
        f"{'left' if swapped else 'right'} hand-side of the operation: [{shown}];many-to-many matching not allowed: "
        "matching labels must be unique on one side"
    )


def _check_unique_matches(pairs: Join, present: Flags, matching: Matching) -> None:
    """One-to-one: one pair a match group; else one pair a result within a match group."""
    key = pairs.signature
    if matching.cardinality != "one-to-one":
        key = pairs.signature * (len(pairs.series) + 1) + pairs.result
    _, ids = np.unique(key, return_inverse=True)
    counts = np.zeros((len(key), present.shape[1]), np.int64)
    np.add.at(counts, ids.reshape(-1), present.astype(np.int64))
    if (counts > 1).any():
        raise QueryFailed(
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            if matching.cardinality == "one-to-one"
            else "multiple matches for labels: grouping labels must ensure unique matches"
        )


def _merged(pairs: Join, values: Floats, present: Flags, dropped: Flags) -> Vector:
    """Pairs with the same labels as one series."""
    height, steps = len(pairs.series), values.shape[1]
    merged, there = np.zeros((height, steps)), np.zeros((height, steps), np.bool_)
    for place, row in enumerate(pairs.result.tolist()):
        flags = present[place]
        if (there[row] & flags).any():
            raise QueryFailed("vector cannot contain metrics with the same labelset")
        merged[row] = np.where(flags, values[place], merged[row])
        there[row] |= flags
    return Vector(pairs.series, merged, there, dropped)


def _shown(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"
