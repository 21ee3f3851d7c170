"""Our own services."""

from fastapi import APIRouter, Request

from services.api.access import ViewerRoute
from services.api.core.bodies import ServicesBody
from services.api.parts import parts_of
from services.api.routes.documented import problems
from shared import clock

router = APIRouter(route_class=ViewerRoute, tags=["monitoring"])


@router.get(
    "/api/monitoring/services",
    operation_id="getServices",
    summary="Our own services",
    responses=problems(401, 403),
)
async def services(request: Request) -> ServicesBody:
    """Each instance that gave a sign of life within the last hour. It works while the database is down."""
    return parts_of(request).views.services.body(clock.now_ms())
