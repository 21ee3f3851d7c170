"""Windows of recent samples as a source of series: whoever owns the windows says which series is in which row."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from shared.messages.series import NAME
from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, Labels, SeriesSet, labels_from
from shared.promql.source import Block, Selection, accepts, is_stale
from shared.promql.windows import Windows

_MOST_REMEMBERED = 10_000


class WindowsSource:
    """A `Source` over the rows of `Windows`.

    Which series a selector selects is found once, until series come or go; their samples are gathered once, until
    there are new ones. The owner says so: `added`, `removed`, `sampled`.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._mappings: dict[int, Mapping[str, str]] = {}
        self._labels: dict[int, Labels] = {}
        self._by_metric: dict[str, dict[int, None]] = {}
        self._members: dict[tuple[Matcher, ...], tuple[Ints, SeriesSet]] = {}
        self._selections: dict[tuple[Matcher, ...], Selection] = {}

    def added(self, row: int, labels: Mapping[str, str]) -> None:
        """The row belongs to the series with these labels, `__name__` among them."""
        self._labels[row], self._mappings[row] = labels_from(labels), labels
        self._by_metric.setdefault(labels.get(NAME, ""), {})[row] = None
        self._members.clear()
        self._selections.clear()

    def removed(self, row: int) -> Labels:
        """The row belongs to no series any more. The labels of the one that it belonged to."""
        metric = self._mappings.pop(row).get(NAME, "")
        del self._by_metric[metric][row]
        if not self._by_metric[metric]:
            del self._by_metric[metric]
        self._members.clear()
        self._selections.clear()
        return self._labels.pop(row)

    def sampled(self) -> None:
        """The windows hold other samples than before."""
        self._selections.clear()

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`; the time range is not made use of."""
        key = tuple(matchers)
        found = self._selections.get(key)
        if found is None:
            rows, series = self._selected(key)
            if len(self._selections) >= _MOST_REMEMBERED:
                self._selections.clear()
            found = self._selections[key] = Selection(series, self._blocks(rows))
        return found

    def _selected(self, matchers: tuple[Matcher, ...]) -> tuple[Ints, SeriesSet]:
        found = self._members.get(matchers)
        if found is None:
            if len(self._members) >= _MOST_REMEMBERED:
                self._members.clear()
            rows = [row for row in self._candidates(matchers) if accepts(matchers, self._mappings[row])]
            rows.sort(key=self._labels.__getitem__)
            found = np.array(rows, np.int64), SeriesSet([self._labels[row] for row in rows])
            self._members[matchers] = found
        return found

    def _candidates(self, matchers: tuple[Matcher, ...]) -> Iterable[int]:
        metrics = [one for one in matchers if one.label == NAME]
        named = next((one.value for one in metrics if one.op == "="), None)
        if named is not None:
            return list(self._by_metric.get(named, ()))
        names = [name for name in self._by_metric if all(one.matches(name) for one in metrics)]
        return [row for name in names for row in self._by_metric[name]]

    def _blocks(self, rows: Ints) -> list[Block]:
        """Series with the same times together."""
        if not len(rows):
            return []
        counts, times, values = self._windows.columns(rows)
        width = times.shape[1]
        together: dict[bytes, list[int]] = {}
        if (counts == counts[0]).all() and (times == times[0]).all():
            together[b""] = list(range(len(rows)))
        else:
            for place, count in enumerate(counts.tolist()):
                together.setdefault(times[place, width - count :].tobytes(), []).append(place)
        blocks = []
        for places in together.values():
            begin = width - int(counts[places[0]])
            some = np.array(places, np.int64)
            taken = values[:, begin:] if len(places) == len(rows) else values[some, begin:]
            blocks.append(Block(some, times[places[0], begin:], taken, bool(is_stale(taken).any())))
        return blocks
