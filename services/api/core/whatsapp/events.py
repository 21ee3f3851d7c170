"""What webhooks say, whatever gateway they come from. BadWebhook where they say what can't be."""

import math
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from shared.whatsapp.answers import OTHER, WAHA_STATES

Status = Literal["pending", "sent", "delivered", "read", "played", "failed"]

_ACKS: dict[int, Status] = {-1: "failed", 0: "pending", 1: "sent", 2: "delivered", 3: "read", 4: "played"}
_META: dict[str, Status] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "played",
    "failed": "failed",
}
_KIND = re.compile(r"[a-z][a-z_]{0,31}")
UNKNOWN = "unknown"
LONGEST_ID = 512


class BadWebhook(ValueError):
    """A signed webhook that is not of the form that its gateway's have."""


class Receipt(NamedTuple):
    """Something that became of a message."""

    message: str
    status: Status
    at_ms: int
    kind: str = UNKNOWN
    """What it is, where that is told: `text` or `media`, or Meta's category, e.g. `utility`."""


class SessionChange(NamedTuple):
    """A session that became something else."""

    session: str
    status: str
    at_ms: int


Event = Receipt | SessionChange


def waha_events(document: Any, arrived_ms: int) -> list[Event]:
    """Of one webhook of WAHA; none if it is of no interest. Old versions don't say when it happened: then it is now."""
    event, payload = _text(document, "event"), document.get("payload")
    if not isinstance(payload, dict):
        raise BadWebhook("payload is not an object")
    at_ms = _whole(document["timestamp"]) if "timestamp" in document else arrived_ms
    if event == "session.status":
        status = _text(payload, "status")
        return [SessionChange(_text(document, "session"), status if status in WAHA_STATES else OTHER, at_ms)]
    if event not in ("message.any", "message.ack") or payload.get("fromMe") is not True:
        return []
    if payload.get("participant"):  # one member of a group has it: that says nothing of the message as a whole
        return []
    message = _text(payload, "id")
    if event == "message.any":
        return [Receipt(message, "pending", at_ms, "media" if payload.get("hasMedia") is True else "text")]
    ack = _whole(payload.get("ack"))
    if ack not in _ACKS:
        raise BadWebhook("ack is not a number from -1 to 4")
    return [Receipt(message, _ACKS[ack], at_ms)]


def cloud_events(document: Any, phone_number_id: str) -> list[Event]:
    """Of one webhook of Meta, which may tell of several messages: the statuses of that number's."""
    if _text(document, "object") != "whatsapp_business_account":
        return []
    found: list[Event] = []
    for entry in _objects(document, "entry"):
        for change in _objects(entry, "changes"):
            value = change.get("value")
            if change.get("field") != "messages" or not isinstance(value, dict) or "statuses" not in value:
                continue
            metadata = value.get("metadata")
            if isinstance(metadata, dict) and metadata.get("phone_number_id") == phone_number_id:
                found += _statuses(value)
    return found


def _statuses(value: dict[str, Any]) -> Iterator[Receipt]:
    for one in _objects(value, "statuses"):
        status = _META.get(_text(one, "status"))
        if status is None or one.get("recipient_type") == "group":
            continue
        pricing = one.get("pricing")
        kind = pricing.get("category") if isinstance(pricing, dict) else None
        kind = kind if isinstance(kind, str) and _KIND.fullmatch(kind) else UNKNOWN
        yield Receipt(_text(one, "id"), status, 1000 * _whole(one.get("timestamp")), kind)


def _objects(document: Any, name: str) -> list[dict[str, Any]]:
    found = document.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadWebhook(f"{name} is not a list of objects")
    return found


def _text(document: Any, name: str) -> str:
    found = document.get(name) if isinstance(document, dict) else None
    if not isinstance(found, str) or not found or len(found) > LONGEST_ID:
        raise BadWebhook(f"{name} is not a text of at most {LONGEST_ID} characters")
    return found


def _whole(value: Any) -> int:
    """A whole number, also as text, as Meta writes instants."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e15:
        raise BadWebhook("a number is missing or is none")
    return int(value)
