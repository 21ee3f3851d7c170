"""Health checks that somebody wants run now: asked for over the bus, and waited for."""

import asyncio
import uuid

from prometheus_client import Counter

from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.health import HealthRequest, HealthResult
from shared.messages.topics import HEALTH_REQUESTS

RUNS = Counter("pantau_api_check_runs_total", "Health checks asked for, by what became of them", ["outcome"])
for _outcome in ("answered", "no_answer", "bus_away", "refused"):
    RUNS.labels(_outcome)


class TooManyRuns(Exception):
    """This check, or enough others, are being waited for. The text says which."""


class NoAnswer(Exception):
    """The result did not come in time."""


class CheckRuns:
    """Asks the health service, at most once at a time for each check."""

    def __init__(self, producer: Producer, deadline_seconds: float, most_waiting: int) -> None:
        self._producer, self._deadline_seconds, self._most_waiting = producer, deadline_seconds, most_waiting
        self._waiting: dict[str, tuple[str, asyncio.Future[HealthResult]]] = {}

    async def run(self, check: str, asked_by: str) -> HealthResult:
        """The result of a run that began after this call. TooManyRuns at once; NoAnswer or BusUnavailable after the
        deadline."""
        if check in self._waiting:
            raise self._refused(f"{check} is being run already.")
        if len(self._waiting) >= self._most_waiting:
            raise self._refused(f"{self._most_waiting} checks are being run already.")
        answer: asyncio.Future[HealthResult] = asyncio.get_running_loop().create_future()
        request = self._request(check, asked_by)
        self._waiting[check] = (request.id, answer)
        try:
            async with asyncio.timeout(self._deadline_seconds):
                # Sending has the whole deadline too, and ends first: its own error says more than ours.
                await self._producer.send(
                    Outgoing(HEALTH_REQUESTS, check, request, request.id, request.requested_at),
                    deadline_seconds=0.9 * self._deadline_seconds,
                )
                result = await answer
        except TimeoutError:
            RUNS.labels("no_answer").inc()
            raise NoAnswer(check) from None
        except BusUnavailable:
            RUNS.labels("bus_away").inc()
            raise
        finally:
            del self._waiting[check]
        RUNS.labels("answered").inc()
        return result

    def settle(self, result: HealthResult) -> None:
        """Take a result from the bus: it may be one that is waited for."""
        request_id, answer = self._waiting.get(result.check, ("", None))
        if answer is not None and request_id in result.request_ids and not answer.done():
            answer.set_result(result)

    def _request(self, check: str, asked_by: str) -> HealthRequest:
        now = clock.now_ms()
        return HealthRequest(
            id=uuid.uuid4().hex,
            check=check,
            requested_at=now,
            expires_at=now + round(self._deadline_seconds * 1000),
            requested_by=asked_by,
        )

    def _refused(self, why: str) -> TooManyRuns:
        RUNS.labels("refused").inc()
        return TooManyRuns(why)
