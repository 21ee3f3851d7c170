"""Series in memory: samples are appended as they come, old ones are forgotten, and queries see what is left."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from shared.messages.series import NAME
from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, Labels, SeriesSet, labels_from
from shared.promql.source import Block, Selection, accepts, is_stale
from shared.promql.values import Floats
from shared.promql.windows import Origin, Windows

_MOST_REMEMBERED = 10_000
_NOWHERE = Origin(-1, -1, -1)
_EVER = -(2**62)


class MemorySource:
    """A `Source` over windows of recent samples. Which series a selector selects is found once, until series change."""

    def __init__(self) -> None:
        self._windows = Windows()
        self._rows: dict[Labels, int] = {}
        self._mappings: dict[int, Mapping[str, str]] = {}
        self._labels: dict[int, Labels] = {}
        self._by_metric: dict[str, dict[int, None]] = {}
        self._members: dict[tuple[Matcher, ...], tuple[Ints, SeriesSet]] = {}
        self._selections: dict[tuple[Matcher, ...], Selection] = {}
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
        self._selections.clear()

    def forget(self, until_ms: int) -> int:
        """Samples until then are needed no more. How many series went away with their last sample."""
        self._floor = max(self._floor, until_ms)
        idle = self._windows.idle(self._floor)
        for key in idle:
            self._remove(self._keys.pop(key))
        if idle:
            self._windows.remove(idle)
            self._members.clear()
        self._selections.clear()
        return len(idle)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`; the time range is not made use of."""
        key = tuple(matchers)
        found = self._selections.get(key)
        if found is None:
            if len(self._selections) >= _MOST_REMEMBERED:
                self._selections.clear()
            found = self._selections[key] = self._select(key)
        return found

    def _row(self, labels: Labels) -> int:
        row = self._rows.get(labels)
        if row is None:
            # The windows' own keys are numbers: labels are looked up here.
            self._added += 1
            row = self._windows.add(str(self._added))
            self._keys[str(self._added)] = row
            self._rows[labels] = row
            self._labels[row], self._mappings[row] = labels, dict(labels)
            self._by_metric.setdefault(self._mappings[row].get(NAME, ""), {})[row] = None
            self._members.clear()
            self._selections.clear()
        return row

    def _remove(self, row: int) -> None:
        metric = self._mappings.pop(row).get(NAME, "")
        del self._by_metric[metric][row]
        if not self._by_metric[metric]:
            del self._by_metric[metric]
        del self._rows[self._labels.pop(row)]

    def _select(self, matchers: tuple[Matcher, ...]) -> Selection:
        found = self._members.get(matchers)
        if found is None:
            if len(self._members) >= _MOST_REMEMBERED:
                self._members.clear()
            rows = [row for row in self._candidates(matchers) if accepts(matchers, self._mappings[row])]
            rows.sort(key=self._labels.__getitem__)
            found = np.array(rows, np.int64), SeriesSet([self._labels[row] for row in rows])
            self._members[matchers] = found
        rows_found, series = found
        return Selection(series, self._blocks(rows_found))

    def _candidates(self, matchers: tuple[Matcher, ...]) -> Iterable[int]:
        metrics = [one for one in matchers if one.label == NAME]
        if any(one.op == "=" for one in metrics):
            name = next(one.value for one in metrics if one.op == "=")
            return list(self._by_metric.get(name, ()))
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
            whole = len(places) == len(rows)
            taken = values[:, begin:] if whole else values[some, begin:]
            blocks.append(Block(some, times[places[0], begin:], taken, bool(is_stale(taken).any())))
        return blocks
