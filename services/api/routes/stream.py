"""The live stream."""

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse

from services.api.access import ViewerRoute, principal_of
from services.api.live import TooManyClients
from services.api.parts import parts_of
from services.api.problems import unavailable
from services.api.routes.documented import problems
from shared import clock

router = APIRouter(route_class=ViewerRoute, tags=["monitoring"])

PING_SECONDS = 15
SEND_SECONDS = 10.0


@router.get(
    "/api/monitoring/stream",
    operation_id="stream",
    summary="Live events",
    response_class=EventSourceResponse,
    responses=problems(401, 403, 503)
    | {
        200: {
            "description": "Server-Sent Events: `alert` (an alert as in getAlerts, without what"
            " mutes it), `muting` (`{alerts}`: by id what mutes an active alert, as in getAlerts; empty: nothing any"
            " more), `health` (as in getHealth) and"
            " `metrics` (`{system}` as in getMetrics)",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def stream(request: Request) -> EventSourceResponse:
    """What changes, as it changes; nothing of the past: read that first. Comments come every 15 s. The stream ends with
    the session, and when the client doesn't keep up; connect again then, and read anew."""
    parts = parts_of(request)
    principal = principal_of(request)
    try:
        events = parts.live.join(lambda: parts.tokens.knows(principal, clock.now_ms()))
    except TooManyClients:
        raise unavailable("Too many live streams are open, or api is stopping.") from None
    return EventSourceResponse(events, ping=PING_SECONDS, send_timeout=SEND_SECONDS)
