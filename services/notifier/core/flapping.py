"""Flap damping: an alert that comes and goes again and again is held back until it keeps still."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_BEGINNINGS = 100
"""Of one alert that are remembered."""
LONGEST_MS = 24 * 60 * 60_000


@dataclass(frozen=True, slots=True)
class Damping:
    """An alert flaps while it has begun more than `most` times within the last `within_ms`."""

    most: int
    within_ms: int

    def holds_back(self, beginnings_ms: Sequence[int], now_ms: int) -> bool:
        """Whether an alert that began at these times flaps now. It stops by itself as they pass."""
        return sum(one > now_ms - self.within_ms for one in beginnings_ms) > self.most
