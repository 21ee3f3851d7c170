"""The labels of many series, and groupings of them that are worked out once and remembered.

A source hands out the same set for the same selector, functions pass it on untouched, and so label work is done once
per set, not per query or step.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from shared.messages.series import NAME

Ints = npt.NDArray[np.int64]
Labels = tuple[tuple[str, str], ...]
"""Names and values, sorted by name; an empty value is no label."""

METADATA = frozenset({NAME, "__type__", "__unit__"})
"""What describes the metric and goes away when a value is no longer the metric's own."""
_MOST_REMEMBERED = 64
T = TypeVar("T")


def labels_from(mapping: Mapping[str, str]) -> Labels:
    """Labels of a mapping."""
    return tuple(sorted((name, value) for name, value in mapping.items() if value != ""))


def without_labels(labels: Labels, names: Iterable[str]) -> Labels:
    """The labels but those named."""
    dropped = frozenset(names)
    return tuple(pair for pair in labels if pair[0] not in dropped)


def with_label(labels: Labels, name: str, value: str) -> Labels:
    """The labels with one set; an empty value removes it."""
    kept = [pair for pair in labels if pair[0] != name]
    if value:
        kept.append((name, value))
    return tuple(sorted(kept))


def label_of(labels: Labels, name: str) -> str:
    """The value of a label, empty where there is none."""
    return next((value for key, value in labels if key == name), "")


class SeriesSet(Sequence[Labels]):
    """Labels of series by row. Never changed after it is made."""

    __slots__ = ("_remembered", "labels")

    def __init__(self, labels: Sequence[Labels]) -> None:
        self.labels = labels
        self._remembered: dict[object, object] = {}

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> Labels:  # type: ignore[override]
        return self.labels[row]

    def take(self, rows: Ints) -> "SeriesSet":
        """The set of these rows."""
        labels = self.labels
        return SeriesSet([labels[row] for row in rows.tolist()])

    def remember(self, key: object, make: Callable[[], T]) -> T:
        """What `make` gives, made once per key; the oldest are forgotten. Threads may do it twice."""
        found = self._remembered.get(key)
        if found is None:
            found = self._remembered[key] = make()
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)), None)
        return found  # type: ignore[return-value]  # a key always stands for one type

    def grouping(self, without: bool, names: tuple[str, ...]) -> "Grouping":
        """The rows by the named labels, or by all labels but those and the metric's metadata."""
        return self.remember((without, names), lambda: _group(self.labels, names, METADATA if without else None))

    def match_groups(self, on: bool, names: tuple[str, ...]) -> "Grouping":
        """The rows by what binary operators compare: the named labels, or all but those and the metric's name."""
        key = (False, names) if on else ("ignoring", names)
        return self.remember(key, lambda: _group(self.labels, names, None if on else frozenset({NAME})))


EMPTY = SeriesSet(())


class Grouping:
    """Rows that belong together. `ids` is the group of each row, `series` the labels of each group."""

    def __init__(self, ids: Ints, series: SeriesSet) -> None:
        self.ids = ids
        self.series = series
        self.sizes: Ints = np.bincount(ids, minlength=len(series)).astype(np.int64)
        self.order: Ints = np.argsort(ids, kind="stable")
        """All rows, group by group."""
        self.starts: Ints = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)
        self.in_order = bool((self.order == np.arange(len(ids))).all())
        self._batches: list[tuple[Ints, Ints]] | None = None

    def __len__(self) -> int:
        return len(self.series)

    @property
    def batches(self) -> list[tuple[Ints, Ints]]:
        """Groups of the same size together: their numbers [G], and their rows [G, size]."""
        if self._batches is None:
            self._batches = []
            for size in np.unique(self.sizes).tolist():
                groups = np.flatnonzero(self.sizes == size)
                if size:
                    self._batches.append((groups, self.order[self.starts[groups][:, None] + np.arange(size)]))
        return self._batches


def _group(labels: Sequence[Labels], names: tuple[str, ...], also_dropped: frozenset[str] | None) -> Grouping:
    """By the named labels; where `also_dropped` is given, by all but the named ones and those."""
    keys: dict[Labels, int] = {}
    ids = np.empty(len(labels), np.int64)
    if also_dropped is not None:
        dropped = also_dropped.union(names)
        for row, one in enumerate(labels):
            ids[row] = keys.setdefault(tuple([pair for pair in one if pair[0] not in dropped]), len(keys))
    elif not names:
        ids[:] = 0
        if len(labels):
            keys[()] = 0
    else:
        kept = frozenset(names)
        for row, one in enumerate(labels):
            ids[row] = keys.setdefault(tuple([pair for pair in one if pair[0] in kept]), len(keys))
    return Grouping(ids, SeriesSet(list(keys)))
