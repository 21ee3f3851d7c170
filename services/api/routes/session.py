"""Login and logout of the browser application."""

from fastapi import APIRouter, Request, Response

from services.api.access import COOKIE, KnownRoute, PublicRoute, address_of, principal_of
from services.api.core.bodies import Credentials, Session
from services.api.parts import parts_of
from services.api.problems import Problem
from services.api.routes.documented import WITH_BODY, problems

public = APIRouter(route_class=PublicRoute, tags=["session"])
known = APIRouter(route_class=KnownRoute, tags=["session"])


@public.post(
    "/api/session",
    operation_id="login",
    summary="Log in",
    responses=problems(401, 403, 429, 503, *WITH_BODY)
    | {200: {"headers": {"Set-Cookie": {"description": f"`{COOKIE}`, HttpOnly", "schema": {"type": "string"}}}}},
)
async def login(request: Request, credentials: Credentials, response: Response) -> Session:
    """Begins a session: the answer sets a cookie that the other operations take."""
    parts = parts_of(request)
    text, token = await parts.logins.begin(credentials.username, credentials.password, address_of(request))
    response.set_cookie(
        COOKIE,
        text,
        max_age=round(parts.settings.api.session_hours * 3600),
        path="/",
        secure=parts.settings.api.secure_cookies,
        httponly=True,
        samesite="strict",
    )
    return Session(username=token.name, role=token.role, expires_at=token.expires_at)


@known.get("/api/session", operation_id="getSession", summary="Who is asking", responses=problems(401))
async def current(request: Request) -> Session:
    """The user of the session, or the bearer token."""
    principal = principal_of(request)
    return Session(username=principal.name, role=principal.role, expires_at=principal.expires_at_ms)


@known.delete(
    "/api/session", operation_id="logout", summary="Log out", status_code=204, responses=problems(401, 403, 409, 503)
)
async def logout(request: Request, response: Response) -> None:
    """Ends the session for every api. It works while the database is down."""
    principal = principal_of(request)
    if principal.use != "session":
        raise Problem(409, "A bearer token is not a session: ./pantau token revoke ends it.")
    await parts_of(request).logins.end(principal, address_of(request))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
