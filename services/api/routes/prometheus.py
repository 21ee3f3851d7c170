"""Prometheus' own API for rules and alerts, for whoever speaks to a Prometheus: Grafana, karma, mimirtool, scripts."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from services.api.access import ViewerRoute
from services.api.core.prometheus import Known, find_alerts, find_rules
from services.api.core.prometheus_bodies import (
    AlertsAnswer,
    BuildInfo,
    BuildInfoAnswer,
    ErrorAnswer,
    ErrorType,
    RulesAnswer,
)
from services.api.core.prometheus_query import BadParameter, RulesQuery
from services.api.parts import parts_of
from services.api.problems import Problem
from services.api.routes.documented import DESCRIPTIONS
from shared.service import VERSION

# Whose API and language this is; Grafana decides by it what it may ask for.
SPEAKS = "3.0.0"
ERROR_TYPES: dict[int, ErrorType] = {
    400: "bad_data",
    401: "unauthorized",
    403: "forbidden",
    503: "unavailable",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    **{status: {"description": DESCRIPTIONS[status], "model": ErrorAnswer} for status in (401, 403, 503)},
    "default": {"description": "Any other problem", "model": ErrorAnswer},
}


class PrometheusRoute(ViewerRoute):
    """For those who may look; what goes wrong is told as Prometheus does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, whose problems have another form."""
        handle = super().get_route_handler()

        async def translated(request: Request) -> Response:
            try:
                return await handle(request)
            except BadParameter as error:
                return _error(400, str(error))
            except RequestValidationError as error:
                first = error.errors()[0]
                return _error(400, f'invalid parameter "{first["loc"][-1]}": {first["msg"]}')
            except Problem as problem:
                return _error(problem.status_code, problem.detail, problem.headers)

        return translated


router = APIRouter(route_class=PrometheusRoute, tags=["prometheus"])


@router.get(
    "/api/v1/rules",
    operation_id="prometheusRules",
    summary="Rule groups, as Prometheus tells them",
    responses=ERRORS | {400: {"description": "A parameter can't be taken", "model": ErrorAnswer}},
)
async def rules(
    request: Request,
    kind: Annotated[str, Query(alias="type", description="alert or record; absent: both")] = "",
    rule_name: Annotated[list[str], Query(alias="rule_name[]", description="Names of rules")] = [],  # noqa: B006
    rule_group: Annotated[list[str], Query(alias="rule_group[]", description="Names of groups")] = [],  # noqa: B006
    file: Annotated[list[str], Query(alias="file[]", description="Rule files, as `file` names them")] = [],  # noqa: B006
    match: Annotated[list[str], Query(alias="match[]", description="Selectors of the rules' labels")] = [],  # noqa: B006
    exclude_alerts: Annotated[str, Query(description="true: without the active alerts")] = "",
    group_limit: Annotated[str, Query(description="At most so many groups; `groupNextToken` leads on")] = "",
    group_next_token: Annotated[str, Query(description="From an answer that had more groups")] = "",
) -> RulesAnswer:
    """Rules in force with their health and active alerts. It works while the database is down."""
    query = RulesQuery.read(kind, rule_name, rule_group, file, match, exclude_alerts, group_limit, group_next_token)
    parts = parts_of(request)
    known = Known(
        groups=parts.views.rules,
        statuses=parts.views.statuses,
        told=parts.views.alerts.told(),
        files=parts.rulebook.files,
        interval_ms=round(parts.settings.alerting.evaluation_interval_seconds * 1000),
    )
    return RulesAnswer(status="success", data=find_rules(query, known))


@router.get(
    "/api/v1/alerts",
    operation_id="prometheusAlerts",
    summary="Active alerts, as Prometheus tells them",
    responses=ERRORS,
)
async def alerts(request: Request) -> AlertsAnswer:
    """Pending and firing alerts. It works while the database is down."""
    return AlertsAnswer(status="success", data=find_alerts(parts_of(request).views.alerts.told()))


@router.get(
    "/api/v1/status/buildinfo",
    operation_id="prometheusBuildInfo",
    summary="Which Prometheus this stands in for",
    responses=ERRORS,
)
async def build_info() -> BuildInfoAnswer:
    """`version` is that of the API and language spoken here, `revision` Pantau's own."""
    info = BuildInfo(
        version=SPEAKS, revision=f"pantau-{VERSION}", branch="pantau", buildUser="", buildDate="", goVersion=""
    )
    return BuildInfoAnswer(status="success", data=info)


def _error(status: int, reason: str, headers: Any = None) -> Response:
    kind = ERROR_TYPES.get(status, "bad_data" if status < 500 else "internal")
    answer = ErrorAnswer(status="error", errorType=kind, error=reason)
    return JSONResponse(answer, status, headers)
