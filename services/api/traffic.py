"""The API's own traffic: measured request by request, as metrics and as request logs.

What counts is what people and systems ask of the API: requests to /api/ that end. The live stream never ends, backtests
take as long as they may, and files and probes are so many and so quick that they would hide everything else in an
average; they are counted apart.
"""

import ipaddress
import uuid
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.request_log import RequestLogs
from shared import clock
from shared.messages.requests import RequestLog

log = structlog.get_logger()

REQUESTS = Counter("http_requests_total", "Requests to the API that were answered", ["method", "route", "status_code"])
DURATION = Histogram(
    "http_request_duration_seconds",
    "From the request's head to the answer's last byte",
    ["method", "route", "status_code"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
OTHER = Counter("pantau_api_other_requests_total", "Requests that are not in http_requests_total, by kind", ["kind"])

API = "/api/"
STREAM = "/api/monitoring/stream"
BACKTEST = "/api/monitoring/alerts/rules/backtest"
PROBES = ("/health/live", "/health/ready", "/metrics")
# A client can invent methods, paths and versions, but not series.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
LEFT = 499
"""The client left before the answer was complete; as nginx has it."""
SLOW_SECONDS = 1.0


@dataclass
class _Exchange:
    """What is seen of one request and its answer."""

    started: float = field(default_factory=clock.elapsed)
    arrived_ms: int = field(default_factory=clock.now_ms)
    request_size: int = 0
    response_size: int = 0
    status: int = 0
    complete: bool = False


class Measured:
    """ASGI middleware: gives each request an id, and takes its measure."""

    def __init__(self, app: ASGIApp, logs: RequestLogs | None) -> None:
        self._app, self._logs = app, logs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = str(uuid.uuid4())
        exchange = _Exchange()

        async def receiving() -> Message:
            message = await receive()
            exchange.request_size += len(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
            await send(message)
            exchange.response_size += len(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                exchange.complete = True

        try:
            await self._app(scope, receiving, sending)
        finally:
            self._count(scope, exchange)

    def _count(self, scope: Scope, exchange: _Exchange) -> None:
        kind = other_kind(scope["path"])
        if kind is not None:
            OTHER.labels(kind).inc()
            return
        seconds = clock.elapsed() - exchange.started
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        route = getattr(scope.get("route"), "path_format", UNMATCHED)
        route = route if route.startswith(API) else UNMATCHED
        status = exchange.status if exchange.complete else LEFT
        REQUESTS.labels(method, route, str(status)).inc()
        DURATION.labels(method, route, str(status)).observe(seconds)
        if seconds > SLOW_SECONDS:
            log.warning("slow request", request_id=scope["request_id"], method=method, route=route, seconds=seconds)
        if self._logs is not None:
            self._logs.put(_log(scope, exchange, method, route, status, seconds))


def other_kind(path: str) -> str | None:
    """Which kind of request it is that doesn't count as traffic of the API; None if it does."""
    if path == STREAM:
        return "stream"
    if path == BACKTEST:
        return "backtest"
    if path.startswith(API):
        return None
    return "probe" if path in PROBES else "file"


def _log(scope: Scope, exchange: _Exchange, method: str, route: str, status: int, seconds: float) -> RequestLog:
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), None)
    return RequestLog.model_validate(
        {
            "id": scope["request_id"],
            "method": method,
            "route": route[:200],
            "status_code": status,
            "response_time_ms": seconds * 1000,
            "request_size": exchange.request_size,
            "response_size": exchange.response_size,
            "user_agent": None if agent is None else agent.decode("latin-1")[:500],
            "ip_address": _address(scope),
            "timestamp": exchange.arrived_ms,
        }
    )


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    try:
        return str(ipaddress.ip_address(client[0])) if client else None
    except ValueError:  # a proxy may have named it otherwise
        return None
