"""The overview's figures, and samples that people push."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.api.access import IngestRoute, ViewerRoute
from services.api.core.bodies import Accepted, MetricsBody
from services.api.core.ingest import BadInput, read_samples
from services.api.intake import REFUSED
from services.api.parts import parts_of
from services.api.routes.documented import WITH_BODY, problems
from shared import clock

viewer = APIRouter(route_class=ViewerRoute, tags=["monitoring"])
ingest = APIRouter(route_class=IngestRoute, tags=["monitoring"])

Host = Annotated[
    str | None,
    Query(
        description="Which machine; absent: the one that this api runs on, else the first there is",
        max_length=255,
        pattern=r"^[^\x00-\x1f]+$",
    ),
]
LARGE = 64 * 1024
PUSHED = {"$ref": "#/components/schemas/PushedSample"}


@viewer.get(
    "/api/monitoring/metrics", operation_id="getMetrics", summary="The overview", responses=problems(401, 403, 422)
)
async def metrics(request: Request, host: Host = None) -> MetricsBody:
    """The latest reading of a machine, recent HTTP traffic and the business' figures, from the bus: it works while
    the database is down."""
    views = parts_of(request).views
    now_ms = clock.now_ms()
    return MetricsBody(
        timestamp=now_ms,
        system=views.system.body(now_ms, host, views.own_host),
        application=views.traffic.application(now_ms),
        business=views.business.business(now_ms),
        active_users=views.business.active_users(now_ms),
        performance=views.traffic.charts(now_ms),
    )


@ingest.post(
    "/api/monitoring/metrics",
    operation_id="pushMetrics",
    summary="Push samples",
    status_code=202,
    responses=problems(401, 403, 503, *WITH_BODY),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [PUSHED, {"type": "array", "items": PUSHED}]},
                    "example": {"metric_name": "custom_metric", "value": 123, "labels": {"type": "business"}},
                }
            },
        }
    },
)
async def push(request: Request) -> Accepted:
    """Takes one sample or a list of at most 1 MiB, all or none. They are durable once this answers; it works while
    the database is down. Sending the same samples again, with their timestamps, does no harm."""
    body = await request.body()
    try:
        now_ms = clock.now_ms()
        # What takes longer than a moment to read doesn't hold up the others.
        pushed = (
            await asyncio.to_thread(read_samples, body, now_ms) if len(body) > LARGE else read_samples(body, now_ms)
        )
    except BadInput:
        REFUSED.labels("invalid").inc()
        raise
    if pushed:
        await parts_of(request).intake.accept(pushed)
    return Accepted(accepted=len(pushed))
