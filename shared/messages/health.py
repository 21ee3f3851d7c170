"""`pantau.health`: the outcome of one run of one health check, and how outcomes add up."""

from collections.abc import Iterable
from typing import Any, Literal

from shared.messages.message import Instant, Message

Status = Literal["healthy", "degraded", "unhealthy"]
STATUSES: tuple[Status, ...] = ("healthy", "degraded", "unhealthy")


class HealthResult(Message):
    """What a check found."""

    check: str
    """The check's name, e.g. `database`; also the message key."""
    kind: str
    """The kind of check, e.g. `database`, `http`."""
    status: Status
    response_time_ms: float
    """How long the check took, in milliseconds."""
    details: dict[str, Any] = {}
    checked_at: Instant
    valid_until: Instant
    """From then on, without a newer result, the state of what is checked is unknown."""


def worst_of(statuses: Iterable[str]) -> str:
    """The overall status: unhealthy beats unknown, unknown beats degraded; healthy only if all are, unknown of none."""
    order = ("healthy", "degraded", "unknown", "unhealthy")
    return max(statuses, key=order.index, default="unknown")
