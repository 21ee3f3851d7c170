"""What is made of an answered request: metrics, a line for the request log, and a warning if it was slow."""

import ipaddress
import itertools
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pantau.bounds import BoundedValues
from pantau.settings import Settings

log = logging.getLogger("pantau")

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
LEFT = 499
"""The client left before the answer was complete; as nginx has it."""
MOST_ROUTES = 500
MOST_STATUSES = 100
# What Pantau takes.
LONGEST_ROUTE, LONGEST_AGENT = 200, 500


class Entry(NamedTuple):
    """One line of the request log, as Pantau's api takes it."""

    id: str
    method: str
    route: str
    status_code: int
    response_time_ms: float
    request_size: int | None
    response_size: int | None
    user_agent: str | None
    ip_address: str | None
    timestamp: int


@dataclass(slots=True)
class Exchange:
    """What was seen of one request and its answer."""

    arrived_ms: int
    method: str
    route: str | None = None
    """The template; None if no route matched."""
    status: int = 0
    request_size: int | None = None
    response_size: int | None = None
    user_agent: str | None = None
    address: str | None = None


class Requests:
    """Takes the measure of requests; `put` takes the entries for the request log, None if none are wanted."""

    def __init__(self, registry: CollectorRegistry, settings: Settings, put: Callable[[Entry], None] | None) -> None:
        labels = ("method", "route", "status_code")
        self.active = Gauge("http_active_connections", "Requests and websockets under way", registry=registry)
        self._total = Counter("http_requests_total", "Requests that were answered", labels, registry=registry)
        self._duration = Histogram(
            "http_request_duration_seconds",
            "From the request's head to the answer's last byte",
            labels,
            registry=registry,
            buckets=BUCKETS,
        )
        self._settings, self._put = settings, put
        self._route = BoundedValues(MOST_ROUTES)
        self._status = BoundedValues(MOST_STATUSES)
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.forked()

    def forked(self) -> None:
        """Ids of requests are this process's own."""
        self._prefix = uuid.uuid4().hex
        self._number = itertools.count()

    def record(self, exchange: Exchange, seconds: float) -> None:
        """Take an answered request; `seconds` is how long the answer took."""
        method = exchange.method if exchange.method in METHODS else "OTHER"
        route = self._route(exchange.route[:LONGEST_ROUTE] if exchange.route else UNMATCHED)
        children = self._children.get((method, route, exchange.status))
        if children is None:
            children = self._new_children(method, route, exchange.status)
        total, duration = children
        total.inc()
        duration.observe(seconds)
        if seconds > self._settings.slow_request_seconds:
            log.warning("slow request: %s %s took %.0f ms (%d)", method, route, seconds * 1000, exchange.status)
        if self._put is not None:
            agent, address = exchange.user_agent, exchange.address
            if not self._settings.client_addresses:
                agent = address = None
            self._put(
                Entry(
                    f"{self._prefix}-{next(self._number)}",
                    method,
                    route,
                    exchange.status,
                    seconds * 1000,
                    exchange.request_size,
                    exchange.response_size,
                    agent[:LONGEST_AGENT] if agent is not None else None,
                    address,
                    exchange.arrived_ms,
                )
            )

    def _new_children(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        values = (method, route, self._status(str(status)))
        children = self._total.labels(*values), self._duration.labels(*values)
        if len(self._children) < len(METHODS) * MOST_ROUTES:
            self._children[method, route, status] = children
        return children


def address_of(text: str | None) -> str | None:
    """The address, if it is one: a proxy may have named the client otherwise, and sockets have no address."""
    if not text:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
