"""Alertmanager's API v2, for whoever speaks to an Alertmanager: amtool, karma, Grafana. It needs only the bus."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.api.access import OperatorRoute, PublicRoute, ViewerRoute
from services.api.core.alertmanager import (
    BadFilter,
    Known,
    Wanted,
    filters_of,
    find_alerts,
    find_groups,
    find_silences,
    matcher_of,
    silence_v2,
)
from services.api.core.alertmanager_bodies import (
    AlertGroupV2,
    AlertmanagerStatus,
    GettableAlert,
    GettableSilence,
    PostableSilence,
    ReceiverV2,
    SilenceMade,
)
from services.api.core.alertmanager_config import config_text
from services.api.parts import Parts, parts_of
from services.api.problems import Problem
from services.api.routes.documented import DESCRIPTIONS
from services.api.rule_changes import author_of
from shared import clock
from shared.bus import BusUnavailable
from shared.messages.message import instant_from_text, instant_to_text
from shared.messages.silences import Silence
from shared.routing.errors import BadMatcher
from shared.routing.matchers import checked
from shared.service import VERSION

# Whose API this is; dashboards decide by it what they may ask for.
SPEAKS = "0.27.0"
PREFIXES = ("/api/v2", "/alertmanager/api/v2")
NO_ALERTS = (
    "alerts are not taken here: they come from Pantau's rules. Push samples to /api/monitoring/metrics and write a "
    "rule, or let your program alert an Alertmanager of its own"
)


class _V2(PublicRoute):
    """What goes wrong is told as Alertmanager does: a text."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, whose problems have another form."""
        handle = super().get_route_handler()

        async def translated(request: Request) -> Response:
            try:
                return await handle(request)
            except BadFilter as error:
                return JSONResponse(str(error), 400)
            except RequestValidationError as error:
                first = error.errors()[0]
                place = ".".join(str(step) for step in first["loc"][1:]) or str(first["loc"][0])
                return JSONResponse(f"{place}: {first['msg']}"[:1_000], 400)
            except BusUnavailable:
                return JSONResponse("the bus did not take it in time: send it again", 503, {"Retry-After": "5"})
            except HTTPException as problem:
                status = 400 if problem.status_code in (409, 422) else problem.status_code
                return JSONResponse(problem.detail, status, problem.headers)

        return translated


class ReadingRoute(_V2, ViewerRoute):
    """For those who may look."""


class ChangingRoute(_V2, OperatorRoute):
    """For those who may change what is muted."""


viewer = APIRouter(route_class=ReadingRoute, tags=["alertmanager"])
operator = APIRouter(route_class=ChangingRoute, tags=["alertmanager"])

TEXT = {"content": {"application/json": {"schema": {"type": "string"}}}}
Filter = Annotated[
    list[Annotated[str, Query(max_length=400)]] | None,
    Query(alias="filter", max_length=10, description='Matchers, like `severity="critical"`'),
]
Receiver = Annotated[str | None, Query(max_length=500, description="A regular expression of the receiver's whole name")]
Id = Annotated[str, Path(max_length=100)]


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    named: dict[int | str, dict[str, Any]] = {
        one: {"description": DESCRIPTIONS.get(one, "Bad request"), **TEXT} for one in sorted({401, 403, 503, *statuses})
    }
    named[400] = {"description": "It can't be taken", **TEXT}
    return named | {"default": {"description": "Any other problem", **TEXT}}


@viewer.get("/status", operation_id="alertmanagerStatus", summary="Status and configuration", responses=_errors())
async def status(request: Request) -> AlertmanagerStatus:
    """The configuration in force as YAML, without its secrets. There is no cluster of Alertmanagers here."""
    parts = parts_of(request)
    version = {"version": SPEAKS, "revision": f"pantau-{VERSION}", "branch": "pantau", "buildUser": ""}
    return AlertmanagerStatus(
        cluster={"status": "disabled", "peers": []},
        versionInfo={**version, "buildDate": "", "goVersion": ""},  # type: ignore[typeddict-item]
        config={"original": config_text(parts.notifications.written, parts.routing)},
        uptime=instant_to_text(parts.started_ms),
    )


@viewer.get("/receivers", operation_id="alertmanagerReceivers", summary="Receivers", responses=_errors())
async def receivers(request: Request) -> list[ReceiverV2]:
    """Their names."""
    return [ReceiverV2(name=name) for name in sorted(parts_of(request).routing.receivers)]


