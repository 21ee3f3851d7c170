"""What gateways answer, read: pure. GatewayError `bad_value` where an answer can't be."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shared.messages.message import instant_from_text
from shared.whatsapp.errors import GatewayError
from shared.whatsapp.pointers import MISSING, look_up
from shared.whatsapp.told import Session, Told

WAHA_WORKING = "WORKING"
WAHA_STATES = (
    *("STOPPED", "STARTING", "SCAN_QR_CODE", "WORKING", "FAILED"),
    *("PASSKEY_REQUIRED", "PASSKEY_CONFIRMATION_REQUIRED"),
)
CLOUD_CONNECTED = "CONNECTED"
CLOUD_STATES = (
    *("CONNECTED", "DISCONNECTED", "PENDING", "FLAGGED", "RATE_LIMITED", "RESTRICTED", "BANNED", "DELETED"),
    *("MIGRATED", "UNVERIFIED", "UNKNOWN"),
)
RATINGS = ("GREEN", "YELLOW", "RED", "UNKNOWN")
STATUS_STATES = ("connected", "disconnected")
OTHER = "OTHER"
MOST_SESSIONS = 1_000
MOST_COUNTERS = 500
# From here on a number counts milliseconds: as seconds it would be the year 5138.
MILLISECONDS_FROM = 1e11


def waha_sessions(answer: Any, expected: Iterable[str]) -> Told:
    """`GET /api/sessions`. Those `expected` that it doesn't list are STOPPED: WAHA leaves them out."""
    if not isinstance(answer, list) or len(answer) > MOST_SESSIONS:
        raise GatewayError("bad_value", f"/api/sessions is not a list of at most {MOST_SESSIONS} sessions")
    states: dict[str, str] = dict.fromkeys(expected, "STOPPED")
    engine = ""
    for one in answer:
        name, state = (one.get("name"), one.get("status")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(state, str) or not name:
            raise GatewayError("bad_value", "/api/sessions lists something without name and status")
        states[name[:64]] = state if state in WAHA_STATES else OTHER
        found = one.get("engine")
        if isinstance(found, dict) and isinstance(found.get("engine"), str):
            engine = found["engine"][:40]
    sessions = tuple(Session(name, state, state == WAHA_WORKING) for name, state in sorted(states.items()))
    return Told(sessions=sessions, states=(*WAHA_STATES, OTHER), kind="waha", engine=engine)


def cloud_number(answer: Any, phone_number_id: str) -> Told:
    """`GET /PHONE_NUMBER_ID?fields=status,quality_rating`."""
    state = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(state, str):
        raise GatewayError("bad_value", "Meta's answer has no status of the number")
    state = state if state in CLOUD_STATES else OTHER
    quality = answer.get("quality_rating")
    rating = quality if isinstance(quality, str) and quality in RATINGS else "UNKNOWN"
    session = Session(phone_number_id, state, state == CLOUD_CONNECTED)
    return Told(sessions=(session,), states=(*CLOUD_STATES, OTHER), kind="cloud", quality=rating)


def status_document(document: Any, pointers: Mapping[str, str], connected: Collection[str], now_ms: int) -> Told:
    """A JSON status, read where `pointers` say (names as in `StatusSettings`). `connected`: texts in lower case that
    mean so. Each part that can't be is a problem, and costs nothing else."""
    problems: list[str] = []
    found: dict[str, Any] = {}
    readers = {
        "connected": lambda value: (Session("default", *_state(value, connected)),),
        "sessions": lambda value: _sessions(value, connected),
        "queue_size": lambda value: float(len(value)) if isinstance(value, list) else _number(value),
        "oldest_seconds": lambda value: 0.0 if value is None else _number(value),
        "oldest_at": lambda value: 0.0 if value is None else max(0.0, (now_ms - _instant_ms(value)) / 1000),
        "messages": _messages,
    }
    for name, pointer in pointers.items():
        value = look_up(document, pointer)
        try:
            if value is MISSING:
                raise ValueError("there is nothing")
            found[name] = readers[name](value)
        except ValueError as error:
            problems.append(f"{name} at {pointer or 'the root'}: {error}")
    return Told(
        sessions=found.get("sessions", found.get("connected", ())),
        states=STATUS_STATES,
        kind="status",
        queue_size=found.get("queue_size"),
        oldest_seconds=found.get("oldest_seconds", found.get("oldest_at")),
        messages=found.get("messages", {}),
        problems=tuple(problems),
    )


def waha_message(answer: Any) -> tuple[str, int]:
    """(id, acknowledgement from -1 to 4) of a message, as WAHA tells it when it is sent or asked for."""
    if not isinstance(answer, dict):
        raise GatewayError("bad_value", "a message is not an object")
    found, ack = answer.get("id"), answer.get("ack", 0)
    if isinstance(found, dict):  # WEBJS answers with the parts of the id
        found = found.get("_serialized")
    if not isinstance(found, str) or not found or len(found) > 256:
        raise GatewayError("bad_value", "a message has no id")
    if isinstance(ack, bool) or not isinstance(ack, int) or not -1 <= ack <= 4:
        raise GatewayError("bad_value", "a message's ack is not a number from -1 to 4")
    return found, ack


def cloud_message(answer: Any) -> str:
    """The id of a message that Meta has taken: `POST /PHONE_NUMBER_ID/messages`."""
    messages = answer.get("messages") if isinstance(answer, dict) else None
    first = messages[0] if isinstance(messages, list) and messages else None
    found = first.get("id") if isinstance(first, dict) else None
    if not isinstance(found, str) or not found:
        raise GatewayError("bad_value", "Meta's answer has no id of the message")
    return found


def cloud_error_code(answer: Any) -> int | None:
    """Meta's code of what is wrong, in the JSON of an answer that says no; None if there is none."""
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _state(value: Any, connected: Collection[str]) -> tuple[str, bool]:
    if isinstance(value, bool):
        yes = value
    elif isinstance(value, str):
        yes = value.lower() in connected
    else:
        raise ValueError("neither true, false nor a text")
    return STATUS_STATES[0 if yes else 1], yes


def _sessions(value: Any, connected: Collection[str]) -> tuple[Session, ...]:
    pairs: list[tuple[Any, Any]]
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list) and all(isinstance(one, dict) for one in value):
        pairs = [(one.get("name"), one.get("status")) for one in value]
    else:
        raise ValueError("neither an object nor a list of objects")
    if len(pairs) > MOST_SESSIONS or len({name for name, _ in pairs if isinstance(name, str)}) != len(pairs):
        raise ValueError(f"more than {MOST_SESSIONS} sessions, one without a name, or two of one name")
    return tuple(Session(name[:64], *_state(state, connected)) for name, state in pairs)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError("not a number of 0 or more")
    return float(value)


def _instant_ms(value: Any) -> float:
    if isinstance(value, str):
        return instant_from_text(value)
    number = _number(value)
    return number if number >= MILLISECONDS_FROM else number * 1000


def _messages(value: Any) -> dict[tuple[str, str], float]:
    if not isinstance(value, dict) or not all(isinstance(one, dict) for one in value.values()):
        raise ValueError("not an object of objects, by type and status")
    counters = {
        (kind[:64], status[:64]): _number(count) for kind, found in value.items() for status, count in found.items()
    }
    if len(counters) > MOST_COUNTERS:
        raise ValueError(f"{len(counters)} counters, at most {MOST_COUNTERS}")
    return counters
