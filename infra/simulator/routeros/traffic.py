"""An interface's counters: a rate that swings with the time of day, and its integral, which therefore never jumps."""

import math
from dataclasses import dataclass, field

from infra.simulator.routeros.subscribers import DAY_MS, LOCAL_OFFSET_MS

MEAN, SWING = 0.6, 0.4
# The swing's highest point is six hours later: nine in the evening.
RISES_AT_MS = 15 * 3_600_000
PACKET_BYTES = 900


def bytes_between(peak_per_second: float, since_ms: int, at_ms: int) -> int:
    """How much passes in that time at a rate of at most `peak_per_second`."""

    def integral(t_ms: int) -> float:
        angle = 2 * math.pi * ((t_ms + LOCAL_OFFSET_MS - RISES_AT_MS) % DAY_MS) / DAY_MS
        return MEAN * t_ms / 1000 - SWING * DAY_MS / 1000 / (2 * math.pi) * math.cos(angle)

    return max(0, int(peak_per_second * (integral(at_ms) - integral(since_ms))))


@dataclass
class Interface:
    """One interface of a router."""

    name: str
    type: str
    peak_receive: float
    """Bytes per second at the busiest hour."""
    peak_transmit: float
    errors_per_minute: float = 0.0
    link_downs: int = 0
    down_since_ms: int | None = None
    _down_ms: list[tuple[int, int]] = field(default_factory=list)

    def unplug(self, at_ms: int) -> None:
        """The link is lost."""
        if self.down_since_ms is None:
            self.down_since_ms, self.link_downs = at_ms, self.link_downs + 1

    def plug(self, at_ms: int) -> None:
        """The link is back."""
        if self.down_since_ms is not None:
            self._down_ms.append((self.down_since_ms, at_ms))
            self.down_since_ms = None

    def reset(self) -> None:
        """Forget what was counted: the router has been rebooted."""
        self.link_downs, self._down_ms = 0, []

    def counters(self, booted_ms: int, at_ms: int) -> dict[str, int]:
        """The counters by the API's names. Nothing passes while the link is down."""
        until = at_ms if self.down_since_ms is None else min(at_ms, self.down_since_ms)
        received, sent = (
            bytes_between(peak, booted_ms, until)
            - sum(bytes_between(peak, start, stop) for start, stop in self._down_ms)
            for peak in (self.peak_receive, self.peak_transmit)
        )
        errors = int(self.errors_per_minute * max(0, until - booted_ms) / 60_000)
        return {
            "rx-byte": received,
            "tx-byte": sent,
            "rx-packet": received // PACKET_BYTES,
            "tx-packet": sent // PACKET_BYTES,
            "rx-error": errors,
            "tx-error": errors // 3,
            "rx-drop": errors // 2,
            "tx-drop": 0,
            "link-downs": self.link_downs,
        }
