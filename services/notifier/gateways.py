"""WhatsApp gateways as notifications go through them: each with one limit, whoever sends."""

import asyncio
from collections.abc import Mapping

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from services.notifier import metrics
from services.notifier.core.outcomes import Retry
from shared import clock
from shared.whatsapp.settings import GatewaySettings, RateSettings, WhatsappSettings

# The window's edge is only as exact as the two clocks that are compared.
SHORTEST_WAIT_SECONDS = 0.05


class Turns:
    """Lets so many messages through as the gateway may send; the others wait, in order, or are put back."""

    def __init__(self, gateway: str, rate: RateSettings) -> None:
        self._name, self._longest_seconds = gateway, rate.longest_wait
        self._item = RateLimitItemPerSecond(*rate.window())
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._first = asyncio.Lock()
        self._waiting = 0
        metrics.GATEWAY_WAITING.labels(gateway).set_function(lambda: self._waiting)
        metrics.GATEWAY_FREE.labels(gateway).set_function(lambda: self._stats()[1])
        metrics.GATEWAY_PUT_BACK.labels(gateway)

    async def take(self) -> Retry | None:
        """Wait for a turn; the outcome of a message that gets none in time."""
        self._waiting += 1
        try:
            async with asyncio.timeout(self._longest_seconds), self._first:
                while True:
                    if self._limiter.hit(self._item, self._name):
                        return None
                    await asyncio.sleep(max(self._seconds_left(), SHORTEST_WAIT_SECONDS))
        except TimeoutError:
            metrics.GATEWAY_PUT_BACK.labels(self._name).inc()
            return Retry("rate_limit", f"gateway {self._name} may not send faster", self._seconds_left())
        finally:
            self._waiting -= 1

    def _seconds_left(self) -> float:
        return max(self._stats()[0] - clock.now_ms() / 1000, 0.0)

    def _stats(self) -> tuple[float, int]:
        """(when a turn comes free, seconds since the epoch; how many are free now)."""
        reset, free = self._limiter.get_window_stats(self._item, self._name)
        return reset, free


class Gateway:
    """One gateway that notifications can go through."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings, self.turns = settings, Turns(settings.name, settings.rate)


def sending(settings: WhatsappSettings) -> list[GatewaySettings]:
    """Those through which messages can go."""
    return [one for one in settings.gateways if one.can_send]


def gateways(settings: WhatsappSettings) -> Mapping[str, Gateway]:
    """The same by name. Once for a program: whoever sends has to share them."""
    return {one.name: Gateway(one) for one in sending(settings)}
