"""`pantau.notifications`: the ledger of what was to be sent and what became of it."""

from typing import Literal

from shared.messages.message import Instant, Message, content_id


class Notification(Message):
    """One state of one delivery; the latest message of an id is what holds."""

    id: str
    """Idempotency key of (alert event, receiver); also the message key and the id that the receiver is given."""
    event_id: str
    alert_id: str
    receiver: str
    channel: str
    """The kind of receiver, e.g. `webhook`, `log`."""
    state: Literal["planned", "sent", "failed", "unknown"]
    attempt: int = 0
    at: Instant
    reason: str | None = None
    """Why it failed or is unknown."""
    latency_ms: float | None = None
    """From the event's evaluation instant to the receiver's answer."""


def notification_id(event_id: str, receiver: str) -> str:
    """The same for the same event and receiver, whenever and however often it is tried."""
    return content_id(event_id, receiver)
