"""The ledger on the bus: `pantau.notifications`, written before and after each delivery and read back at start."""

from collections.abc import Callable, Sequence

import structlog

from shared.bus import BusUnavailable, Follower, Outgoing, Producer, ProducerStopped, Received
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

        start = max(since_ms, 0)
        await Follower(self._bootstrap, "notifier", [NOTIFICATIONS], self._producer, note, start).once()
        return latest_ms

    async def write(self, entries: Sequence[Notification]) -> None:
        """Make entries durable, in their order. Goes on trying for as long as the bus is away."""
        messages = [
            Outgoing(
                NOTIFICATIONS,
                entry.id,
                entry,
                # One delivery goes through several states, and each attempt to write one of them is the same message.
                event_id=_event_id(entry),
                time_ms=entry.at,
            )
            for entry in entries
        ]
        while True:
            try:
                await self._producer.send_all(messages)
                return
            except ProducerStopped:
                raise
            except BusUnavailable as error:
                log.warning("ledger not written, will go on trying", entries=len(entries), reason=str(error))


def _event_id(entry: Notification) -> str:
    named = f"{entry.id}-{entry.state}-{entry.at}"
    return f"{named}-over" if entry.muted_by and entry.alerts and entry.alerts[0].muted_until is not None else named
