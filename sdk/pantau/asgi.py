"""ASGI middleware that takes the measure of each request: `app.add_middleware(RequestMiddleware, pantau=pantau)`."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from pantau import clock
from pantau.client import Pantau
from pantau.requests import LEFT, Exchange, address_of
from pantau.routes import template_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
RouteOf = Callable[[Scope], str | None]

EVENT_STREAM = b"text/event-stream"


class RequestMiddleware:
    """Counts, times and logs requests; what goes through is left as it is, and so are the application's exceptions."""

    def __init__(
        self, app: App, pantau: Pantau, ignored: Collection[str] = (), route_of: RouteOf | None = None
    ) -> None:
        """`ignored` are paths that are no traffic, such as probes. `route_of` tells the template of the route where
        neither Starlette nor FastAPI does, after the request went through; None if there is none."""
        self._app, self._pantau, self._route_of = app, pantau, route_of
        self._ignored = frozenset(ignored)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        kind = scope["type"]
        if kind not in ("http", "websocket") or scope["path"] in self._ignored:
            await self._app(scope, receive, send)
            return
        active = self._pantau.requests.active
        active.inc()
        try:
            if kind == "http":
                await self._measured(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            active.dec()

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = _Seen(scope, receive, send)
        failed = False
        try:
            await self._app(scope, seen.receive, seen.send)
        except Exception:
            failed = True
            raise
        finally:
            try:
                route = template_of(scope, seen.outer_root) if self._route_of is None else self._route_of(scope)
                exchange, seconds = seen.exchange(route, failed)
                self._pantau.requests.record(exchange, seconds)
            except Exception as error:  # noqa: BLE001  (the request goes on, whatever is wrong with its measure)
                self._pantau.failed("request", error)


class _Seen:
    """What went through, of one request."""

    __slots__ = (
        "_arrived_ms",
        "_complete",
        "_ended",
        "_receive",
        "_request_size",
        "_response_size",
        "_scope",
        "_send",
        "_started",
        "_status",
        "outer_root",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self.outer_root: str = scope.get("root_path", "")
        self._request_size = self._response_size = self._status = 0
        self._ended: float | None = None
        self._complete = False
        self._arrived_ms = clock.now_ms()
        self._started = clock.elapsed()

    async def receive(self) -> Message:
        """For the application."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._request_size += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        """For the application."""
        await self._send(message)
        kind = message["type"]
        if kind == "http.response.body":
            self._response_size += len(message.get("body", b""))
            self._complete = self._complete or not message.get("more_body", False)
        elif kind == "http.response.start":
            self._status = message["status"]
            if _is_event_stream(message):
                # Its end says only when the reader had enough.
                self._ended, self._complete = clock.elapsed(), True
        elif kind == "http.response.pathsend":
            self._complete = True

    def exchange(self, route: str | None, failed: bool) -> tuple[Exchange, float]:
        """What is to be recorded, and the seconds that it took."""
        ended = clock.elapsed() if self._ended is None else self._ended
        # An answer that was complete is what the client saw, whatever went wrong behind it.
        status = self._status if self._complete else 500 if failed else LEFT
        exchange = Exchange(
            self._arrived_ms,
            self._scope["method"],
            route,
            status,
            self._request_size,
            self._response_size,
            _agent(self._scope),
            _address(self._scope),
        )
        return exchange, ended - self._started


def _is_event_stream(message: Message) -> bool:
    for name, value in message.get("headers", ()):
        if name.lower() == b"content-type":
            return bool(value.startswith(EVENT_STREAM))
    return False


def _agent(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"user-agent":
            return str(value.decode("latin-1"))
    return None


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return address_of(client[0]) if client else None
