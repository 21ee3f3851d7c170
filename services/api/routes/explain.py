"""Why an alert fired, and why a rule did or did not."""

import math
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request

from services.api.access import ViewerRoute
from services.api.alert_history import stored_deliveries, stored_events
from services.api.core.alert_bodies import AlertDetailBody
from services.api.core.alert_detail import ALERT_ID, detail, detail_of_state, merged, parse_id
from services.api.core.explain_bodies import ExplainBody
from services.api.core.explain_choice import Ambiguous, NoSuchRule
from services.api.core.told_events import ToldEvent
from services.api.explain import Asked, TooManyExplanations
from services.api.parts import Parts, parts_of
from services.api.problems import Problem, invalid, unavailable
from services.api.routes.documented import problems
from shared import clock
from shared.database import DatabaseUnavailable
from shared.messages.message import LATEST_INSTANT_MS, instant_from_text
from shared.promql.errors import BadQuery, QueryFailed, QueryRefused
from shared.promql.expressions import VectorSelector
from shared.promql.matching import Matcher
from shared.promql.query import compile_query

router = APIRouter(route_class=ViewerRoute, tags=["monitoring"])

NO_CONTROL = r"^[^\x00-\x1f]+$"


@router.get(
    "/api/monitoring/alerts/explain",
    operation_id="explainRule",
    summary="Why a rule fired, or why not",
    responses=problems(401, 403, 404, 422, 503),
)
async def explain(
    request: Request,
    rule: Annotated[str, Query(description="The rule's name", min_length=1, max_length=200, pattern=NO_CONTROL)],
    at: Annotated[
        str | None,
        Query(description="RFC 3339, or seconds since the epoch; absent: now", max_length=40, pattern=NO_CONTROL),
    ] = None,
    group: Annotated[
        str | None, Query(description="Its group, if several have one of this name", max_length=200, pattern=NO_CONTROL)
    ] = None,
    place: Annotated[
        int | None, Query(description="Its position in the group, if that has several of this name", ge=0, le=100_000)
    ] = None,
    version: Annotated[
        Literal["then", "now"] | None,
        Query(description="The rule as it was at the instant, or as it is now; absent: as it was if it was there"),
    ] = None,
    labels: Annotated[
        str | None,
        Query(
            description='Which alerts, as label matchers in braces: {host="web-1"}',
            max_length=2_000,
            pattern=NO_CONTROL,
        ),
    ] = None,
) -> ExplainBody:
    """Evaluates a rule, and each part of its expression, at an instant of the past, over what history holds: the
    values, what was missing, what did not reach its threshold and by how much, whether history was complete and the
    instant known, and what alerting told at that time."""
    parts = parts_of(request)
    now_ms = clock.now_ms()
    asked = Asked(rule, _instant(at, now_ms), group, place, version, _matchers(labels))
    try:
        return await parts.explainer.explain(asked, dict(parts.views.rules))
    except NoSuchRule as error:
        raise Problem(404, str(error)) from None
    except Ambiguous as error:
        raise invalid(f"query.{error.parameter}", str(error)) from None
    except BadQuery as error:
        raise Problem(422, f"The rule can't be evaluated: {error}") from None
    except QueryFailed as error:
        raise Problem(422, str(error)) from None
    except QueryRefused as error:
        raise (unavailable(str(error)) if error.limit == "time" else Problem(422, str(error))) from None
    except TooManyExplanations:
        raise unavailable("As many explanations as are allowed are under way: try again.") from None


@router.get(
    "/api/monitoring/alerts/{id}",
    operation_id="getAlert",
    summary="One alert and its evidence",
    responses=problems(401, 403, 404, 422, 503),
)
async def alert(
    request: Request,
    id: Annotated[
        str,
        Path(description="An episode's id, as in the list; or an alert's, for its latest episode", pattern=ALERT_ID),
    ],
) -> AlertDetailBody:
    """All transitions of one episode with the samples that decided, and what was sent to whom, in one timeline. While
    the database is down: what the api has seen of the alert itself."""
    parts = parts_of(request)
    parsed = parse_id(id)
    if parsed is None or (parsed[1] or 0) > LATEST_INSTANT_MS:
        raise _no_alert(id)
    groups, told = parts.views.rules, parts.views.events.of(*parsed)
    try:
        return await _from_history(parts, id, *parsed, told)
    except DatabaseUnavailable:
        if told:
            return detail(told, {}, groups, "bus")
        episode = id if parsed[1] is not None else None
        for view in (parts.views.alerts, parts.views.shadow_alerts):
            if (active := view.find(parsed[0], episode)) is not None:
                return detail_of_state(active, groups)
        raise


async def _from_history(
    parts: Parts, id: str, alert: str, episode_ms: int | None, told: list[ToldEvent]
) -> AlertDetailBody:
    events = merged(await stored_events(parts.database, alert, episode_ms), told)
    if not events:
        raise _no_alert(id)
    deliveries = await stored_deliveries(parts.database, [one.event.id for one in events])
    return detail(events, deliveries, parts.views.rules, "history")


def _no_alert(id: str) -> Problem:
    return Problem(404, f"There is no alert {id!r}, or it is older than what history keeps.")


def _instant(text: str | None, now_ms: int) -> int:
    if text is None:
        return now_ms
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    try:
        found = round(seconds * 1000) if math.isfinite(seconds) else instant_from_text(text)
    except (ValueError, OverflowError):
        raise invalid("query.at", "is neither RFC 3339 nor seconds since the epoch") from None
    if found < 0:
        raise invalid("query.at", "lies before 1970")
    if found > now_ms:
        raise invalid("query.at", "lies in the future")
    return found


def _matchers(text: str | None) -> tuple[Matcher, ...]:
    if text is None:
        return ()
    try:
        expr = compile_query(text).expr
    except BadQuery as error:
        raise invalid("query.labels", str(error)[:500]) from None
    if not text.lstrip().startswith("{") or not isinstance(expr, VectorSelector) or expr.alternatives:
        raise invalid("query.labels", 'are to be label matchers in braces, like {host="web-1"}')
    return expr.matchers
