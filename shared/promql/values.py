"""What expressions evaluate to: all steps at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.promql.series_sets import EMPTY, Ints, SeriesSet

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Vector:
    """An instant vector at each of T steps.

    `values` is [S, T]; where `present` [S, T] is False the series has no element at that step, and the value there
    means nothing. `dropped` [S] says whose metric name goes away at the end of the query.
    """

    series: SeriesSet
    values: Floats
    present: Flags
    dropped: Flags

    def __len__(self) -> int:
        return len(self.series)

    def take(self, rows: Ints) -> "Vector":
        """The vector of these rows, in their order."""
        return Vector(self.series.take(rows), self.values[rows], self.present[rows], self.dropped[rows])


@dataclass(frozen=True, eq=False)
class Scalar:
    """A number at each of T steps."""

    values: Floats


@dataclass(frozen=True)
class Text:
    """A string."""

    value: str


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples of one series: a row of a range vector."""

    row: int
    times: Ints
    values: Floats


@dataclass(frozen=True, eq=False)
class Matrix:
    """A range vector at one instant."""

    series: SeriesSet
    samples: tuple[Samples, ...]


Value = Vector | Scalar | Text | Matrix


def empty_vector(steps: int) -> Vector:
    """A vector without series."""
    return Vector(EMPTY, np.zeros((0, steps)), np.zeros((0, steps), np.bool_), np.zeros(0, np.bool_))


def at_all_steps(flags: Flags, series: int) -> Flags:
    """Flags by step as flags by series and step, without a copy."""
    return np.broadcast_to(flags, (series, len(flags)))


def everywhere(present: Flags) -> bool:
    """Whether nothing is missing."""
    if present.ndim == 2 and present.shape[0] > 0 and present.strides[0] == 0:
        return bool(present[0].all())
    return bool(present.all())


def concatenated(first: Vector, second: Vector) -> Vector:
    """The rows of both, one after the other."""
    if not len(first):
        return second
    if not len(second):
        return first
    return Vector(
        SeriesSet([*first.series.labels, *second.series.labels]),
        np.concatenate([first.values, second.values]),
        np.concatenate([first.present, second.present]),
        np.concatenate([first.dropped, second.dropped]),
    )
