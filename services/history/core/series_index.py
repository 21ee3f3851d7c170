"""What the writer knows of series without asking the database: id, type, and the time of the last stored sample.

A series has a *slot*, its position in three arrays, so that a batch is looked up with one dictionary access a series
and everything after that is array work.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.messages.series import METRIC_TYPES

Integers = npt.NDArray[np.int64]

NEVER = int(np.iinfo(np.int64).min)
"""Last time of a series that has no sample."""
UNKNOWN = int(np.iinfo(np.int64).max)
"""Last time of a series that may have samples: nothing counts as newer."""
ABSENT = -1
"""Slot of a series that is not in the index."""

_CODES = {metric_type: code for code, metric_type in enumerate(METRIC_TYPES)}
_UNTYPED = _CODES["unknown"]


class SeriesIndex:
    """The series that were met, at most about `most` of them.

    It is a cache of what the database holds: `forget` is always safe, and due whenever a transaction that it took part
    in was rolled back or somebody else may have written.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._slots: dict[str, int] = {}
        self.ids: Integers = np.empty(1024, np.int64)
        self.last: Integers = np.empty(1024, np.int64)
        """By slot: ms since the epoch of the last stored sample, NEVER or UNKNOWN."""
        self._types: npt.NDArray[np.int8] = np.empty(1024, np.int8)

    def __len__(self) -> int:
        return len(self._slots)

    def slots(self, keys: Sequence[str]) -> Integers:
        """The slot of each key; ABSENT for those not in the index."""
        get = self._slots.get
        return np.fromiter((get(key, ABSENT) for key in keys), np.int64, len(keys))

    def retyped(self, slots: Integers, types: Sequence[str]) -> Integers:
        """The positions at which a known series comes with another type than before, other than `unknown`."""
        codes = np.fromiter(map(_CODES.__getitem__, types), np.int8, len(types))
        return np.flatnonzero((slots != ABSENT) & (codes != _UNTYPED) & (codes != self._types[slots]))

    def set_types(self, slots: Integers, types: Sequence[str]) -> None:
        """Note that the series in `slots` now have `types`."""
        self._types[slots] = [_CODES[one] for one in types]

    def full_with(self, more: int) -> bool:
        """Whether `more` series would be too many."""
        return len(self._slots) + more > self._most

    def add(self, keys: Sequence[str], ids: Sequence[int], types: Sequence[str], last: int) -> None:
        """Add series that are not in the index yet, with one last time for all: NEVER or UNKNOWN."""
        start = len(self._slots)
        end = start + len(keys)
        if end > len(self.ids):
            room = max(end, 2 * len(self.ids))
            self.ids = np.resize(self.ids, room)
            self.last = np.resize(self.last, room)
            self._types = np.resize(self._types, room)
        self._slots.update(zip(keys, range(start, end), strict=True))
        self.ids[start:end] = ids
        self.last[start:end] = last
        self._types[start:end] = [_CODES[one] for one in types]

    def forget(self) -> None:
        """Know nothing."""
        self._slots.clear()
