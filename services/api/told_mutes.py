"""Tells the live streams what keeps alerts from being told, whenever that changes."""

import asyncio
from collections.abc import Callable, Sequence

from services.api.core.bodies import MutesEvent
from services.api.core.mutes import MuteChanges, Mutes
from services.api.live import Live
from shared import clock
from shared.messages.alerts import AlertEvent, CurrentAlert

# Silences begin and end, and times come and go, without a message: so it is looked for, too.
LOOK_SECONDS = 5.0
# For each active alert that there is, changes are gathered for so long before they are told.
GATHERING_SECONDS = 0.0005
LEAST_GATHERING_SECONDS = 0.2
# Of so many at a time: meanwhile requests are answered, and no event is longer than this.
PART = 500


class ToldMutes:
    """What the streams have been told; while nobody listens nothing is looked for."""

    def __init__(
        self,
        live: Live,
        mutes: Callable[[int], Mutes],
        active: Callable[[], Sequence[CurrentAlert | AlertEvent]],
    ) -> None:
        self._live, self._mutes, self._active = live, mutes, active
        self._changes = MuteChanges()
        self._maybe = asyncio.Event()

    def look(self) -> None:
        """Something happened by which alerts may be muted, or no more."""
        self._maybe.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._maybe.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(LEAST_GATHERING_SECONDS)
            self._maybe.clear()
            if not self._live.listened_to:
                self._changes = MuteChanges()
                continue
            alerts = self._active()
            await self._tell(alerts)
            await asyncio.sleep(min(LOOK_SECONDS, GATHERING_SECONDS * len(alerts)))

    async def _tell(self, alerts: Sequence[CurrentAlert | AlertEvent]) -> None:
        mutes = self._mutes(clock.now_ms())
        for start in range(0, len(alerts), PART):
            changed = self._changes.of(mutes, alerts[start : start + PART])
            if changed:
                self._live.publish("muting", MutesEvent(alerts=changed))
            await asyncio.sleep(0)
        self._changes.keep(alerts)
