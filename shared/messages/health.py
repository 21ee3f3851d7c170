"""`pantau.health`: the outcome of one run of one health check, and how outcomes add up."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.messages.message import Instant, Message, Number

Status = Literal["healthy", "degraded", "unhealthy"]
STATUSES: tuple[Status, ...] = ("healthy", "degraded", "unhealthy")


class HealthResult(Message):
    """What a check found."""

    check: str
    """The check's name, e.g. `database`; also the message key."""
    kind: str
    """The kind of check, e.g. `database`, `http`."""
    status: Status
    """What is told, after damping."""
    response_time_ms: float
    """How long the check took, in milliseconds."""
    details: dict[str, Any] = {}
    checked_at: Instant
    valid_until: Instant
    """From then on, without a newer result, the state of what is checked is unknown."""
    found: Status | None = None
    """What this very run found, where that is not (yet) what is told."""
    depends_on: list[str] = []
    """The checks without which what is checked can't be well, as configured."""
    unhealthy_parents: list[str] = []
    """Those among them, and among those that they depend on, that are unhealthy now."""
    status_changes: Annotated[int, Field(ge=0)] = 0
    """How often the status has changed since the health service started."""
    found_changes: Annotated[int, Field(ge=0)] = 0
    """How often what was found has changed since then: with damping, more often than the status."""
    figures: dict[str, Number] = {}
    """What was measured, by the name of the metric that it is on `pantau.samples`."""
    request_ids: list[str] = []
    """The requests that asked for this run, if any did."""


class HealthRequest(Message):
    """`pantau.health.requests`: run a check now. The result names the request."""

    id: str
    check: str
    """The check's name; also the message key."""
    requested_at: Instant
    expires_at: Instant
    """From then on nobody waits for the result any more."""
    requested_by: str
    """Who asks."""


def worst_of(statuses: Iterable[str]) -> str:
    """The overall status: unhealthy beats unknown, unknown beats degraded; healthy only if all are, unknown of none."""
    order = ("healthy", "degraded", "unknown", "unhealthy")
    return max(statuses, key=order.index, default="unknown")
