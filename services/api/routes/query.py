"""PromQL over history, as Prometheus' API has it: for Grafana, scripts and `./pantau query`."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from services.api.core.prometheus_bodies import ErrorAnswer
from services.api.core.prometheus_query import BadParameter
from services.api.core.query_answers import QueryAnswer
from services.api.core.query_parameters import PARAMETERS, instant_query, range_query
from services.api.parts import parts_of
from services.api.problems import RETRY_SECONDS
from services.api.queries import TooManyQueries
from services.api.routes.documented import DESCRIPTIONS
from services.api.routes.prometheus import PrometheusRoute
from shared import clock
from shared.database import DatabaseUnavailable
from shared.promql.errors import BadQuery, QueryFailed, QueryRefused

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100
OWN_WORDS = {400: "A parameter can't be taken", 422: "The query has no answer, or would cost more than is allowed"}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {one: {"description": OWN_WORDS.get(one, DESCRIPTIONS[one]), "model": ErrorAnswer} for one in statuses}


ERRORS = _errors(400, 401, 403, 422, 503)
FORM_ERRORS = _errors(400, 401, 403, 408, 413, 415, 422, 503)


class QueryRoute(PrometheusRoute):
    """For those who may look; the parameters may come as a form."""

    media = (FORM,)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler; a query without an answer is told as Prometheus does."""
        handle = super().get_route_handler()

        async def translated(request: Request) -> Response:
            try:
                return await handle(request)
            except QueryRefused as error:
                return _error(503 if error.limit == "time" else 422, str(error))
            except (QueryFailed, BadQuery) as error:
                return _error(422, str(error))
            except TooManyQueries:
                return _error(503, "as many queries as are allowed are under way: try again")
            except DatabaseUnavailable:
                return _error(503, "history can't be reached right now", "unavailable")

        return translated


router = APIRouter(route_class=QueryRoute, tags=["prometheus"])

QueryText = Annotated[str, Query(description="PromQL")]
Timeout = Annotated[str, Query(description="A duration; the shorter of it and `api.query.most_seconds` holds")]
Limit = Annotated[str, Query(description="At most so many series; 0 or absent: all")]
Lookback = Annotated[str, Query(description="A duration: how long a sample counts; absent: 5m")]
INSTANT: dict[str, Any] = {"query": "PromQL", "time": "RFC 3339 or seconds since the epoch; absent: now"}
RANGE: dict[str, Any] = {"query": "PromQL", "start": "The first step", "end": "The last one", "step": "Their distance"}


def _form(fields: dict[str, str], *needed: str) -> dict[str, Any]:
    """The OpenAPI description of a form."""
    more = {"timeout": "A duration", "limit": "At most so many series", "lookback_delta": "A duration"}
    properties = {name: {"type": "string", "description": text} for name, text in (fields | more).items()}
    schema = {"type": "object", "properties": properties, "required": list(needed)}
    return {"requestBody": {"content": {FORM: {"schema": schema}}}}


@router.get(
    "/api/v1/query",
    operation_id="prometheusQuery",
    summary="A query at an instant",
    response_model=QueryAnswer,
    responses=ERRORS,
)
async def query(
    request: Request,
    query: QueryText = "",
    time: Annotated[str, Query(description="RFC 3339 or seconds since the epoch; absent: now")] = "",
    timeout: Timeout = "",
    limit: Limit = "",
    lookback_delta: Lookback = "",
) -> Response:
    """Over what history has stored, answered by the engine that evaluates rules."""
    return await _instant(request, dict(request.query_params))


@router.post(
    "/api/v1/query",
    operation_id="prometheusQueryForm",
    summary="A query at an instant, as a form",
    response_model=QueryAnswer,
    responses=FORM_ERRORS,
    openapi_extra=_form(INSTANT, "query"),
)
async def query_form(request: Request) -> Response:
    """The same; for queries that are too long for a URL."""
    return await _instant(request, await _parameters(request))


@router.get(
    "/api/v1/query_range",
    operation_id="prometheusQueryRange",
    summary="A query at each step of a range",
    response_model=QueryAnswer,
    responses=ERRORS,
)
async def query_range(
    request: Request,
    query: QueryText = "",
    start: Annotated[str, Query(description="RFC 3339 or seconds since the epoch")] = "",
    end: Annotated[str, Query(description="As start")] = "",
    step: Annotated[str, Query(description="Seconds, or a duration like 5m")] = "",
    timeout: Timeout = "",
    limit: Limit = "",
    lookback_delta: Lookback = "",
) -> Response:
    """Over what history has stored, answered by the engine that evaluates rules."""
    return await _range(request, dict(request.query_params))


@router.post(
    "/api/v1/query_range",
    operation_id="prometheusQueryRangeForm",
    summary="A query at each step of a range, as a form",
    response_model=QueryAnswer,
    responses=FORM_ERRORS,
    openapi_extra=_form(RANGE, "query", "start", "end", "step"),
)
async def query_range_form(request: Request) -> Response:
    """The same; for queries that are too long for a URL."""
    return await _range(request, await _parameters(request))


async def _instant(request: Request, parameters: dict[str, str]) -> Response:
    parts = parts_of(request)
    answer = await parts.queries.answer(instant_query(parameters, clock.now_ms()))
    return Response(answer, media_type="application/json")


async def _range(request: Request, parameters: dict[str, str]) -> Response:
    parts = parts_of(request)
    answer = await parts.queries.answer(range_query(parameters, parts.settings.api.query.most_points))
    return Response(answer, media_type="application/json")


async def _parameters(request: Request) -> dict[str, str]:
    """Of the form and the URL; the form's count."""
    body = await request.body()
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:  # UnicodeDecodeError is one
        raise BadParameter("body", "it is not a form of text in UTF-8") from None
    given = {name: value for name, value in reversed(fields) if name in PARAMETERS}  # of two the first counts
    return dict(request.query_params) | given


def _error(status: int, reason: str, kind: str | None = None) -> Response:
    kinds = {422: "execution", 503: "timeout"}
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else None
    content = {"status": "error", "errorType": kind or kinds[status], "error": reason}
    return JSONResponse(content, status, headers)
