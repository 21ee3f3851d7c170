"""Which steps a chart over a period has."""

from dataclasses import dataclass
from typing import Literal

from services.api.core.bodies import PerformanceMetric
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery

SHORTEST_MS, LONGEST_MS = 5 * 60_000, 30 * 86_400_000
MOST_STEPS = 120
STEPS = (15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600)

UNITS: dict[PerformanceMetric, Literal["ms", "requests/min", "%"]] = {
    "response_time": "ms",
    "request_rate": "requests/min",
    "error_rate": "%",
    "cpu_usage": "%",
    "memory_usage": "%",
    "disk_usage": "%",
}


class BadPeriod(ValueError):
    """A period that can't be charted; the text says why."""


@dataclass(frozen=True)
class Window:
    """`count` steps of `step_seconds`, the first beginning at `start_ms`."""

    start_ms: int
    step_seconds: int
    count: int

    @property
    def end_ms(self) -> int:
        """Where the last step ends."""
        return self.start_ms + self.count * self.step_seconds * 1000

    @property
    def times_ms(self) -> list[int]:
        """Where each step begins."""
        return [self.start_ms + number * self.step_seconds * 1000 for number in range(self.count)]


def period_seconds(period: str) -> int:
    """The seconds of a PromQL duration from 5m to 30d, e.g. `1h30m`. BadPeriod otherwise."""
    try:
        milliseconds = parse_duration(period)
    except BadQuery as error:
        raise BadPeriod(str(error)) from None
    if not SHORTEST_MS <= milliseconds <= LONGEST_MS:
        raise BadPeriod("is not from 5m to 30d")
    return milliseconds // 1000


def window(period: str, now_ms: int) -> Window:
    """The steps of a chart over the `period` that ends now: at most 120, on round times. The last one is under way."""
    seconds = period_seconds(period)
    step = next(step for step in STEPS if seconds <= step * MOST_STEPS)
    last = now_ms // 1000 // step
    count = -(-seconds // step)
    return Window((last - count + 1) * step * 1000, step, count)
