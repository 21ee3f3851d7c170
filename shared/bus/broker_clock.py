"""The broker's clock, as far as we can know it without trusting ours."""

from shared import clock


class BrokerClock:
    """A lower bound of the broker's clock: what it last said, and the time since then by a clock that never jumps."""

    def __init__(self) -> None:
        self._said_ms = 0
        self._at = 0.0

    def heard(self, accepted_ms: int) -> None:
        """The broker has just said that it accepted a message then."""
        self._said_ms, self._at = accepted_ms, clock.elapsed()

    def now_ms(self) -> int:
        """At least this late it is there; 0 as long as it has said nothing."""
        return self._said_ms + int((clock.elapsed() - self._at) * 1000) if self._said_ms else 0
