"""Receivers: how they do, a test message to one, and who would be told of what."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from services.api.access import OperatorRoute, ViewerRoute
from services.api.core.mutes import Subject, subject_of
from services.api.core.receiver_bodies import (
    ReceiversBody,
    RoutePreviewBody,
    RoutePreviewRequest,
    TestBody,
    TestRequest,
)
from services.api.core.route_preview import Site, preview
from services.api.parts import Parts, parts_of
from services.api.problems import Problem
from services.api.routes.alert_actions import active_alert
from services.api.routes.documented import WITH_BODY, problems
from services.api.rule_changes import author_of
from services.api.trial_sends import TooManyTrials
from shared import clock

viewer = APIRouter(route_class=ViewerRoute, tags=["notifications"])
operator = APIRouter(route_class=OperatorRoute, tags=["notifications"])

RETRY_SECONDS = 5
Name = Annotated[str, Path(max_length=200, description="The receiver's, as configured")]


@viewer.get("/api/monitoring/receivers", operation_id="getReceivers", summary="Receivers", responses=problems(401, 403))
async def receivers(request: Request) -> ReceiversBody:
    """How deliveries to each went in the last 24 hours. It works while the database is down."""
    parts = parts_of(request)
    now_ms = clock.now_ms()
    return ReceiversBody(
        receivers=parts.views.deliveries.bodies(parts.routing.receivers.values(), now_ms),
        complete=parts.views.deliveries_known,
        timestamp=now_ms,
    )


@operator.post(
    "/api/monitoring/receivers/{name}/test",
    operation_id="testReceiver",
    summary="Send a test message",
    responses=problems(401, 403, 404, 429, 503, *WITH_BODY),
)
async def test(request: Request, name: Name, wanted: TestRequest) -> TestBody:
    """To all destinations of the receiver, whatever mutes alerts; with what became of it."""
    parts = parts_of(request)
    if name not in parts.routing.receivers:
        raise Problem(404, f"There is no receiver {name[:80]!r}; GET /api/monitoring/receivers lists those there are.")
    try:
        return await parts.trial_sends.send(name, author_of(request))
    except TooManyTrials:
        detail = "This receiver, or enough others, are being tried already. Try again in a moment."
        raise Problem(429, detail, headers={"Retry-After": str(RETRY_SECONDS)}) from None


@viewer.post(
    "/api/monitoring/notifications/preview",
    operation_id="previewNotifications",
    summary="Who would be told",
    responses=problems(401, 403, 404, 409, *WITH_BODY),
)
async def preview_notifications(request: Request, wanted: RoutePreviewRequest) -> RoutePreviewBody:
    """Of an alert with these labels, or of this active alert: its routes, the receivers, who is on call then, and what
    would mute it until when. It works while the database is down."""
    parts = parts_of(request)
    at_ms = clock.now_ms() if wanted.at is None else wanted.at
    if wanted.alert is None:
        return preview(_site(parts, at_ms), Subject(wanted.labels or {}), at_ms)
    told = active_alert(parts, wanted.alert)
    return preview(_site(parts, at_ms), subject_of(told), at_ms)


def _site(parts: Parts, at_ms: int) -> Site:
    return Site(
        routing=parts.routing,
        directory=parts.notifications.directory,
        admins=list(parts.views.recipients.values()),
        mutes=parts.mutes(at_ms),
    )
