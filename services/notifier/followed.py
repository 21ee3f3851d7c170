"""What mutes, as the bus has it: silences and acknowledgements, and which checks can't be well."""

import asyncio
from collections.abc import Callable

from services.notifier.core.muting import Muting
from shared import clock
from shared.bus import Follower, Producer, Received
from shared.messages.health import HealthResult
from shared.messages.topics import HEALTH, SILENCES

# Checks run every few minutes; an older result is out of date.
HEALTH_MS = 30 * 60_000


class Followed:
    """Keeps `muting` informed, and says so to `changed`. Needs no database."""

    def __init__(self, bootstrap: str, producer: Producer, muting: Muting, changed: Callable[[], None]) -> None:
        self._muting, self._changed = muting, changed
        self._silences = Follower(bootstrap, "notifier", [SILENCES], producer, self._silence)
        self._health = Follower(
            bootstrap, "notifier", [HEALTH], producer, self._result, start=max(clock.now_ms() - HEALTH_MS, 0)
        )

    @property
    def caught_up(self) -> list[asyncio.Event]:
        """Set once all is known that the bus had at the start. Whoever decides earlier tells what is silenced."""
        return [self._silences.caught_up, self._health.caught_up]

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._silences.run())
            tasks.create_task(self._health.run())

    def _silence(self, received: Received) -> None:
        if received.message is None:
            self._muting.silences.pop(received.key, None)
        else:
            self._muting.silences[received.key] = received.message
        self._changed()

    def _result(self, received: Received) -> None:
        result: HealthResult = received.message
        checks = self._muting.checks
        before = checks.version
        checks.put(result)
        if checks.version != before:
            self._changed()
