"""The ledger on the bus: `pantau.notifications`, written before and after each delivery and read back at start."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from shared.bus import BusUnavailable, Follower, Outgoing, Producer, Received
from shared.messages.notifications import Notification
from shared.messages.topics import NOTIFICATIONS

log = structlog.get_logger()


class LedgerLog:
    """Reads and writes `pantau.notifications`."""

    def __init__(self, bootstrap: str, producer: Producer) -> None:
        self._bootstrap, self._producer = bootstrap, producer

    async def read(self, since_ms: int, apply: Callable[[Notification], None]) -> int:
        """Hand each entry that the bus accepted since `since_ms`, up to now, to `apply`; when it accepted the last
        (ms). Waits for as long as the bus is away."""
        latest_ms = since_ms

        def note(received: Received) -> None:
            nonlocal latest_ms
            latest_ms = max(latest_ms, received.accepted_ms)
            apply(received.message)

        follower = Follower(self._bootstrap, "notifier", [NOTIFICATIONS], self._producer, note, start=max(since_ms, 0))
        following = asyncio.create_task(follower.run())
        caught_up = asyncio.create_task(follower.caught_up.wait())
        try:
            await asyncio.wait([following, caught_up], return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            following.cancel()
            caught_up.cancel()
            await asyncio.gather(following, caught_up, return_exceptions=True)
        return latest_ms

    async def write(self, entries: Sequence[Notification]) -> None:
        """Make entries durable, in their order. Goes on trying for as long as the bus is away."""
        messages = [
            Outgoing(
                NOTIFICATIONS,
                entry.id,
                entry,
                # One delivery goes through several states, and each attempt to write one of them is the same message.
                event_id=f"{entry.id}-{entry.state}-{entry.at}",
                time_ms=entry.at,
            )
            for entry in entries
        ]
        while True:
            try:
                await self._producer.send_all(messages)
                return
            except BusUnavailable as error:
                log.warning("ledger not written, will go on trying", entries=len(entries), reason=str(error))
