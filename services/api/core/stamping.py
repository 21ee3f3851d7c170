"""Times for samples that came without one: now, but never the same twice for a series.

A sample is identified by its series and time, so two posts within a millisecond would otherwise count as one.
"""

from collections.abc import Iterable

from services.api.core.ingest import Pushed
from shared.messages.samples import Sample


class Stamper:
    """Remembers only the series that were stamped with the present millisecond, or one to come."""

    def __init__(self) -> None:
        self._now_ms = 0
        self._last: dict[str, int] = {}

    def stamp(self, pushed: Iterable[Pushed], now_ms: int) -> list[Sample]:
        """The samples, each with a time."""
        if now_ms != self._now_ms:
            self._now_ms = now_ms
            self._last = {series: last for series, last in self._last.items() if last >= now_ms}
        return [
            Sample(one.series, self._next(one.series) if one.time_ms is None else one.time_ms, one.value, one.type)
            for one in pushed
        ]

    def _next(self, series: str) -> int:
        time_ms = max(self._now_ms, self._last.get(series, 0) + 1)
        self._last[series] = time_ms
        return time_ms
