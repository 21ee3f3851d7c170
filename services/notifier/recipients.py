"""Who can be told: the configured people, and the administrators whom the bus remembers (`pantau.access`)."""

import asyncio
from collections.abc import Iterable

from prometheus_client import Gauge

from shared.bus import Follower, Producer, Received
from shared.messages.access import Recipient
from shared.messages.topics import ACCESS
from shared.routing.people import Person, To
from shared.routing.recipients import Directory, resolve

KNOWN = Gauge("pantau_notifier_administrators", "The application's administrators that the notifier knows")


class Recipients:
    """Follows `pantau.access`, all of it at each start: no database is asked."""

    def __init__(self, directory: Directory, bootstrap: str, producer: Producer) -> None:
        self._directory = directory
        self._admins: dict[str, Recipient] = {}
        self._follower = Follower(bootstrap, "notifier", [ACCESS], producer, self._note)

    @property
    def caught_up(self) -> asyncio.Event:
        """Set once all administrators are known that the bus had at the start. Whoever resolves earlier misses some."""
        return self._follower.caught_up

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._follower.run()

    def resolve(self, to: Iterable[To], now_ms: int) -> list[Recipient]:
        """The people that `to` stands for now."""
        return resolve(to, self._directory, self._admins.values(), now_ms)

    def person(self, recipient: Recipient) -> Person | None:
        """The configured person whom `recipient` stands for, with quiet hours; None for all others."""
        return self._directory.person_of(recipient)

    def _note(self, received: Received) -> None:
        if isinstance(received.message, Recipient):
            self._admins[received.key] = received.message
        else:  # a token, or a tombstone
            self._admins.pop(received.key, None)
        KNOWN.set(len(self._admins))
