"""Who is asking, and routes that ask for it before they read anything else."""

from collections.abc import Callable, Coroutine
from http.cookies import CookieError, SimpleCookie
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.api.core.access import Needed, Principal, Tokens
from services.api.core.origin import foreign_reason
from services.api.problems import Problem, unavailable
from shared import clock

COOKIE = "pantau_session"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="pantau"'}
LONGEST_TOKEN = 512
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PublicRoute(APIRoute):
    """A route for everybody, whom browsers may nevertheless not be made to use by other sites."""

    needed: ClassVar[Needed | None] = None
    media: ClassVar[tuple[str, ...]] = ("application/json",)
    """What a body may be; nothing: there is none."""
    refuses_foreign: ClassVar[bool] = True
    """Whether pages of other sites may not lead browsers here."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        extra = dict(named.get("openapi_extra") or {})
        if self.needed:
            extra |= {"security": [{"token": []}, {"session": []}], "x-required-role": self.needed}
        super().__init__(*positional, **{**named, "openapi_extra": extra})

    def get_route_handler(self) -> Handler:
        """The route's handler, behind the checks."""
        handle = super().get_route_handler()
        needed = self.needed

        async def checked(request: Request) -> Response:
            bearer = bearer_token(request)
            if bearer is None and self.refuses_foreign:
                _refuse_foreign(request)
            if needed is not None:
                request.state.principal = authorize(request, bearer, needed)
            if request.method in WITH_BODY and self.media:
                _refuse_other_media(request, self.media)
            return await handle(request)

        return checked


class ViewerRoute(PublicRoute):
    """For those who may look."""

    needed = "viewer"


class OperatorRoute(PublicRoute):
    """For those who may change what is watched."""

    needed = "operator"


class RuleTextRoute(OperatorRoute):
    """For those who may change rules, which may be written as in rule files."""

    media = ("application/json", "application/yaml", "application/x-yaml", "text/yaml")


class OperatorActionRoute(OperatorRoute):
    """For those who may change what is watched, by asking for it without a body."""

    media = ()


class IngestRoute(PublicRoute):
    """For those who may push samples."""

    needed = "ingest"


class KnownRoute(PublicRoute):
    """For whoever is known, whatever the role."""

    needed = "known"


def bearer_token(request: Request) -> str | None:
    """The token in the Authorization header; None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def session_token(request: Request) -> str | None:
    """The token in the session cookie; None without one."""
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def authenticate(request: Request, bearer: str | None) -> Principal:
    """Who is asking. Problem 401 if nobody who is known, 503 while it can't be known yet."""
    if not request.app.state.parts.views.complete:
        # Just started: a known token must not be called unknown, nor a list be given that lacks most of it.
        raise unavailable("Starting: access, rules, silences and alerts are still being read from the bus.")
    text = session_token(request) if bearer is None else bearer
    tokens: Tokens = request.app.state.parts.tokens
    principal = tokens.find(text, clock.now_ms()) if text and len(text) <= LONGEST_TOKEN else None
    if principal is None or (principal.use == "session") != (bearer is None):
        detail = (
            "That token or session is unknown, has expired or was revoked."
            if text
            else "Log in, or send a token: `Authorization: Bearer …` (./pantau token create makes one)."
        )
        raise Problem(401, detail, headers=CHALLENGE)
    return principal


def authorize(request: Request, bearer: str | None, needed: Needed) -> Principal:
    """Who is asking, if they may. Problem 401 or 403 otherwise."""
    principal = authenticate(request, bearer)
    if not principal.may(needed):
        raise Problem(403, f"That needs the role {needed}; {principal.name} has the role {principal.role}.")
    return principal


def principal_of(request: Request) -> Principal:
    """Who asks, on a route that is not public."""
    principal: Principal = request.state.principal
    return principal


def address_of(request: Request) -> str | None:
    """The client's address, behind trusted proxies the one they name."""
    return request.client.host if request.client else None


def media_of(request: Request) -> str:
    """What the body is declared as; empty if it isn't."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refuse_foreign(request: Request) -> None:
    origins = request.app.state.parts.settings.api.public_origins
    reason = foreign_reason(request.method, request.headers, origins)
    if reason is not None:
        raise Problem(403, f"The request is refused: {reason}.")


def _refuse_other_media(request: Request, taken: tuple[str, ...]) -> None:
    media = media_of(request)
    if media not in taken:
        raise Problem(415, f"Send the body with `Content-Type: {' or '.join(taken)}`; it is {media[:80]!r}.")
