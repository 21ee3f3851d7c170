"""The one place of this package that reads clocks."""

import time


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


elapsed = time.perf_counter
"""Seconds on a clock that never jumps, for measuring how long something took."""
