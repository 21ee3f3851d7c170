"""The state of what is checked."""

from fastapi import APIRouter, Request

from services.api.access import ViewerRoute
from services.api.core.bodies import HealthBody
from services.api.parts import parts_of
from services.api.routes.documented import problems
from shared import clock

router = APIRouter(route_class=ViewerRoute, tags=["monitoring"])


@router.get("/api/monitoring/health", operation_id="getHealth", summary="Health checks", responses=problems(401, 403))
async def health(request: Request) -> HealthBody:
    """The latest result of each check, and the worst of them. It works while the database is down."""
    return parts_of(request).views.health.body(clock.now_ms())
