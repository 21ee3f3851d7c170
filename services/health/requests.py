"""Requests to run a check now, from the bus."""

from collections.abc import Callable, Mapping

import structlog
from prometheus_client import Counter

from shared import clock
from shared.bus import Follower, Producer, Received
from shared.messages.topics import HEALTH_REQUESTS

log = structlog.get_logger()

REQUESTS = Counter("pantau_health_requests_total", "Requests to run a check now, by what became of them", ["outcome"])
OUTCOMES = ("taken", "expired", "too_many", "unknown")
for _outcome in OUTCOMES:
    REQUESTS.labels(_outcome)

Ask = Callable[[str], bool]
"""Told a request's id: whether a run will answer it."""


class Requests:
    """Hands each request that comes from now on to the check that it names."""

    def __init__(self, bootstrap: str, producer: Producer, asks: Mapping[str, Ask]) -> None:
        self._asks = asks
        self._follower = Follower(bootstrap, "health", [HEALTH_REQUESTS], producer, self.take, "end")

    async def run(self) -> None:
        """Follow the topic until cancelled."""
        await self._follower.run()

    def take(self, received: Received) -> None:
        """Have the check run, unless nobody waits for it any more or it is not one of ours."""
        request = received.message
        outcome = self._outcome(request.check, request.id, request.expires_at)
        REQUESTS.labels(outcome).inc()
        if outcome != "unknown":  # it may be another health service's
            log.info("check asked for", check=request.check, by=request.requested_by, outcome=outcome)

    def _outcome(self, check: str, request_id: str, expires_at: int) -> str:
        ask = self._asks.get(check)
        if ask is None:
            return "unknown"
        if expires_at <= clock.now_ms():
            return "expired"
        return "taken" if ask(request_id) else "too_many"
