"""What is asked of the process itself: does it live, is it ready, its metrics, its documentation."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.api.access import PublicRoute, ViewerRoute
from services.api.core.bodies import Live, Ready
from services.api.docs_page import docs_page
from services.api.parts import parts_of
from services.api.routes.documented import problems

public = APIRouter(route_class=PublicRoute, tags=["service"])
viewer = APIRouter(route_class=ViewerRoute, tags=["service"])


@public.get("/health/live", operation_id="live", summary="The process runs")
async def live() -> Live:
    """Always 200, as long as the process answers at all."""
    return Live()


@public.get(
    "/health/ready",
    operation_id="ready",
    summary="Requests can be answered",
    responses={503: {"description": "Not ready", "model": Ready}},
)
async def ready(request: Request, response: Response) -> Ready:
    """200 once tokens, rules, alerts and health are known from the bus. A missing database is named in `degraded`."""
    parts = parts_of(request)
    missing = parts.readiness.reasons
    response.status_code = 503 if missing else 200
    return Ready(status="not ready" if missing else "ready", missing=missing, degraded=parts.degraded)


@public.get(
    "/metrics",
    operation_id="prometheusMetrics",
    summary="Metrics of this process",
    response_class=Response,
    responses={
        200: {"description": "Prometheus text format", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
)
async def metrics() -> Response:
    """For Prometheus to scrape."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@viewer.get("/api/openapi.json", operation_id="openapi", summary="This document", responses=problems(401, 403))
async def openapi(request: Request) -> dict[str, Any]:
    """OpenAPI 3.1."""
    document: dict[str, Any] = request.app.openapi()
    return document


@viewer.get(
    "/api/docs",
    operation_id="docs",
    summary="This document for people",
    response_class=HTMLResponse,
    responses=problems(401, 403),
)
async def docs(request: Request) -> HTMLResponse:
    """One page without scripts."""
    return HTMLResponse(docs_page(request.app.openapi()))
