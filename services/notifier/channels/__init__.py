"""The ways to tell somebody: one file each, with a pure `render` and a thin `send`."""

from collections.abc import Mapping
from typing import Any, Protocol

from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Outcome

Payload = Mapping[str, Any]
"""What a channel makes of a notice, before it is encoded for the wire."""


class Channel(Protocol):
    """One receiver's way of being told."""

    kind: str
    """e.g. `webhook`; a metric label."""
    deduplicates: bool
    """Whether the other side drops what comes twice under one notification id: then a delivery of which nobody knows
    whether it arrived can be repeated without harm."""

    def render(self, notice: Notice) -> Payload:
        """What is to be said. Pure: the same for the same notice, however often it is tried."""
        ...

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One attempt, within the channel's own deadline. What goes wrong outside is an outcome, not an exception."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
