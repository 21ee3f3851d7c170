"""Request logs that monitored applications push."""

import asyncio

from fastapi import APIRouter, Request

from services.api.access import IngestRoute
from services.api.core.bodies import Accepted
from services.api.core.ingest import BadInput
from services.api.core.request_ingest import read_requests
from services.api.parts import parts_of
from services.api.request_intake import REFUSED
from services.api.routes.documented import WITH_BODY, problems
from shared import clock

router = APIRouter(route_class=IngestRoute, tags=["monitoring"])

LARGE = 64 * 1024
EXAMPLE = {
    "source": "billing",
    "requests": [
        {
            "id": "0190f3c2-7b1e-7c55-9b1a-2f6d6c1f8a01",
            "method": "GET",
            "route": "/customers/{id}",
            "status_code": 200,
            "response_time_ms": 38.5,
            "timestamp": "2026-11-23T10:15:01.250Z",
        }
    ],
}


@router.post(
    "/api/monitoring/requests",
    operation_id="pushRequests",
    summary="Push request logs",
    status_code=202,
    responses=problems(401, 403, 503, *WITH_BODY),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/PushedRequests"}, "example": EXAMPLE}
            },
        }
    },
)
async def push(request: Request) -> Accepted:
    """Takes at most 1,000 answered requests of an application, all or none; they become rows of `api_performance_logs`.
    They are durable once this answers; it works while the database is down, and sending the same again does no harm."""
    body = await request.body()
    try:
        now_ms = clock.now_ms()
        # What takes longer than a moment to read doesn't hold up the others.
        batch = (
            await asyncio.to_thread(read_requests, body, now_ms) if len(body) > LARGE else read_requests(body, now_ms)
        )
    except BadInput:
        REFUSED.labels("invalid").inc()
        raise
    if batch.requests:
        await parts_of(request).request_intake.accept(batch)
    return Accepted(accepted=len(batch.requests))
