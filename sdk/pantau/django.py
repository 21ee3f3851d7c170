"""Django middleware, for WSGI and ASGI: `"pantau.django.request_middleware"` first in `MIDDLEWARE`, and
`PANTAU = Pantau(...)` in the settings.
"""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.utils.decorators import sync_and_async_middleware

from pantau import clock
from pantau.client import Pantau
from pantau.requests import LEFT, Exchange, address_of


def _middleware(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Takes the measure of each request. Streamed answers are timed until their head."""
    pantau: Pantau = settings.PANTAU

    def synchronous(request: Any) -> Any:
        begun, response = _begin(pantau), None
        try:
            response = get_response(request)
            return response
        finally:
            _end(pantau, begun, request, response)

    async def asynchronous(request: Any) -> Any:
        begun, response = _begin(pantau), None
        try:
            response = await get_response(request)
            return response
        finally:
            _end(pantau, begun, request, response)

    return asynchronous if iscoroutinefunction(get_response) else synchronous


request_middleware = sync_and_async_middleware(_middleware)


def _begin(pantau: Pantau) -> tuple[float, int]:
    pantau.requests.active.inc()
    return clock.elapsed(), clock.now_ms()


def _end(pantau: Pantau, begun: tuple[float, int], request: Any, response: Any) -> None:
    try:
        pantau.requests.active.dec()
        started, arrived_ms = begun
        match = getattr(request, "resolver_match", None)
        declared = request.META.get("CONTENT_LENGTH") or ""
        exchange = Exchange(
            arrived_ms,
            request.method or "",
            None if match is None else f"/{match.route.removeprefix('^').removeprefix('/')}",
            LEFT if response is None else response.status_code,
            int(declared) if declared.isdecimal() else 0,
            None if response is None or response.streaming else len(response.content),
            request.META.get("HTTP_USER_AGENT"),
            address_of(request.META.get("REMOTE_ADDR")),
        )
        pantau.requests.record(exchange, clock.elapsed() - started)
    except Exception as error:  # noqa: BLE001  (the request goes on, whatever is wrong with its measure)
        pantau.failed("request", error)
