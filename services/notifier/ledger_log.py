"""The ledger on the bus: `pantau.notifications`, written before and after each delivery and read back at start."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from services.notifier.core.ledger import Ledger
from shared.bus import BusUnavailable, Follower, Outgoing, Producer, Received
from shared.messages.notifications import Notification
from shared.messages.topics import NOTIFICATIONS

log = structlog.get_logger()


class LedgerLog:
    """Reads `pantau.notifications` into `ledger` and writes to both."""

    def __init__(self, bootstrap: str, producer: Producer, ledger: Ledger) -> None:
        self._bootstrap, self._producer, self._ledger = bootstrap, producer, ledger
        self._read_to_ms = 0  # all that was accepted before has been read

    async def read_since(self, since_ms: int) -> None:
        """Know all that the bus accepted since `since_ms`, up to now. Waits for as long as the bus is away."""
        self._ledger.complete_since(since_ms)
        await self._read(since_ms, self._note)
        self._read_to_ms = max(self._read_to_ms, since_ms)

    async def catch_up(self) -> None:
        """Know also what another notifier wrote since the last `read_since`, of which there must be one."""
        await self._read(self._read_to_ms, self._note)

    async def find(self, wanted: Mapping[str, int]) -> None:
        """Have answers in the ledger about ids older than what it remembers, each looked for from its time (ms) on."""
        log.info("looking for earlier deliveries in the ledger", deliveries=len(wanted))

        def note_answer(received: Received) -> None:
            entry: Notification = received.message
            self._ledger.note_answer(entry.id, entry.state, received.accepted_ms)

        self._ledger.ask(wanted)
        await self._read(min(wanted.values()), note_answer)

    async def write(self, notification: Notification) -> None:
        """Make one state durable, then note it. Goes on trying for as long as the bus is away."""
        message = Outgoing(
            NOTIFICATIONS,
            notification.id,
            notification,
            # One delivery goes through several states, and each attempt to write one of them is the same message.
            event_id=f"{notification.id}-{notification.state}-{notification.at}",
            time_ms=notification.at,
        )
        while True:
            try:
                acknowledged = await self._producer.send(message)
                break
            except BusUnavailable as error:
                log.warning("ledger not written, will go on trying", notification=notification.id, reason=str(error))
        self._ledger.note(notification.id, notification.state, acknowledged.accepted_ms)

    def _note(self, received: Received) -> None:
        entry: Notification = received.message
        self._ledger.note(entry.id, entry.state, received.accepted_ms)
        self._read_to_ms = max(self._read_to_ms, received.accepted_ms)

    async def _read(self, since_ms: int, apply: Callable[[Received], None]) -> None:
        follower = Follower(self._bootstrap, "notifier", [NOTIFICATIONS], self._producer, apply, start=max(since_ms, 0))
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
