"""What arrives for a group that is evaluated on arrival, and when: found in history, and in what other groups make.

When a sample came is not stored; it counts as arrived at its own time, as it does live for whoever is not late. Which
samples came in one batch isn't either: those of one time are taken together. What another group makes comes by itself,
at the instant at which it is made, which its time lies before if that group has an offset.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from shared.promql.matching import Matcher, Selector
from shared.promql.series_sets import Ints, Labels, SeriesSet
from shared.promql.source import Block, Selection, Source
from shared.rules.derived import Recorded
from shared.rules.plan import GroupPlan


class TooManyInstants(ValueError):
    """A group would be evaluated more often than is allowed; the text says how often."""


class Arrival(NamedTuple):
    """Samples of one time that come together, by their series."""

    came_ms: int
    time_ms: int
    series: Sequence[Labels]


class Arrivals:
    """Those of one group, stretch by stretch."""

    def __init__(self, plan: GroupPlan) -> None:
        self._plan = plan
        self._selectors = [rule.query.selectors for rule in plan.rules]
        self._all = sorted({selector for some in self._selectors for selector in some}, key=repr)
        self._ids: dict[Labels, int] = {}
        self._labels: list[Labels] = []
        self._concerned: dict[Labels, tuple[int, ...]] = {}
        self._made: dict[tuple[int, int, int], dict[Labels, None]] = {}
        """By when it came, its time, and the number of the batch."""
        self._batches = 0

    def concerned(self, series: Iterable[Labels]) -> list[int]:
        """The places of the rules that select one of these."""
        return sorted({place for labels in series for place in self._rules_of(labels)})

    def note_made(self, samples: Iterable[Recorded], offset_ms: int) -> None:
        """Another group, with this offset, has made samples."""
        self._batches += 1
        for labels, time_ms, _ in samples:
            if self._rules_of(labels):
                self._made.setdefault((time_ms + offset_ms, time_ms, self._batches), {})[labels] = None

    def between(self, source: Source, first_ms: int, last_ms: int) -> Iterator[Arrival]:
        """What `source`, history, holds from the first to the last instant, and all that was noted, as it came."""
        found = {key: list(series) for key, series in self._made.items()}
        self._made = {}
        found |= {(time, time, 0): list(series) for time, series in self._sampled(source, first_ms, last_ms)}
        for key in sorted(found):
            yield Arrival(key[0], key[1], found[key])

    def _rules_of(self, labels: Labels) -> tuple[int, ...]:
        found = self._concerned.get(labels)
        if found is None:
            named = dict(labels)
            found = tuple(
                place for place, some in enumerate(self._selectors) if any(one.matches(named) for one in some)
            )
            self._concerned[labels] = found
        return found

    def _sampled(self, source: Source, first_ms: int, last_ms: int) -> Iterator[tuple[int, Sequence[Labels]]]:
        """The times of samples in [first, last], in order, and whose they are."""
        pairs = [pair for one in self._all for pair in self._pairs(source, one, first_ms, last_ms)]
        if not pairs:
            return
        every = np.unique(np.concatenate(pairs), axis=0)
        instants, starts = np.unique(every[:, 0], return_index=True)
        for time, ids in zip(instants.tolist(), np.split(every[:, 1], starts[1:]), strict=True):
            yield time, [self._labels[one] for one in ids.tolist()]

    def _pairs(self, source: Source, selector: Selector, first_ms: int, last_ms: int) -> Iterator[Ints]:
        """Times and series' numbers, [N, 2]."""
        found = source.select(selector.matchers, first_ms - 1, last_ms)
        for block in found.blocks:
            lo, hi = np.searchsorted(block.times, (first_ms, last_ms + 1)).tolist()
            if hi > lo and len(block.rows):
                numbers = np.array([self._number(found.series[row]) for row in block.rows.tolist()], np.int64)
                times = block.times[lo:hi]
                yield np.stack([np.repeat(times, len(numbers)), np.tile(numbers, len(times))], axis=1)

    def _number(self, labels: Labels) -> int:
        found = self._ids.setdefault(labels, len(self._labels))
        if found == len(self._labels):
            self._labels.append(labels)
        return found


class _Held(NamedTuple):
    """What was selected for all arrivals of a stretch, and where in it each series is."""

    start_ms: int
    end_ms: int
    series: SeriesSet
    blocks: Sequence[Block]
    places: dict[Labels, tuple[int, int, int]]
    """Row, number of the block, and place in it."""


class Alone:
    """A `Source` of the series that have arrived, and no others: what they come from is selected once for a stretch,
    so that the arrival of one doesn't cost as much as that of all."""

    def __init__(self, source: Source, last_ms: int) -> None:
        """Instants up to the last are asked for, in their order."""
        self._source, self._last_ms = source, last_ms
        self._instant_ms = last_ms
        self._series: Sequence[Labels] = ()
        self._held: dict[tuple[Matcher, ...], _Held] = {}

    def arrive(self, instant_ms: int, series: Sequence[Labels]) -> "Alone":
        """The same for those that have arrived at an instant."""
        self._instant_ms, self._series = instant_ms, series
        return self

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`."""
        key = tuple(matchers)
        held = self._held.get(key)
        if held is None or start_ms < held.start_ms or end_ms > held.end_ms:
            held = self._held[key] = self._select(key, start_ms, end_ms + max(self._last_ms - self._instant_ms, 0))
        chosen = sorted(held.places[labels] for labels in self._series if labels in held.places)
        if len(chosen) == len(held.series):
            return Selection(held.series, [_cut(block, start_ms, end_ms) for block in held.blocks])
        series = SeriesSet([held.series[row] for row, _, _ in chosen])
        places: dict[int, list[tuple[int, int]]] = {}
        for row, (_, number, place) in enumerate(chosen):
            places.setdefault(number, []).append((row, place))
        return Selection(series, [_cut(held.blocks[number], start_ms, end_ms, some) for number, some in places.items()])

    def _select(self, matchers: tuple[Matcher, ...], start_ms: int, end_ms: int) -> _Held:
        found = self._source.select(matchers, start_ms, end_ms)
        blocks = [block for block in found.blocks if len(block.rows)]
        places = {
            found.series[row]: (row, number, place)
            for number, block in enumerate(blocks)
            for place, row in enumerate(block.rows.tolist())
        }
        return _Held(start_ms, end_ms, found.series, blocks, places)


def _cut(block: Block, start_ms: int, end_ms: int, rows: Sequence[tuple[int, int]] | None = None) -> Block:
    """The samples in (start, end]; `rows`: of those places alone, by their new rows."""
    lo, hi = np.searchsorted(block.times, (start_ms, end_ms), "right").tolist()
    times, values = block.times[lo:hi], block.values[:, lo:hi]
    if rows is None:
        return Block(block.rows, times, values, block.marked)
    numbers = np.array([row for row, _ in rows], np.int64)
    return Block(numbers, times, values[[place for _, place in rows]], block.marked)
