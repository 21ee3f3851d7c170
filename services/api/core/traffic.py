"""HTTP traffic of the recent past, from the counters that each api puts on the bus.

A source sends all of its counters together, so what one batch shows above the batch before it happened in between; a
counter that went down, or was not there before, began at zero.
"""

import math
from collections import deque
from dataclasses import dataclass

from services.api.core.bodies import ApplicationBody, ChartsBody, Point
from services.api.core.system import LOOKBACK_MS
from shared.messages.samples import SampleBatch
from shared.messages.series import NAME, labels_of

SOURCE_PREFIX = "api/"
REQUESTS = "http_requests_total"
SECONDS = "http_request_duration_seconds_sum"
COUNT = "http_request_duration_seconds_count"
CONNECTIONS = "http_active_connections"
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Span:
    """What happened between two readings of one source."""

    until_ms: int
    length_ms: int
    requests: float
    errors: float
    seconds: float
    timed: float


@dataclass(frozen=True)
class _Source:
    at_ms: int
    counters: dict[str, float]
    connections: float | None


class TrafficView:
    """The spans of the last `minutes`, of all sources."""

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._sources: dict[str, _Source] = {}
        self._spans: deque[Span] = deque()

    def put(self, batch: SampleBatch) -> None:
        """Take a batch; others than an api's are passed over."""
        if not batch.source.startswith(SOURCE_PREFIX):
            return
        now = _read(batch)
        if now is None:
            return
        before = self._sources.get(batch.source)
        if before is not None and before.at_ms >= now.at_ms:
            return
        self._sources[batch.source] = now
        if before is not None:
            self._spans.append(_between(before, now))
            while self._spans[0].until_ms < now.at_ms - (self._minutes + 1) * MINUTE_MS:
                self._spans.popleft()

    def application(self, now_ms: int) -> ApplicationBody:
        """The last five minutes in figures."""
        recent = [span for span in self._spans if span.until_ms > now_ms - LOOKBACK_MS]
        present = [one for one in self._sources.values() if one.at_ms > now_ms - LOOKBACK_MS]
        requests = sum(span.requests for span in recent)
        timed = sum(span.timed for span in recent)
        covered_ms = now_ms - min((span.until_ms - span.length_ms for span in recent), default=now_ms)
        connections = [one.connections for one in present if one.connections is not None]
        return ApplicationBody(
            response_time_ms=sum(span.seconds for span in recent) / timed * 1000 if timed else None,
            request_rate_per_minute=requests / (max(covered_ms, 1) / MINUTE_MS) if recent else None,
            error_rate_percent=sum(span.errors for span in recent) / requests * 100 if requests else None,
            active_connections=round(sum(connections)) if connections else None,
        )

    def charts(self, now_ms: int) -> ChartsBody:
        """One point for each whole minute of which something is known, oldest first."""
        this_minute = now_ms // MINUTE_MS
        minutes: dict[int, list[Span]] = {}
        for span in self._spans:
            # A span belongs to the minute in which most of it lies.
            minutes.setdefault((span.until_ms - min(span.length_ms, MINUTE_MS) // 2) // MINUTE_MS, []).append(span)
        known = [minute for minute in sorted(minutes) if this_minute - self._minutes <= minute < this_minute]
        times: list[Point] = []
        rates: list[Point] = []
        for minute in range(known[0], known[-1] + 1) if known else ():
            spans = minutes.get(minute, [])
            timed = sum(span.timed for span in spans)
            mean = sum(span.seconds for span in spans) / timed * 1000 if timed else None
            times.append(Point(time=minute * MINUTE_MS, value=mean))
            rates.append(Point(time=minute * MINUTE_MS, value=_rate(spans)))
        return ChartsBody(response_times=times, request_rates=rates)


def _rate(spans: list[Span]) -> float | None:
    """Requests in a minute: sources add up, and a source's spans share the minute."""
    return sum(span.requests for span in spans) if spans else None


def _read(batch: SampleBatch) -> _Source | None:
    index, times, values = batch.columns()
    counters: dict[str, float] = {}
    connections: float | None = None
    for position, value in zip(index.tolist(), values.tolist(), strict=True):
        key = batch.series[position]
        name = labels_of(key)[NAME]
        if not math.isfinite(value):
            continue
        if name == CONNECTIONS:
            connections = value
        elif name in (REQUESTS, SECONDS, COUNT):
            counters[key] = value
    if connections is None and not counters:
        return None
    return _Source(int(times.max()), counters, connections)


def _between(before: _Source, now: _Source) -> Span:
    sums = {REQUESTS: 0.0, SECONDS: 0.0, COUNT: 0.0}
    errors = 0.0
    for key, value in now.counters.items():
        earlier = before.counters.get(key, 0.0)
        increase = value - earlier if value >= earlier else value
        labels = labels_of(key)
        sums[labels[NAME]] += increase
        if labels[NAME] == REQUESTS and labels.get("status_code", "").startswith("5"):
            errors += increase
    return Span(now.at_ms, now.at_ms - before.at_ms, sums[REQUESTS], errors, sums[SECONDS], sums[COUNT])
