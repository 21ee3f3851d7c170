"""What jobs call when they start, succeed or fail: with GET too, since `wget` and old crons know nothing else."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from services.api.access import CHALLENGE, PublicRoute, ViewerRoute, authorize, bearer_token
from services.api.core.bodies import Accepted, HeartbeatsBody
from services.api.core.heartbeats import Kind
from services.api.parts import parts_of
from services.api.problems import Problem
from services.api.routes.documented import problems


class _JobRoute(PublicRoute):
    """For whoever has the job's key or a token; a body, such as a job's output, is not read."""

    media = ()


jobs = APIRouter(route_class=_JobRoute, tags=["monitoring"])
viewer = APIRouter(route_class=ViewerRoute, tags=["monitoring"])

PATH = "/api/monitoring/heartbeats/{name}"
Name = Annotated[str, Path(description="Its name in the section `heartbeats`", pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Key = Annotated[str | None, Query(description="The job's key; absent: a token of the role ingest", max_length=512)]
Duration = Annotated[
    float | None,
    Query(
        description="How long the run took, in seconds; absent: since its start, if it told that",
        ge=0,
        le=400 * 86_400,
        allow_inf_nan=False,
    ),
]
ANSWERS = problems(401, 403, 404, 422, 503)


async def _report(request: Request, name: str, kind: Kind, key: str | None, duration: float | None) -> Accepted:
    heartbeats = parts_of(request).heartbeats
    if key is not None:
        heartbeats.check_key(name, key)
    elif (bearer := bearer_token(request)) is not None:
        authorize(request, bearer, "ingest")
    else:  # a session is not enough: a page of another site could have a browser call this
        detail = "Add the heartbeat's key (?key=…), or send a token of the role ingest."
        raise Problem(401, detail, headers=CHALLENGE)
    await heartbeats.report(name, kind, duration)
    return Accepted(accepted=1)


@jobs.get(PATH, operation_id="reportHeartbeatByGet", summary="A job has succeeded", responses=ANSWERS)
@jobs.post(PATH, operation_id="reportHeartbeat", summary="A job has succeeded", responses=ANSWERS)
async def succeeded(request: Request, name: Name, key: Key = None, duration_seconds: Duration = None) -> Accepted:
    """It is on the bus when this answers, and works while the database is down."""
    return await _report(request, name, "success", key, duration_seconds)


@jobs.get(f"{PATH}/{{kind}}", operation_id="reportJobByGet", summary="A job starts, succeeds, fails", responses=ANSWERS)
@jobs.post(f"{PATH}/{{kind}}", operation_id="reportJob", summary="A job starts, succeeds, fails", responses=ANSWERS)
async def report(
    request: Request, name: Name, kind: Kind, key: Key = None, duration_seconds: Duration = None
) -> Accepted:
    """Like the above, and `start` is what the duration is counted from."""
    return await _report(request, name, kind, key, duration_seconds)


@viewer.get(
    "/api/monitoring/heartbeats",
    operation_id="getHeartbeats",
    summary="Jobs that report",
    responses=problems(401, 403),
)
async def heartbeats(request: Request) -> HeartbeatsBody:
    """What is known of each job, and whether it is late."""
    return parts_of(request).heartbeats.body()
