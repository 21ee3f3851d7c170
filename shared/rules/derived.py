"""Series that rules make: kept beside a source, and seen together with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from shared.messages.samples import STALE
from shared.messages.series import NAME
from shared.promql.matching import Matcher
from shared.promql.series_sets import EMPTY, Ints, Labels, SeriesSet
from shared.promql.source import Block, Selection, Source, accepts, is_stale, stacked
from shared.promql.values import Floats

STALE_MARKER = STALE


class Recorded(NamedTuple):
    """A sample that a rule made. Its value may be the staleness marker."""

    labels: Labels
    time_ms: int
    value: float


@dataclass
class _Column:
    """The samples of one series; times rise strictly."""

    times: Ints = field(default_factory=lambda: np.zeros(8, np.int64))
    values: Floats = field(default_factory=lambda: np.zeros(8))
    count: int = 0

    def append(self, time_ms: int, value: float) -> None:
        if self.count and time_ms <= self.times[self.count - 1]:
            # One rule lets go of a series that another takes over at the same instant.
            if time_ms == self.times[self.count - 1] and is_stale(self.values[self.count - 1 : self.count]).all():
                self.values[self.count - 1] = value
            return
        if self.count == len(self.times):
            more = max(self.count, 8)
            self.times = np.concatenate([self.times, np.zeros(more, np.int64)])
            self.values = np.concatenate([self.values, np.zeros(more)])
        self.times[self.count], self.values[self.count] = time_ms, value
        self.count += 1

    def forget(self, until_ms: int) -> bool:
        """Samples until then are needed no more; whether any is left."""
        first = int(np.searchsorted(self.times[: self.count], until_ms, "right"))
        if first:
            self.times, self.values = self.times[first : self.count].copy(), self.values[first : self.count].copy()
            self.count -= first
        return self.count > 0

    def between(self, start_ms: int, end_ms: int) -> tuple[Ints, Floats]:
        lo, hi = np.searchsorted(self.times[: self.count], (start_ms, end_ms), "right").tolist()
        return self.times[lo:hi], self.values[lo:hi]


class DerivedSeries:
    """A `Source` of samples that are appended in the order of time; of two at one time the first counts, unless it is a
    staleness marker."""

    def __init__(self, samples: Sequence[Recorded] = ()) -> None:
        self._columns: dict[Labels, _Column] = {}
        self._by_metric: dict[str, list[Labels]] = {}
        self._members: dict[tuple[Matcher, ...], SeriesSet] = {}
        self.append(samples)

    def append(self, samples: Sequence[Recorded]) -> None:
        """Take in samples."""
        for labels, time_ms, value in samples:
            column = self._columns.get(labels)
            if column is None:
                column = self._columns[labels] = _Column()
                self._by_metric.setdefault(dict(labels).get(NAME, ""), []).append(labels)
                self._members.clear()
            column.append(time_ms, value)

    def forget(self, until_ms: int) -> None:
        """Samples until then are needed no more."""
        for labels in [labels for labels, column in self._columns.items() if not column.forget(until_ms)]:
            del self._columns[labels]
            self._by_metric[dict(labels).get(NAME, "")].remove(labels)
            self._members.clear()

    def samples(self) -> list[Recorded]:
        """All that it holds."""
        return [
            Recorded(labels, time, value)
            for labels, column in self._columns.items()
            for time, value in zip(
                column.times[: column.count].tolist(), column.values[: column.count].tolist(), strict=True
            )
        ]

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`."""
        key = tuple(matchers)
        series = self._members.get(key)
        if series is None:
            found = sorted(labels for labels in self._candidates(key) if accepts(key, dict(labels)))
            series = self._members[key] = SeriesSet(found) if found else EMPTY
        columns = [self._columns[labels].between(start_ms, end_ms) for labels in series.labels]
        return Selection(series, stacked(columns))

    def _candidates(self, matchers: tuple[Matcher, ...]) -> list[Labels]:
        names = [one for one in matchers if one.label == NAME]
        exact = next((one.value for one in names if one.op == "="), None)
        if exact is not None:
            return self._by_metric.get(exact, [])
        chosen = [name for name in self._by_metric if all(one.matches(name) for one in names)]
        return [labels for name in chosen for labels in self._by_metric[name]]


class Overlay:
    """A `Source` of two: where both hold a series its samples are merged, and those of `over` count."""

    def __init__(self, under: Source, over: Source) -> None:
        self._under, self._over = under, over

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`."""
        over = self._over.select(matchers, start_ms, end_ms)
        under = self._under.select(matchers, start_ms, end_ms)
        if not len(over.series):
            return under
        return over if not len(under.series) else _merged(under, over)


def _merged(under: Selection, over: Selection) -> Selection:
    series = under.series
    if not set(over.series.labels) <= set(series.labels):
        # In the order of labels: which samples have come back from the bus must not show.
        series = SeriesSet(sorted({*series.labels, *over.series.labels}))
    rows = {labels: row for row, labels in enumerate(series.labels)}
    placed = np.array([rows[labels] for labels in under.series.labels], np.int64)
    above = {rows[labels]: samples for labels, samples in _samples(over).items()}
    blocks = []
    for block in under.blocks:
        own = placed[block.rows]
        kept = [place for place, row in enumerate(own.tolist()) if row not in above]
        for row, values in zip(own.tolist(), block.values, strict=True):
            if row in above:
                above[row] = _joined(block.times, values, *above[row])
        if series is under.series and len(kept) == len(own):
            blocks.append(block)
        elif kept:
            blocks.append(Block(own[kept], block.times, block.values[kept], block.marked))
    numbers = np.array(list(above), np.int64)
    blocks += [
        Block(numbers[block.rows], block.times, block.values, block.marked) for block in stacked(list(above.values()))
    ]
    return Selection(series, blocks)


def _samples(selection: Selection) -> dict[Labels, tuple[Ints, Floats]]:
    return {
        selection.series[row]: (block.times, values)
        for block in selection.blocks
        for row, values in zip(block.rows.tolist(), block.values, strict=True)
    }


def _joined(under_times: Ints, under: Floats, over_times: Ints, over: Floats) -> tuple[Ints, Floats]:
    kept = ~np.isin(under_times, over_times)
    times = np.concatenate([under_times[kept], over_times])
    order = np.argsort(times, kind="stable")
    return times[order], np.concatenate([under[kept], over])[order]
