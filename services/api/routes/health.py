"""The state of what is checked."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from services.api.access import OperatorActionRoute, ViewerRoute, principal_of
from services.api.check_runs import NoAnswer, TooManyRuns
from services.api.core.bodies import CheckBody, HealthBody
from services.api.core.health import check_body
from services.api.parts import Parts, parts_of
from services.api.problems import Problem, unavailable
from services.api.routes.documented import problems
from shared import clock

viewer = APIRouter(route_class=ViewerRoute, tags=["monitoring"])
operator = APIRouter(route_class=OperatorActionRoute, tags=["monitoring"])

RETRY_SECONDS = 2

CheckName = Annotated[str, Path(max_length=200, description="As in getHealth, e.g. `database` or `http:portal`")]


@viewer.get("/api/monitoring/health", operation_id="getHealth", summary="Health checks", responses=problems(401, 403))
async def health(request: Request) -> HealthBody:
    """The latest result of each check, and the worst of them. It works while the database is down."""
    return parts_of(request).views.health.body(clock.now_ms())


@viewer.get(
    "/api/monitoring/health/{check}",
    operation_id="getHealthCheck",
    summary="One health check",
    responses=problems(401, 403, 404, 422),
)
async def one_check(request: Request, check: CheckName) -> CheckBody:
    """The latest result of one check. It works while the database is down."""
    return _known(parts_of(request), check)


@operator.post(
    "/api/monitoring/health/{check}/run",
    operation_id="runHealthCheck",
    summary="Run a health check now",
    responses=problems(401, 403, 404, 422, 429, 503),
)
async def run_check(request: Request, check: CheckName) -> CheckBody:
    """The result of a run that begins now, told to everybody else as well. One at a time of each check. It works while
    the database is down."""
    parts = parts_of(request)
    _known(parts, check)
    try:
        result = await parts.check_runs.run(check, principal_of(request).name)
    except TooManyRuns as refused:
        detail = f"{refused} Try again in a moment."
        raise Problem(429, detail, headers={"Retry-After": str(RETRY_SECONDS)}) from None
    except NoAnswer:
        raise unavailable(
            f"The health service did not run {check} in time: it is away, or the check takes longer."
        ) from None
    return check_body(result, clock.now_ms())


def _known(parts: Parts, check: str) -> CheckBody:
    """The check's latest result. Problem 404."""
    body = parts.views.health.check(check, clock.now_ms())
    if body is None:
        raise Problem(
            404, f"There is no health check {check[:80]!r}; GET /api/monitoring/health lists those there are."
        )
    return body
