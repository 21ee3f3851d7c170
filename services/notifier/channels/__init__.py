"""The ways to tell somebody: one file each, with a pure `render` and a thin `send`."""

from collections.abc import Mapping
from typing import Any, Protocol

from services.notifier.core.outcomes import Outcome
from shared.messages.alerts import AlertEvent

Payload = Mapping[str, Any]
"""What a channel makes of an event, before it is encoded for the wire."""


class Channel(Protocol):
    """One receiver's way of being told."""

    kind: str
    """e.g. `webhook`; a metric label."""

    def render(self, event: AlertEvent, notification_id: str) -> Payload:
        """What is to be said. Pure: the same for the same event, however often it is tried."""
        ...

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One attempt, within the channel's own deadline. What goes wrong outside is an outcome, not an exception."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
