"""Asks health checks to run now while alerts wait to know whether what they lie behind is down."""

import asyncio
import uuid
from collections.abc import Callable

import structlog

from services.notifier import metrics
from services.notifier.active import Active
from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.health import HealthRequest
from shared.messages.topics import HEALTH_REQUESTS
from shared.routing.check_parents import CheckParents

log = structlog.get_logger()

LOOK_SECONDS = 0.5
ASK_AGAIN_MS = 5_000
"""A check that finds something bad runs as often as its damping wants before it says so."""
MOST_AT_ONCE = 100


class Confirming:
    """Without an answer nothing is lost: alerts wait no longer than `notifications.dependencies.wait`."""

    def __init__(self, producer: Producer, checks: CheckParents, active: Callable[[], Active | None]) -> None:
        self._producer, self._checks, self._active = producer, checks, active
        self._asked_ms: dict[str, int] = {}

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            active, now_ms = self._active(), clock.now_ms()
            self._asked_ms = {check: at_ms for check, at_ms in self._asked_ms.items() if at_ms + ASK_AGAIN_MS > now_ms}
            wanted = active.engine.suspected if active is not None and active.is_live else set[str]()
            checks = [one for one in sorted(wanted) if self._checks.knows(one) and one not in self._asked_ms]
            for check in checks[:MOST_AT_ONCE]:
                await self._ask(check, now_ms)

    async def _ask(self, check: str, now_ms: int) -> None:
        self._asked_ms[check] = now_ms
        request = HealthRequest(
            id=uuid.uuid4().hex,
            check=check,
            requested_at=now_ms,
            expires_at=now_ms + ASK_AGAIN_MS,
            requested_by="notifier",
        )
        try:
            outgoing = Outgoing(HEALTH_REQUESTS, check, request, request.id, now_ms)
            await self._producer.send(outgoing, deadline_seconds=ASK_AGAIN_MS / 1000)
            metrics.CONFIRMATIONS.labels("asked").inc()
        except BusUnavailable as error:
            metrics.CONFIRMATIONS.labels("bus_away").inc()
            log.warning("a check could not be asked to run", check=check, error=str(error))
