"""What people do about one alert: acknowledge it, silence it; and what became of what was sent about it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from services.api.access import OperatorRoute, ViewerRoute
from services.api.alert_history import stored_steps
from services.api.core import muting
from services.api.core.alert_bodies import AlertNotificationsBody
from services.api.core.alert_detail import ALERT_ID, parse_id
from services.api.core.alerts import Told
from services.api.core.bodies import MuteBody
from services.api.core.mutes import subject_of
from services.api.core.silence_bodies import (
    AcknowledgementRequest,
    AlertSilenceRequest,
    MutedBody,
    SilenceBody,
)
from services.api.core.silences import exact_matchers
from services.api.parts import Parts, parts_of
from services.api.problems import Problem, invalid
from services.api.routes.documented import WITH_BODY, problems
from services.api.routes.silences import alert_body, end_of, shown
from services.api.rule_changes import author_of
from shared import clock
from shared.messages.message import LATEST_INSTANT_MS

viewer = APIRouter(route_class=ViewerRoute, tags=["silences"])
operator = APIRouter(route_class=OperatorRoute, tags=["silences"])

ONE = "/api/monitoring/alerts/{id}"
Id = Annotated[
    str, Path(description="An episode's id, as in the list; or an alert's, for its active episode", pattern=ALERT_ID)
]


@operator.post(
    f"{ONE}/acknowledge",
    operation_id="acknowledgeAlert",
    summary="Acknowledge an alert",
    responses=problems(401, 403, 404, 409, 503, *WITH_BODY),
)
async def acknowledge(request: Request, id: Id, wanted: AcknowledgementRequest) -> SilenceBody:
    """Somebody looks after it: nobody else is called, and it is not told again, until the end that is given (absent:
    `api.silences.acknowledgement_hours`) or the alert is over, which is told. Again: until another end."""
    parts = parts_of(request)
    told = active_alert(parts, id)
    made = await parts.silences.acknowledge(
        author_of(request), told.alert_id, told.episode, told.labels, wanted.reason, wanted.end_ms(clock.now_ms())
    )
    return shown(parts, made)


@operator.delete(
    f"{ONE}/acknowledge",
    operation_id="unacknowledgeAlert",
    summary="Take an acknowledgement back",
    responses=problems(401, 403, 404, 409, 422, 503),
)
async def unacknowledge(request: Request, id: Id) -> list[SilenceBody]:
    """The acknowledgements that ended with it: it is told again, and others are called."""
    parts = parts_of(request)
    told = active_alert(parts, id)
    ended = await parts.silences.unacknowledge(author_of(request), told.alert_id, told.episode)
    return [shown(parts, one) for one in ended]


@operator.post(
    f"{ONE}/silence",
    operation_id="silenceAlert",
    summary="Silence an alert",
    status_code=201,
    responses=problems(401, 403, 404, 409, 503, *WITH_BODY),
)
async def silence(request: Request, id: Id, wanted: AlertSilenceRequest) -> SilenceBody:
    """A silence of what has the same labels as this alert, all of them or those that are named."""
    parts = parts_of(request)
    told = active_alert(parts, id)
    names = told.labels if wanted.labels is None else wanted.labels
    for name in names:
        if name not in told.labels:
            raise invalid("body.labels", f"the alert has no label {name[:80]!r}")
    made = await parts.silences.create(
        author_of(request),
        exact_matchers({name: told.labels[name] for name in names}),
        wanted.reason,
        None,
        end_of(wanted.end_ms(clock.now_ms())),
        [one.message() for one in wanted.windows],
    )
    return shown(parts, made)


@viewer.get(
    f"{ONE}/muting",
    operation_id="getAlertMuting",
    summary="What mutes an alert now",
    responses=problems(401, 403, 404, 422),
)
async def muted(request: Request, id: Id) -> MutedBody:
    """Silences, acknowledgements, another alert that inhibits it, what it depends on, and the time. It works while the
    database is down."""
    parts = parts_of(request)
    told, alerts, now_ms = active_alert(parts, id), parts.views.alerts.told(), clock.now_ms()
    muted_by = parts.mutes(now_ms).of(subject_of(told))
    ids = {kind: _ids(muted_by, kind) for kind in ("acknowledgement", "silence", "inhibited")}
    known = parts.views.silences
    return MutedBody(
        acknowledgements=muting.bodies(known.some(ids["acknowledgement"]), alerts, now_ms),
        silences=muting.bodies(known.some(ids["silence"]), alerts, now_ms),
        inhibited_by=next((alert_body(one) for one in alerts if one.alert_id in ids["inhibited"]), None),
        muted_by=muted_by,
    )


@viewer.get(
    f"{ONE}/notifications",
    operation_id="getAlertNotifications",
    summary="What was sent about an alert",
    responses=problems(401, 403, 404, 422, 503),
)
async def notifications(
    request: Request, id: Id, limit: Annotated[int, Query(ge=1, le=1_000)] = 200
) -> AlertNotificationsBody:
    """Each step of each delivery, newest first, and what was held back by what: of one episode, or of all of an
    alert's. From history, which has it a moment after it happened."""
    parsed = parse_id(id)
    if parsed is None or (parsed[1] or 0) > LATEST_INSTANT_MS:
        raise _no_alert(id)
    return await stored_steps(parts_of(request).database, *parsed, limit)


def _ids(muted_by: list[MuteBody], kind: str) -> list[str]:
    return [one.by.removeprefix(f"{kind}:") for one in muted_by if one.by.startswith(f"{kind}:")]


def active_alert(parts: Parts, id: str) -> Told:
    """The active alert. Problem 404 or 409."""
    parsed = parse_id(id)
    if parsed is None:
        raise _no_alert(id)
    told = parts.views.alerts.told_of(parsed[0])
    if told is None:
        raise Problem(404, f"The alert {id!r} is not active: it is over, or there never was one.")
    if parsed[1] not in (None, told.episode):
        raise Problem(409, "That episode is over; the alert is active again, in another one.")
    return told


def _no_alert(id: str) -> Problem:
    return Problem(404, f"There is no alert {id[:80]!r}.")
