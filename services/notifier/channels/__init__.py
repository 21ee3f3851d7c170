"""The ways to tell somebody: one file each, with a pure `render` and a thin `send`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Outcome
from services.notifier.core.wording import Wording
from shared.settings import Section

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


class ChannelSettings(Section):
    """What each entry of a receiver may say, of whatever kind."""

    send_resolved: bool = True
    """Whether the end of an alert is told too."""


@dataclass(frozen=True, slots=True)
class Context:
    """What channels are made with, beside their own settings."""

    wording: Wording
    gateways: Mapping[str, Any] = field(default_factory=dict)
    """The WhatsApp gateways that can send, by name: `services.notifier.gateways.gateways`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of channel: `NAME_configs` in a receiver."""

    settings: type[ChannelSettings]
    """What one entry may hold."""
    make: Callable[[Any, str, Context], Channel]
    """(checked settings, destination, context) -> a channel. ValueError for what only now shows to be wrong."""
    from_global: Mapping[str, str] = field(default_factory=dict)
    """The keys of the section `global` that stand for keys which an entry leaves out: `slack_api_url` -> `api_url`."""
