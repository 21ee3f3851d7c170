"""Chosen samples as the points that outside monitoring systems take: one a series and interval."""

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from shared.messages.samples import SampleBatch
from shared.messages.series import NAME, Labels, labels_of
from shared.promql.errors import BadQuery
from shared.promql.expressions import PLAIN, VectorSelector
from shared.promql.matching import Selector
from shared.promql.parsing import parse_expression

# Samples come this long after their time at most, in the ordinary case: so long an interval waits until it is told.
GRACE_MS = 10_000
# A series that was silent for so long begins anew.
FORGOTTEN_MS = 3_600_000
MOST_KEYS = 200_000
# Parts of histograms and summaries count up like counters.
_COUNTED = ("_bucket", "_count", "_sum", "_total")


class Point(NamedTuple):
    """What is told of one series for one interval."""

    labels: Labels
    """`__name__` among them; read-only."""
    kind: Literal["gauge", "count"]
    time_ms: int
    """Of a gauge: when it was read; of a count: when the interval began."""
    value: float
    """Of a count: by how much the counter grew in the interval."""


@dataclass(slots=True)
class _Series:
    """What is known of one series, and what is not told yet: by the number of the interval."""

    labels: Labels
    counts: bool
    last_ms: int = -1
    last_value: float = math.nan
    told_up_to: int = -1
    """The last interval that was told."""
    waiting: dict[int, tuple[int, float]] = field(default_factory=dict)


def selectors_of(texts: Iterable[str]) -> tuple[Selector, ...]:
    """PromQL selectors, such as `http_requests_total{job="api"}`. ValueError naming what is none."""
    found: list[Selector] = []
    for text in texts:
        try:
            parsed = parse_expression(text)
        except BadQuery as error:
            raise ValueError(str(error)) from None
        if not isinstance(parsed, VectorSelector) or parsed.modifiers != PLAIN:
            raise ValueError(f'{text[:80]!r} is no selector, such as up or http_requests_total{{job="api"}}')
        some = parsed.alternatives or ((),)
        found += [Selector((*parsed.matchers, *more)) for more in some]
    return tuple(found)


class Forwarding:
    """Take in batches in the order of the bus, take out points. `dropped` counts what gets lost, by reason."""

    def __init__(self, selectors: Sequence[Selector], interval_ms: int, most_series: int) -> None:
        self._selectors, self._interval_ms, self._most_series = selectors, interval_ms, most_series
        self._series: dict[str, _Series] = {}
        # For each key that was met whether it is selected: selectors are slow to ask.
        self._selected: dict[str, bool] = {}
        self.dropped: Counter[str] = Counter()

    @property
    def series(self) -> int:
        """How many series are followed."""
        return len(self._series)

    def add(self, batch: SampleBatch) -> None:
        """The batch's samples of selected series."""
        followed = [self._followed(key, kind) for key, kind in zip(batch.series, batch.types, strict=True)]
        index, times, values = batch.columns()
        if None in followed:
            refused = np.array([one is None for one in followed], bool)
            self.dropped["too_many_series"] += int(refused[index].sum())
        chosen = np.array([isinstance(one, _Series) for one in followed], bool)[index]
        rows = zip(index[chosen].tolist(), times[chosen].tolist(), values[chosen].tolist(), strict=True)
        for number, time_ms, value in rows:
            series = followed[number]
            assert isinstance(series, _Series)
            self._note(series, time_ms, value)

    def take(self, now_ms: int, *, final: bool = False) -> list[Point]:
        """The points of the intervals that are over, in the order of their times; with `final` of all. What was silent
        for long is forgotten."""
        done = (now_ms - GRACE_MS) // self._interval_ms
        points: list[Point] = []
        for key in list(self._series):
            series = self._series[key]
            for interval in sorted(one for one in series.waiting if final or one < done):
                time_ms, value = series.waiting.pop(interval)
                points.append(Point(series.labels, "count" if series.counts else "gauge", time_ms, value))
                series.told_up_to = interval
            if not series.waiting and series.last_ms < now_ms - FORGOTTEN_MS:
                del self._series[key]
        points.sort(key=lambda one: one.time_ms)
        return points

    def _followed(self, key: str, kind: str) -> _Series | Literal[False] | None:
        """False if it is not selected; None if it is, and there is no room."""
        known = self._series.get(key)
        if known is not None:
            return known
        selected = self._selected.get(key)
        if selected is None:
            if len(self._selected) >= MOST_KEYS:
                self._selected.clear()
            labels = labels_of(key)
            selected = self._selected[key] = any(one.matches(labels) for one in self._selectors)
        if not selected:
            return False
        if len(self._series) >= self._most_series:
            return None
        labels = labels_of(key)
        made = self._series[key] = _Series(labels, _counts(labels[NAME], kind))
        return made

    def _note(self, series: _Series, time_ms: int, value: float) -> None:
        if not math.isfinite(value):
            self.dropped["not_finite"] += not math.isnan(value)  # NaN says that there is nothing, or no more
            return
        if time_ms <= series.last_ms:
            self.dropped["out_of_order"] += 1
            return
        before, known = series.last_value, series.last_ms >= 0
        series.last_ms, series.last_value = time_ms, value
        # What comes after its interval was told counts for the next one.
        interval = max(time_ms // self._interval_ms, series.told_up_to + 1)
        if not series.counts:
            series.waiting[interval] = (time_ms, value)
        elif known:
            grown = value - before if value >= before else value
            begun_ms, sum_before = series.waiting.get(interval, (interval * self._interval_ms, 0.0))
            series.waiting[interval] = (begun_ms, sum_before + grown)


class Waiting:
    """Points that one system is still owed: bounded, the oldest are dropped."""

    def __init__(self, most: int, oldest_ms: int) -> None:
        """At most so many; what is older than `oldest_ms` is refused there."""
        self._most, self._oldest_ms = most, oldest_ms
        self._points: deque[Point] = deque()
        self.dropped: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._points)

    def add(self, points: Iterable[Point]) -> None:
        """Behind those that wait."""
        self._points.extend(points)
        while len(self._points) > self._most:
            self._points.popleft()
            self.dropped["queue_full"] += 1

    def head(self, most: int, now_ms: int) -> list[Point]:
        """The first ones, to be sent; they stay until they are `done`."""
        while self._points and self._points[0].time_ms < now_ms - self._oldest_ms:
            self._points.popleft()
            self.dropped["too_old"] += 1
        return list(islice(self._points, most))

    def done(self, sent: Sequence[Point]) -> None:
        """Those at the head: they were taken, or never will be. Some may have been dropped meanwhile."""
        for point in sent:
            if self._points and self._points[0] is point:
                self._points.popleft()


def _counts(name: str, kind: str) -> bool:
    return kind == "counter" or (kind in ("histogram", "summary") and name.endswith(_COUNTED))