@viewer.get("/alerts", operation_id="alertmanagerAlerts", summary="Alerts that fire", responses=_errors())
async def alerts(
    request: Request,
    filters: Filter = None,
    receiver: Receiver = None,
    *,
    active: bool = True,
    silenced: bool = True,
    inhibited: bool = True,
    unprocessed: bool = True,
) -> list[GettableAlert]:
    """With who is told of them, and what mutes them."""
    wanted = Wanted(active, silenced, inhibited, unprocessed, filters_of(filters or ()), receiver)
    return find_alerts(_known(parts_of(request)), wanted)


@viewer.get("/alerts/groups", operation_id="alertmanagerGroups", summary="Alerts by group", responses=_errors())
async def groups(
    request: Request,
    filters: Filter = None,
    receiver: Receiver = None,
    *,
    active: bool = True,
    silenced: bool = True,
    inhibited: bool = True,
) -> list[AlertGroupV2]:
    """As receivers are told of them."""
    wanted = Wanted(active, silenced, inhibited, True, filters_of(filters or ()), receiver)
    return find_groups(_known(parts_of(request)), wanted)


@operator.post("/alerts", operation_id="alertmanagerPostAlerts", summary="Refused", responses=_errors())
async def post_alerts() -> Response:
    """Alerts come from rules here; the answer says so."""
    return JSONResponse(NO_ALERTS, 400)


@viewer.get("/silences", operation_id="alertmanagerSilences", summary="Silences", responses=_errors())
async def silences(request: Request, filters: Filter = None) -> list[GettableSilence]:
    """Those that hold first. Acknowledgements, which are about one alert's episode, are not among them."""
    return find_silences(parts_of(request).views.silences.all(), filters_of(filters or ()), clock.now_ms())


@viewer.get("/silence/{silenceID}", operation_id="alertmanagerSilence", summary="One silence", responses=_errors(404))
async def silence(request: Request, silenceID: Id) -> GettableSilence:  # noqa: N803  (Alertmanager's name)
    """A silence by its id."""
    return silence_v2(_silence(parts_of(request), silenceID), clock.now_ms())


@operator.post(
    "/silences", operation_id="alertmanagerPostSilence", summary="Make or change a silence", responses=_errors(404)
)
async def post_silence(request: Request, wanted: PostableSilence) -> SilenceMade:
    """With the id of one that is not over, and the same matchers, that one is changed; with other matchers it ends, and
    a new one is made."""
    parts, author = parts_of(request), author_of(request)
    matchers = [matcher_of(one) for one in wanted["matchers"]]
    _check(matchers, wanted["comment"])
    start_ms, end_ms = _instant(wanted["startsAt"], "startsAt"), _instant(wanted["endsAt"], "endsAt")
    before = _silence(parts, wanted["id"]) if wanted.get("id") else None
    is_over = before is not None and before.ends_at <= clock.now_ms()
    if before is not None and before.matchers == matchers and not is_over:
        comment = wanted["comment"]
        made = await parts.silences.replace(author, before.id, matchers, comment, start_ms, end_ms, before.windows)
        return SilenceMade(silenceID=made.id)
    made = await parts.silences.create(
        author, matchers, wanted["comment"], start_ms, end_ms, created_by=wanted["createdBy"]
    )
    if before is not None and not is_over:
        await parts.silences.expire(author, before.id)
    return SilenceMade(silenceID=made.id)


@operator.delete(
    "/silence/{silenceID}", operation_id="alertmanagerDeleteSilence", summary="End a silence", responses=_errors(404)
)
async def delete_silence(request: Request, silenceID: Id) -> Response:  # noqa: N803
    """It ends now, and is shown for some days."""
    parts = parts_of(request)
    await parts.silences.expire(author_of(request), _silence(parts, silenceID).id)
    return Response(status_code=200)


def _known(parts: Parts) -> Known:
    return Known(
        told=parts.views.alerts.told(),
        silences=parts.views.silences.all(),
        routing=parts.routing,
        external_url=parts.settings.external.url,
        now_ms=clock.now_ms(),
    )


def _silence(parts: Parts, id: str | None) -> Silence:
    found = parts.views.silences.get(id or "")
    if found is None or found.kind != "silence":
        raise Problem(404, f"silence {(id or '')[:80]} not found")
    return found


def _check(matchers: list[Any], comment: str) -> None:
    """BadFilter where Alertmanager would refuse a silence."""
    try:
        found = [checked(one.name, one.operator, one.value) for one in matchers]
    except BadMatcher as error:
        raise BadFilter(f"invalid silence: invalid label matcher: {error}") from error
    if all(one.matches("") for one in found):
        raise BadFilter("invalid silence: at least one matcher must not match the empty string")
    if not comment.strip():
        raise BadFilter("invalid silence: the comment, which says why, is missing")


def _instant(text: str, name: str) -> int:
    try:
        return instant_from_text(text)
    except (ValueError, OverflowError):
        raise BadFilter(f"{name}: not an RFC 3339 date and time") from None
