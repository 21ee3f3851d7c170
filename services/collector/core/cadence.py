"""What is read more rarely than its source: when it is due, and what it said last, told again in between.

A series without a new value for five minutes is gone, for rules as for the exporter: what is read every five minutes
or every hour must be told more often than it is read.
"""

from collections.abc import Iterable

from shared.messages.samples import Sample

# A reading is due although it comes that much early: the scheduler's instants are not exact.
TOLERANCE = 0.1


class Cadence:
    """One thing that is read every `interval_seconds`."""

    def __init__(self, interval_seconds: float) -> None:
        self._interval_ms = interval_seconds * 1000
        self._read_ms: int | None = None
        self._samples: list[Sample] = []

    def due(self, now_ms: int, tick_seconds: float = 0.0) -> bool:
        """Whether it is to be read now, where the next chance is `tick_seconds` later."""
        if self._read_ms is None or now_ms < self._read_ms:  # the clock was set back
            return True
        return now_ms - self._read_ms >= self._interval_ms - TOLERANCE * 1000 * tick_seconds

    def read(self, now_ms: int, samples: Iterable[Sample]) -> None:
        """It was read and said this; nothing if it could not be read: what it said before counts no more."""
        self._read_ms, self._samples = now_ms, list(samples)

    def again(self, now_ms: int) -> list[Sample]:
        """What it said last, as of now."""
        return [sample._replace(time_ms=now_ms) for sample in self._samples]

    def forget(self) -> None:
        """It is to be read at the next chance."""
        self._read_ms, self._samples = None, []
