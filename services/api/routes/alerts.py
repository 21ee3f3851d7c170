"""Alerts, active and past."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from services.api import history
from services.api.access import ViewerRoute
from services.api.core.alerts import newest_first
from services.api.core.bodies import AlertBody, ListedAlertBody
from services.api.core.mutes import Subject, subject_of
from services.api.parts import Parts, parts_of
from services.api.routes.documented import problems
from shared import clock
from shared.messages.alerts import Severity

router = APIRouter(route_class=ViewerRoute, tags=["monitoring"])


@router.get(
    "/api/monitoring/alerts", operation_id="getAlerts", summary="Alerts", responses=problems(401, 403, 422, 503)
)
async def alerts(
    request: Request,
    status: Annotated[
        Literal["active", "resolved", "all"], Query(description="active: pending and firing, from the bus")
    ] = "all",
    severity: Annotated[Severity | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    shadow: Annotated[
        Literal["true", "false", "all"],
        Query(description="Alerts of rules that are tried out, of which nothing is sent: only, not, or too"),
    ] = "false",
) -> list[ListedAlertBody]:
    """The newest episodes first, with what keeps them from being told. `status=active` works while the database is
    down."""
    parts = parts_of(request)
    views = {"true": (parts.views.shadow_alerts,), "false": (parts.views.alerts,)}.get(
        shadow, (parts.views.alerts, parts.views.shadow_alerts)
    )
    active = [] if status == "resolved" else newest_first(one for view in views for one in view.active(severity))
    if status == "active":
        return _listed(parts, active[:limit])
    which = None if shadow == "all" else shadow == "true"
    stored = await history.resolved_alerts(parts.database, severity, limit, which)
    # By id, the later word last: what the bus has just said the database may not have yet.
    seen = [one for view in views for one in view.resolved(severity)]
    found = {alert.id: alert for alert in (*active, *seen, *stored)}
    return _listed(parts, newest_first(found.values())[:limit])


def _listed(parts: Parts, alerts: list[AlertBody]) -> list[ListedAlertBody]:
    mutes = parts.mutes(clock.now_ms())
    return [mutes.listed(one, _subject(parts, one)) for one in alerts]


def _subject(parts: Parts, alert: AlertBody) -> Subject | None:
    told = None if alert.status == "resolved" else parts.views.alerts.told_of(alert.alert_id)
    return None if told is None else subject_of(told)
