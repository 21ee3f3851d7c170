"""Receivers that are to be tried (`pantau.notifications.requests`): handed to whoever is active."""

from collections.abc import Callable

from services.notifier.active import Active
from services.notifier.configured import Configured
from services.notifier.core.trial import LONGEST_WAIT_MS, trials
from shared import clock
from shared.bus import Follower, Producer, Received
from shared.messages.topics import NOTIFICATION_REQUESTS


class Trials:
    """Follows the requests; what came while nobody was active is taken up if it is not older than a minute."""

    def __init__(
        self, bootstrap: str, producer: Producer, configured: Configured, active: Callable[[], Active | None]
    ) -> None:
        self._configured, self._active = configured, active
        start = max(clock.now_ms() - LONGEST_WAIT_MS, 0)
        self._follower = Follower(bootstrap, "notifier", [NOTIFICATION_REQUESTS], producer, self._take, start)

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._follower.run()

    async def _take(self, received: Received) -> None:
        active, now_ms = self._active(), clock.now_ms()
        if active is not None and active.is_live:
            destinations = self._configured.destinations(received.message.receiver, now_ms)
            await active.try_out(trials(received.message, destinations, now_ms))
