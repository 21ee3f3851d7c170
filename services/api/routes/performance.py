"""Charts over longer periods."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.api import history
from services.api.access import ViewerRoute
from services.api.core.bodies import PerformanceBody, PerformanceMetric
from services.api.core.performance import BadPeriod, window
from services.api.parts import parts_of
from services.api.problems import invalid
from services.api.routes.documented import problems
from services.api.routes.metrics import Host
from shared import clock

router = APIRouter(route_class=ViewerRoute, tags=["monitoring"])


@router.get(
    "/api/monitoring/performance",
    operation_id="getPerformance",
    summary="One metric over a period",
    responses=problems(401, 403, 422, 503),
)
async def performance(
    request: Request,
    period: Annotated[str, Query(description="A PromQL duration from 5m to 30d, e.g. 1h", max_length=20)] = "1h",
    metric: PerformanceMetric = "response_time",
    host: Host = None,
) -> PerformanceBody:
    """The mean of each of at most 120 steps, from the database. HTTP metrics are of all requests to all apis."""
    try:
        steps = window(period, clock.now_ms())
    except BadPeriod as error:
        raise invalid("query.period", str(error)) from error
    parts = parts_of(request)
    return await history.performance(parts.database, metric, period, steps, host, parts.views.own_host)
