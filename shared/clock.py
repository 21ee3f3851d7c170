"""The one place that reads the wall clock; everything else is told the time."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Milliseconds since the epoch, the unit of every instant inside Pantau."""
    return time.time_ns() // 1_000_000


def now() -> datetime:
    """The current instant as an aware datetime in UTC."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds on a clock that never jumps, for measuring how long something took."""
    return time.perf_counter()
