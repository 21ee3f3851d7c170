"""Series in memory: samples are appended as they come, old ones are forgotten, and queries see what is left."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, Labels, labels_from
from shared.promql.source import Selection
from shared.promql.values import Floats
from shared.promql.window_pools import WindowPools
from shared.promql.windows_source import SeriesIndex, WindowsView

_EVER = -(2**62)


class MemorySource:
    """A `Source` over windows of its own."""

    def __init__(self) -> None:
        self._pools, self._index = WindowPools(), SeriesIndex()
        self._view = WindowsView(self._pools, self._index)
        self._rows: dict[Labels, int] = {}
        self._floor = _EVER

    def __len__(self) -> int:
        return len(self._rows)

    def rows_of(self, series: Iterable[Mapping[str, str]]) -> Ints:
        """The rows of series, `__name__` among their labels; unknown ones are added. It stays until forgotten."""
        return np.array([self._row(labels_from(labels)) for labels in series], np.int64)

    def append(self, rows: Ints, times: Ints, values: Floats) -> None:
        """Samples of rows, in ms. Of two samples of a series at the same time the first counts."""
        self._pools.append(rows, times, values, self._floor)
        self._view.sampled()

    def forget(self, until_ms: int) -> int:
        """Samples until then are needed no more. How many series went away with their last sample."""
        self._floor = max(self._floor, until_ms)
        rows = np.fromiter(self._rows.values(), np.int64, len(self._rows))
        idle = rows[self._pools.newest(rows) <= self._floor]
        for row in idle.tolist():
            del self._rows[self._index.remove(row)]
            self._pools.free(row)
        self._view.sampled()
        return len(idle)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`; the time range is not made use of."""
        return self._view.select(matchers, start_ms, end_ms)

    def _row(self, labels: Labels) -> int:
        row = self._rows.get(labels)
        if row is None:
            row = self._rows[labels] = self._pools.take()
            self._index.add(row, dict(labels))
            self._view.sampled()
        return row
