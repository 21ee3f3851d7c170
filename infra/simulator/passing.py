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
    """Stands where it was moved to. With `drift` it goes on from there at real speed, for what needs time to pass while
    it is waited for; but never so far that it would have to go back when it is moved on by `step_ms`."""

    def __init__(self, start_ms: int, step_ms: int, *, drift: bool = False) -> None:
        self._at_ms, self._step_ms, self._drift, self._moved = start_ms, step_ms, drift, clock.elapsed()

    def __call__(self) -> int:
        if not self._drift:
            return self._at_ms
        return self._at_ms + min(self._step_ms - 1, round((clock.elapsed() - self._moved) * 1000))

    def step(self) -> int:
        """Move it on; what it is then."""
        self._at_ms, self._moved = self._at_ms + self._step_ms, clock.elapsed()
        return self._at_ms
