"""Windows of recent samples as a source of series: whoever owns the windows says which series is in which row."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from shared.messages.series import NAME
from shared.promql.apart import Apart
from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, Labels, SeriesSet, labels_from
from shared.promql.source import Selection, accepts
from shared.promql.window_pools import WindowPools

_MOST_REMEMBERED = 10_000
_EVER = 2**62


class SeriesIndex:
    """Which rows a selector selects: found once, until series come or go."""

    def __init__(self) -> None:
        self.labels: dict[int, Labels] = {}
        """By row."""
        self._mappings: dict[int, Mapping[str, str]] = {}
        self._by_metric: dict[str, dict[int, None]] = {}
        self._members: dict[tuple[Matcher, ...], tuple[Ints, SeriesSet]] = {}

    def add(self, row: int, labels: Mapping[str, str]) -> None:
        """The row belongs to the series with these labels, `__name__` among them."""
        self.labels[row], self._mappings[row] = labels_from(labels), labels
        metric = labels.get(NAME, "")
        self._by_metric.setdefault(metric, {})[row] = None
        self._forget(metric)

    def remove(self, row: int) -> Labels:
        """The row belongs to no series any more. The labels of the one that it belonged to."""
        metric = self._mappings.pop(row).get(NAME, "")
        del self._by_metric[metric][row]
        if not self._by_metric[metric]:
            del self._by_metric[metric]
        self._forget(metric)
        return self.labels.pop(row)

    def rows_named(self, metrics: Iterable[str]) -> list[int]:
        """The rows of all series of these metrics."""
        return [row for metric in metrics for row in self._by_metric.get(metric, ())]

    def rows(self, matchers: tuple[Matcher, ...]) -> tuple[Ints, SeriesSet]:
        """The rows that satisfy all matchers, in the order of their labels, and those."""
        found = self._members.get(matchers)
        if found is None:
            if len(self._members) >= _MOST_REMEMBERED:
                self._members.clear()
            rows = [row for row in self._candidates(matchers) if accepts(matchers, self._mappings[row])]
            rows.sort(key=self.labels.__getitem__)
            found = np.array(rows, np.int64), SeriesSet([self.labels[row] for row in rows])
            self._members[matchers] = found
        return found

    def _candidates(self, matchers: tuple[Matcher, ...]) -> Iterable[int]:
        metrics = [one for one in matchers if one.label == NAME]
        named = next((one.value for one in metrics if one.op == "="), None)
        if named is not None:
            return list(self._by_metric.get(named, ()))
        names = [name for name in self._by_metric if all(one.matches(name) for one in metrics)]
        return [row for name in names for row in self._by_metric[name]]

    def _forget(self, metric: str) -> None:
        """What a series of this metric may belong to has to be found anew."""
        if not self._members:
            return
        stale = [key for key in self._members if all(one.matches(metric) for one in key if one.label == NAME)]
        for key in stale:
            del self._members[key]


class WindowsView:
    """A `Source` over windows, up to an instant. What was selected once is given again until `sampled` is called."""

    def __init__(
        self,
        pools: WindowPools,
        index: SeriesIndex,
        until_ms: int = _EVER,
        only: frozenset[int] | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._pools, self._index, self._until_ms, self._only = pools, index, until_ms, only
        self._lock = lock or nullcontext()
        self._selections: dict[tuple[Matcher, ...], Selection] = {}

    def sampled(self) -> None:
        """The windows hold other samples than before."""
        self._selections.clear()

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`; the time range is not made use of."""
        key = tuple(matchers)
        found = self._selections.get(key)
        if found is None:
            with self._lock:
                rows, series = self._index.rows(key)
                if self._only is not None:
                    some = _places(rows, series, self._only)
                    rows, series = rows[some], series.take(some)
                if len(self._selections) >= _MOST_REMEMBERED:
                    self._selections.clear()
                held = self._pools.held(rows, self._until_ms)
                found = Selection(series, apart=held) if isinstance(held, Apart) else Selection(series, held)
                self._selections[key] = found
        return found


def _places(rows: Ints, series: SeriesSet, only: frozenset[int]) -> Ints:
    """Where among the rows some of them are, in order; without looking at all of them each time."""
    places = series.remember("places", lambda: {row: place for place, row in enumerate(rows.tolist())})
    return np.array(sorted(places[row] for row in only if row in places), np.int64)
