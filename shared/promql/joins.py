"""Which rows of two vectors belong together: worked out once for two sets of series, then the same for all steps."""

from dataclasses import dataclass

import numpy as np

from shared.promql.expressions import Matching
from shared.promql.series_sets import METADATA, Grouping, Ints, Labels, SeriesSet, label_of, with_label, without_labels
from shared.promql.values import Flags


@dataclass(frozen=True, eq=False)
class Signatures:
    """The match group of each row of both sides, numbered together."""

    left: Ints
    right: Ints
    series: SeriesSet
    left_groups: Grouping
    right_groups: Grouping

    def left_present(self, present: Flags) -> Flags:
        """Where any row of each match group is present, [groups, T]."""
        return _by_signature(self.left, len(self.series), present)

    def right_present(self, present: Flags) -> Flags:
        """Where any row of each match group is present, [groups, T]."""
        return _by_signature(self.right, len(self.series), present)


def signatures(left: SeriesSet, right: SeriesSet, on: bool, labels: tuple[str, ...]) -> Signatures:
    """Number the match groups of both sides. Remembered with the left one."""
    # The set itself is part of the key, so that it lives as long as what is remembered of it.
    return left.remember((Signatures, _Same(right), on, labels), lambda: _sign(left, right, on, labels))


class _Same:
    """A key that is equal for the same object only."""

    __slots__ = ("it",)

    def __init__(self, it: object) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.it is self.it


def _sign(left: SeriesSet, right: SeriesSet, on: bool, labels: tuple[str, ...]) -> Signatures:
    left_groups, right_groups = left.match_groups(on, labels), right.match_groups(on, labels)
    if left_groups is right_groups:
        return Signatures(left_groups.ids, left_groups.ids, left_groups.series, left_groups, left_groups)
    numbers = {group: number for number, group in enumerate(left_groups.series)}
    renumbered = np.array([numbers.setdefault(group, len(numbers)) for group in right_groups.series], np.int64)
    right_ids = renumbered[right_groups.ids] if len(right) else np.zeros(0, np.int64)
    return Signatures(left_groups.ids, right_ids, SeriesSet(list(numbers)), left_groups, right_groups)


def _by_signature(ids: Ints, count: int, present: Flags) -> Flags:
    steps = present.shape[1]
    found = np.zeros((count, steps), np.bool_)
    if len(ids) == count and bool((ids == np.arange(count)).all()):
        return present
    np.logical_or.at(found, ids, present)
    return found


@dataclass(frozen=True, eq=False)
class Join:
    """Pairs of rows, and the row of the result that each pair belongs to; -1 stands for a filled-in side."""

    many: Ints
    one: Ints
    signature: Ints
    result: Ints
    series: SeriesSet
    straight: bool
    """Each pair has a result row of its own, and each match group at most one row on each side."""
    aligned: bool
    """Moreover, pair n is row n of both sides."""


def join(signs: Signatures, many: SeriesSet, one: SeriesSet, swapped: bool, matching: Matching,
         drops_name: bool) -> Join:  # fmt: skip
    """Pair the rows. `many` is the side whose labels the result has, `one` the other. Remembered with `many`."""
    return many.remember(
        (Join, _Same(one), swapped, matching, drops_name),
        lambda: _join(signs, many, one, swapped, matching, drops_name),
    )


def _join(signs: Signatures, many: SeriesSet, one: SeriesSet, swapped: bool, matching: Matching,
          drops_name: bool) -> Join:  # fmt: skip
    many_ids, one_ids = (signs.right, signs.left) if swapped else (signs.left, signs.right)
    # fill_left belongs to the 'many' side also behind group_right, where that one stands on the right: so Prometheus 3.
    fill_many, fill_one = matching.fill_left, matching.fill_right
    rows_of: dict[int, list[int]] = {}
    for row, number in enumerate(one_ids.tolist()):
        rows_of.setdefault(number, []).append(row)
    pairs: list[tuple[int, int, int]] = []
    for row, number in enumerate(many_ids.tolist()):
        pairs += [(row, other, number) for other in rows_of.get(number, ())]
        if fill_one is not None:
            pairs.append((row, -1, number))
    if fill_many is not None:
        pairs += [(-1, row, number) for row, number in enumerate(one_ids.tolist())]
    results: dict[Labels, int] = {}
    result = np.empty(len(pairs), np.int64)
    for place, (row, other, number) in enumerate(pairs):
        labels = without_labels(signs.series[number], METADATA) if row < 0 else many[row]
        given = signs.series[number] if other < 0 else one[other]
        result[place] = results.setdefault(_result_labels(labels, given, matching, drops_name), len(results))
    columns = np.array(pairs, np.int64).reshape(-1, 3)
    straight = (
        len(results) == len(pairs)
        and len(np.unique(many_ids)) == len(many_ids)
        and len(rows_of) == len(one_ids)
        and fill_one is None
        and fill_many is None
    )
    in_line = np.arange(len(many))
    aligned = (
        straight
        and len(pairs) == len(many) == len(one)
        and bool((columns[:, 0] == in_line).all() and (columns[:, 1] == in_line).all())
    )
    return Join(columns[:, 0], columns[:, 1], columns[:, 2], result, SeriesSet(list(results)), straight, aligned)


def _result_labels(many: Labels, one: Labels, matching: Matching, drops_name: bool) -> Labels:
    labels = without_labels(many, METADATA) if drops_name else many
    if matching.cardinality == "one-to-one":
        if matching.on:
            kept = frozenset(matching.labels)
            labels = tuple(pair for pair in labels if pair[0] in kept)
        else:
            labels = without_labels(labels, matching.labels)
    for name in matching.include:
        labels = with_label(labels, name, label_of(one, name))
    return labels
