"""Silences: made, shown, changed and ended. All but the look at the past works while the database is down."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from services.api.access import OperatorRoute, ViewerRoute
from services.api.core import muting
from services.api.core.alerts import Told, active_body, event_body, newest_first
from services.api.core.bodies import AlertBody
from services.api.core.preconditions import Seen, etag, seen
from services.api.core.silence_bodies import (
    PreviewBody,
    PreviewRequest,
    SilenceBody,
    SilenceReplacement,
    SilenceRequest,
    SilenceState,
)
from services.api.parts import Parts, parts_of
from services.api.past_alerts import past_day
from services.api.problems import Problem, invalid
from services.api.routes.documented import WITH_BODY, problems
from services.api.routes.versions import TAGGED, IfMatch, Version
from services.api.rule_changes import author_of
from services.api.silences import ChangedMeanwhile
from shared import clock
from shared.database import DatabaseUnavailable
from shared.messages.alerts import CurrentAlert
from shared.messages.message import instant_to_text
from shared.messages.silences import Silence

viewer = APIRouter(route_class=ViewerRoute, tags=["silences"])
operator = APIRouter(route_class=OperatorRoute, tags=["silences"])

ALL = "/api/monitoring/silences"
ONE = f"{ALL}/{{id}}"
MOST_SHOWN = 50

Id = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9-]+$", description="The silence's")]


@viewer.get(ALL, operation_id="getSilences", summary="Silences", responses=problems(401, 403, 422))
async def silences(
    request: Request,
    state: Annotated[list[SilenceState] | None, Query(description="Absent: all of them")] = None,
    kind: Annotated[Literal["silence", "acknowledgement", "all"], Query()] = "silence",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> list[SilenceBody]:
    """The newest first; those that are over are shown for some days."""
    parts = parts_of(request)
    told, now_ms = parts.views.alerts.told(), clock.now_ms()
    known = [one for one in parts.views.silences.all() if kind in (one.kind, "all")]
    return muting.bodies_in(known, told, now_ms, frozenset(state or ()), limit)


@viewer.get(
    ONE,
    operation_id="getSilence",
    summary="One silence",
    responses=problems(401, 403, 404, 422) | {200: TAGGED},
)
async def silence(request: Request, id: Id, response: Response) -> SilenceBody:
    """A silence or an acknowledgement."""
    parts = parts_of(request)
    found = parts.views.silences.get(id)
    if found is None:
        raise Problem(404, f"There is no silence {id!r}, or it ended long ago.")
    return _tagged(parts, found, response)


@operator.post(
    ALL,
    operation_id="createSilence",
    summary="Make a silence",
    status_code=201,
    responses=problems(401, 403, 409, 503, *WITH_BODY) | {201: TAGGED},
)
async def create(request: Request, wanted: SilenceRequest, response: Response) -> SilenceBody:
    """From its start to its end, or in its windows between them, alerts that all matchers match are told to nobody. It
    is on the bus when this answers. That an alert is over is told nevertheless if it had been told."""
    parts, now_ms = parts_of(request), clock.now_ms()
    start_ms = max(wanted.starts_at or now_ms, now_ms)
    made = await parts.silences.create(
        author_of(request),
        [one.message() for one in wanted.matchers],
        wanted.reason,
        start_ms,
        end_of(wanted.end_ms(start_ms)),
        [one.message() for one in wanted.windows],
    )
    return _tagged(parts, made, response)


@operator.put(
    ONE,
    operation_id="putSilence",
    summary="Change a silence",
    responses=problems(401, 403, 404, 409, 412, 428, 503, *WITH_BODY) | {200: TAGGED},
)
async def put(
    request: Request, id: Id, wanted: SilenceReplacement, response: Response, if_match: IfMatch = None
) -> SilenceBody:
    """Puts another in its place; a start that has passed stays. The version that it replaces is to be named, in
    `If-Match` or the body: if it isn't in force any more nothing is changed, and `current` says what is there now."""
    parts, now_ms = parts_of(request), clock.now_ms()
    versions = seen(if_match, wanted.version)
    if not versions.stated:
        raise Problem(428, "Name the version that is to be replaced, in the header `If-Match` or as `version`.")
    try:
        changed = await parts.silences.replace(
            author_of(request),
            id,
            [one.message() for one in wanted.matchers],
            wanted.reason,
            wanted.starts_at,
            end_of(wanted.end_ms(max(wanted.starts_at or now_ms, now_ms))),
            [one.message() for one in wanted.windows],
            versions,
        )
    except ChangedMeanwhile as change:
        raise _stale(parts, change, versions) from None
    return _tagged(parts, changed, response)


@operator.delete(
    ONE,
    operation_id="expireSilence",
    summary="End a silence",
    responses=problems(401, 403, 404, 409, 412, 422, 503) | {200: TAGGED},
)
async def expire(
    request: Request, id: Id, response: Response, version: Version = None, if_match: IfMatch = None
) -> SilenceBody:
    """It ends now, if no version is named or it is still that one. One that is over stays as it is."""
    parts, versions = parts_of(request), seen(if_match, version)
    try:
        ended = await parts.silences.expire(author_of(request), id, versions)
    except ChangedMeanwhile as change:
        raise _stale(parts, change, versions) from None
    return _tagged(parts, ended, response)


class _PreviewRoute(ViewerRoute):
    """It reads, though it has a body."""


preview_router = APIRouter(route_class=_PreviewRoute, tags=["silences"])


@preview_router.post(
    f"{ALL}/preview",
    operation_id="previewSilence",
    summary="What a silence would mute",
    responses=problems(401, 403, *WITH_BODY),
)
async def preview(request: Request, wanted: PreviewRequest) -> PreviewBody:
    """The active alerts that all matchers match, and, where history answers, the alerts of the last day."""
    parts = parts_of(request)
    matchers = [one.matcher() for one in wanted.matchers]
    found = muting.matching_alerts(matchers, parts.views.alerts.told())
    bodies = newest_first(alert_body(one) for one in found)
    try:
        past = await past_day(parts.database, matchers, clock.now_ms())
    except DatabaseUnavailable:
        past = None
    return PreviewBody(total=len(bodies), alerts=bodies[:MOST_SHOWN], past_day=past)


def alert_body(told: Told) -> AlertBody:
    """An active alert as the API shows it."""
    return active_body(told) if isinstance(told, CurrentAlert) else event_body(told)


def shown(parts: Parts, one: Silence) -> SilenceBody:
    """A silence as the API shows it."""
    return muting.bodies([one], parts.views.alerts.told(), clock.now_ms())[0]


def _tagged(parts: Parts, one: Silence, response: Response) -> SilenceBody:
    response.headers["ETag"] = etag(one.version)
    return shown(parts, one)


def _stale(parts: Parts, change: ChangedMeanwhile, seen: Seen) -> Problem:
    now = change.silence
    at_ms = now.created_at if now.updated_at is None else now.updated_at
    detail = f"It was changed meanwhile: version {now.version} is there, since {instant_to_text(at_ms)}."
    current = shown(parts, now).model_dump(mode="json")
    return Problem(412 if seen.by_header else 409, detail, headers={"ETag": etag(now.version)}, current=current)


def end_of(end_ms: int | None) -> int:
    """The end, which the body's model has made sure of."""
    if end_ms is None:
        raise invalid("body.ends_at", "say when it ends: ends_at or duration_seconds")
    return end_ms
