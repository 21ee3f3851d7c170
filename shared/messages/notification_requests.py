"""`pantau.notifications.requests`: receivers that are to be tried, because somebody asked."""

from shared.messages.message import Instant, Message


class NotificationRequest(Message):
    """A test message to all destinations of a receiver. Its deliveries are in the ledger with the occasion `test` and
    this id as their `event_id`."""

    id: str
    receiver: str
    """Also the message key."""
    at: Instant
    """When it was asked for; what is older than a minute is not sent any more."""
    by: str
