"""Errors as RFC 9457 problem details, whoever raised them."""

from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sse_starlette.sse import SendTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.core.bodies import ProblemBody, Where
from services.api.core.ingest import MOST_ERRORS, BadInput, place
from shared.bus import BusUnavailable
from shared.database import DatabaseUnavailable

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
# A database that was reached but is not (yet) ours.
NOT_SET_UP = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
)


class Problem(HTTPException):
    """An answer that is not what was asked for. `errors` say what is wrong where, `current` what is there instead."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: list[Where] | None = None,
        headers: dict[str, str] | None = None,
        current: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.errors, self.current = errors, current


def unavailable(detail: str) -> Problem:
    """503: try again soon."""
    return Problem(503, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def invalid(where: str, reason: str) -> Problem:
    """422 about one field."""
    return Problem(422, f"{where}: {reason}", [Where(where=where, reason=reason)])


def problem_type(status: int) -> str:
    """The URI reference that identifies this kind of problem, and leads to its description."""
    return f"/api/docs#problem-{status}"


def response(request: Request, problem: Problem) -> Response:
    """The problem as an HTTP response."""
    body = ProblemBody(
        type=problem_type(problem.status_code),
        title=HTTPStatus(problem.status_code).phrase,
        status=problem.status_code,
        detail=problem.detail,
        instance=f"urn:uuid:{request.scope.get('request_id', '')}",
        errors=problem.errors,
        current=problem.current,
    )
    content = b"" if request.method == "HEAD" else body.model_dump_json(exclude_none=True).encode()
    return Response(content, problem.status_code, problem.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let `app` answer with problems whatever goes wrong in a foreseen way."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error, Problem):
            return response(request, error)
        detail = {
            404: "There is nothing here; /api/docs lists what there is.",
            405: "That method has no meaning here; /api/docs lists those that have.",
        }.get(error.status_code, str(error.detail))
        return response(request, Problem(error.status_code, detail, headers=dict(error.headers or {})))

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return response(request, _from_validation(error))

    async def bad_input(request: Request, error: Exception) -> Response:
        assert isinstance(error, BadInput)
        return response(request, Problem(400 if error.malformed else 422, str(error)[:2_000], error.errors))

    async def database(request: Request, error: Exception) -> Response:
        log.warning("request needs the database, which is away", route=_route(request), reason=str(error))
        return response(request, unavailable("The database can't be reached right now; what needs only the bus works."))

    async def not_set_up(request: Request, error: Exception) -> Response:
        log.error("the database is not set up", route=_route(request), reason=str(error))
        return response(request, unavailable("The database is not set up: an operator runs ./pantau migrate."))

    async def bus(request: Request, error: Exception) -> Response:
        log.warning("request needs the bus, which is away", route=_route(request), reason=str(error))
        return response(request, unavailable("The bus did not take it in time. Send it again: that does no harm."))

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(BadInput, bad_input)
    app.add_exception_handler(DatabaseUnavailable, database)
    app.add_exception_handler(BusUnavailable, bus)
    for kind in NOT_SET_UP:
        app.add_exception_handler(kind, not_set_up)


def _route(request: Request) -> str | None:
    """The path's pattern: a path itself may hold what is nobody's business."""
    return getattr(request.scope.get("route"), "path_format", None)


def _from_validation(error: RequestValidationError) -> Problem:
    problems = error.errors()
    if problems and problems[0]["type"] == "json_invalid":
        position = problems[0]["loc"][-1]
        reason = str(problems[0].get("ctx", {}).get("error", "not JSON"))
        return Problem(400, f"body: not JSON: {reason}", [Where(where=f"body, character {position}", reason=reason)])
    # Only place and reason: what was sent may hold a password.
    errors = [
        Where(where=place(problem["loc"][1:], str(problem["loc"][0])), reason=problem["msg"])
        for problem in problems[:MOST_ERRORS]
    ]
    return Problem(422, "; ".join(f"{one.where}: {one.reason}" for one in errors)[:2_000], errors)


class Unexpected:
    """ASGI middleware: what nobody foresaw becomes a 500 whose id the log has too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except SendTimeoutError:
            log.info("client did not read, its stream is cut", request_id=scope.get("request_id"))
        except Exception as error:
            log.error(
                "request failed unexpectedly",
                request_id=scope.get("request_id"),
                method=scope["method"],
                route=getattr(scope.get("route"), "path_format", None),
                exc_info=error,
            )
            if not started:
                detail = "Something unforeseen went wrong; the log says what, under the id in `instance`."
                await response(Request(scope), Problem(500, detail))(scope, receive, send)
