"""The provider's time: it passes as ours does, or faster, or stands still until it is moved on."""

from collections.abc import Callable

from shared import clock

Now = Callable[[], int]
"""Milliseconds since the epoch, in the simulated provider."""


class PassingTime:
    """Begins at `start_ms` and passes `speed` times as fast as real time."""

    def __init__(self, start_ms: int, speed: float = 1.0) -> None:
        self._start_ms, self._speed, self._began = start_ms, speed, clock.elapsed()

    def __call__(self) -> int:
        return self._start_ms + round((clock.elapsed() - self._began) * 1000 * self._speed)


class SteppedTime:
    """Stands still until it is moved on: what a program does meanwhile takes no time."""

    def __init__(self, start_ms: int) -> None:
        self._now_ms = start_ms

    def __call__(self) -> int:
        return self._now_ms

    def move_to(self, now_ms: int) -> None:
        """It is `now_ms`. ValueError if that is earlier than before."""
        if now_ms < self._now_ms:
            raise ValueError(f"time goes on: {now_ms} is before {self._now_ms}")
        self._now_ms = now_ms
