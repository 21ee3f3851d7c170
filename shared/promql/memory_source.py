"""Series in memory: samples are appended as they come, old ones are forgotten, and queries see what is left."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, Labels, labels_from
from shared.promql.source import Selection
from shared.promql.values import Floats
from shared.promql.windows import Origin, Windows
from shared.promql.windows_source import WindowsSource

_NOWHERE = Origin(-1, -1, -1)
_EVER = -(2**62)


class MemorySource:
    """A `Source` over windows of its own."""

    def __init__(self) -> None:
        self._windows = Windows()
        self._source = WindowsSource(self._windows)
        self._rows: dict[Labels, int] = {}
        self._keys: dict[str, int] = {}
        self._added = 0
        self._floor = _EVER

    def __len__(self) -> int:
        return len(self._rows)

    def rows_of(self, series: Iterable[Mapping[str, str]]) -> Ints:
        """The rows of series, `__name__` among their labels; unknown ones are added. It stays until forgotten."""
        return np.array([self._row(labels_from(labels)) for labels in series], np.int64)

    def append(self, rows: Ints, times: Ints, values: Floats) -> None:
        """Samples of rows, in ms. Of two samples of a series at the same time the first counts."""
        self._windows.append(rows, times, values, _NOWHERE, self._floor)
        self._source.sampled()

    def forget(self, until_ms: int) -> int:
        """Samples until then are needed no more. How many series went away with their last sample."""
        self._floor = max(self._floor, until_ms)
        idle = self._windows.idle(self._floor)
        for key in idle:
            del self._rows[self._source.removed(self._keys.pop(key))]
        self._windows.remove(idle)
        self._source.sampled()
        return len(idle)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`; the time range is not made use of."""
        return self._source.select(matchers, start_ms, end_ms)

    def _row(self, labels: Labels) -> int:
        row = self._rows.get(labels)
        if row is None:
            # The windows' own keys are numbers: labels are looked up here.
            self._added += 1
            row = self._windows.add(str(self._added))
            self._keys[str(self._added)] = self._rows[labels] = row
            self._source.added(row, dict(labels))
        return row
