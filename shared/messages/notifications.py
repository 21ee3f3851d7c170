"""`pantau.notifications`: the ledger of what was to be sent and what became of it."""

from typing import Literal

from shared.messages.message import Instant, Message


class NotifiedAlert(Message):
    """One alert in a notification."""

    alert_id: str
    event_id: str
    """The transition that is told."""
    episode: Instant
    transition: int
    status: Literal["firing", "resolved", "passed"]
    """`passed`: it fired and was over before anybody could be told."""
    muted_by: list[str] = []
    """What held it back before it was told; in an entry that says so, what does."""
    muted_since: Instant | None = None
    muted_until: Instant | None = None
    """Absent while it is held back."""


class Notification(Message):
    """One state of one delivery; the latest message of an id is what holds."""

    id: str
    """Idempotency key, of what is told to whom; also the message key and the id that the receiver is given."""
    event_id: str
    """The event of the first of its alerts; of one that is held back, that by which it fires."""
    alert_id: str
    """The first of its alerts."""
    receiver: str
    channel: str
    """The kind of receiver, e.g. `webhook`, `log`."""
    destination: str = ""
    """Receiver, channel, number among those of its kind, and the person where there is one: `ops/whatsapp/0/p-17`."""
    group_key: str = ""
    """The route, and the labels that its alerts share."""
    occasion: Literal["change", "repeat", "digest", "escalation", "test"] = "change"
    """Why it was due."""
    alerts: list[NotifiedAlert] = []
    """All that it tells."""
    merged: int = 0
    """Of how many more it tells only that they began and were over while the receiver could not be told."""
    state: Literal["planned", "sent", "failed", "unknown"]
    """`planned` with `muted_by`: its one alert is held back; once more with `muted_until` when it no longer is."""
    attempt: int = 0
    at: Instant
    reason: str | None = None
    """Why it failed or is unknown."""
    muted_by: list[str] = []
    """What mutes it: `dependency:PARENT` (a check or an alert), `suspected:PARENT` (held until it is known whether
    that is down), `inhibited:ALERT`, `silence:ID`, `acknowledgement:ID`, `flapping`, `mute-time:NAME`, `quiet-hours`,
    `cooldown`; `merged`: its receiver was owed too much, and is told how many they were."""
    untold: list[str] = []
    """With `muted_by`, where the alert ended meanwhile: the destinations that would have been told of it, and read of
    it in their next digest."""
    latency_ms: float | None = None
    """From the event's evaluation instant to the receiver's answer."""
