"""Which samples of a batch are new, which may be there already, and which are there twice in the batch itself."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from services.history.core.series_index import UNKNOWN, Integers

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Samples as columns of one length: slot of the series, ms since the epoch, value."""

    slots: Integers
    times: Integers
    values: Floats

    def __len__(self) -> int:
        return len(self.times)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Self:
        """Those for which `chosen` holds."""
        return type(self)(self.slots[chosen], self.times[chosen], self.values[chosen])


@dataclass(frozen=True)
class Distinct:
    """Samples by series and time, each (series, time) once, and how many came again in the same batch."""

    samples: Samples
    repeated_same: int
    repeated_other: int
    """Came again with another value than the one that is kept."""


@dataclass(frozen=True)
class Earliest:
    """For each of some series the earliest time in a batch."""

    slots: Integers
    times: Integers


def concatenated(parts: list[Samples]) -> Samples:
    """The samples of all parts, in order."""
    if not parts:
        return Samples(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    return Samples(
        np.concatenate([part.slots for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def distinct(samples: Samples) -> Distinct:
    """Of samples in the order of the log: by series and time, the first of each (series, time). Values are compared
    bit by bit, so that a NaN equals itself and a staleness marker no other NaN."""
    order = np.lexsort((samples.times, samples.slots))  # stable: what came first in the log stays first
    slots, times, values = samples.slots[order], samples.times[order], samples.values[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (slots[1:] != slots[:-1]) | (times[1:] != times[:-1])
    if first.all():
        return Distinct(Samples(slots, times, values), 0, 0)
    kept = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    bits = np.ascontiguousarray(values).view(np.uint64)
    other = int(np.count_nonzero(bits != bits[kept]))
    repeated = int(np.count_nonzero(~first))
    return Distinct(Samples(slots, times, values).where(first), repeated - other, other)


def to_be_asked(samples: Samples, last: Integers) -> Earliest:
    """The series of `samples` (as `distinct` orders them) whose last time is UNKNOWN, with their earliest time here:
    the database has to be asked only from then on."""
    first = np.ones(len(samples), np.bool_)
    first[1:] = samples.slots[1:] != samples.slots[:-1]
    first &= last[samples.slots] == UNKNOWN
    return Earliest(samples.slots[first], samples.times[first])


def split(samples: Samples, last: Integers) -> tuple[Samples, Samples]:
    """(newer, late): samples after their series' last stored time, which can't be there yet, and the others, which may.
    Those of a series whose last time is UNKNOWN are late."""
    newer = samples.times > last[samples.slots]
    return samples.where(newer), samples.where(~newer)


def advance(last: Integers, samples: Samples) -> None:
    """Raise the last times, in place, to those of `samples` that have been stored."""
    np.maximum.at(last, samples.slots, samples.times)
