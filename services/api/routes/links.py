"""Links in messages: `/a/TOKEN`. The token is all that is asked for, and it is never written down."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from services.api.access import PublicRoute, address_of
from services.api.core.link_page import HEADERS, STATUS, Language, View, language_of, page
from services.api.parts import parts_of
from shared.links import PATH


class _LinkRoute(PublicRoute):
    """For whoever has the token: it counts, not who sends the browser here; cookies are not looked at."""

    media = ()
    refuses_foreign = False


router = APIRouter(route_class=_LinkRoute, include_in_schema=False)
Token = Annotated[str, Path()]


@router.api_route(f"{PATH}{{token}}", methods=["GET", "HEAD"])
async def show(request: Request, token: Token) -> HTMLResponse:
    """The alert, and a button. Nothing is done: chat programs fetch links to preview them."""
    return _answer(parts_of(request).links.show(token, address_of(request), _language(request)))


@router.post(f"{PATH}{{token}}")
async def use(request: Request, token: Token) -> HTMLResponse:
    """Does what the link is for."""
    return _answer(await parts_of(request).links.use(token, address_of(request), _language(request)))


def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language", ""), parts_of(request).links.language)


def _answer(view: View) -> HTMLResponse:
    headers = HEADERS | ({"Retry-After": "60"} if view.outcome in ("often", "away") else {})
    return HTMLResponse(page(view), STATUS[view.outcome], headers)
