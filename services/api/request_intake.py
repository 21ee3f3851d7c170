"""Pushed request logs on their way to the bus: bounded, and acknowledged once they are there."""

from prometheus_client import Counter, Gauge

from services.api.problems import unavailable
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.message import content_id
from shared.messages.requests import RequestLogBatch
from shared.messages.topics import REQUESTS

ACCEPTED = Counter("pantau_api_request_logs_accepted_total", "Pushed request logs that are on the bus")
REFUSED = Counter(
    "pantau_api_request_logs_refused_total", "Pushed request logs that were not taken, by reason", ["reason"]
)
WAITING = Gauge("pantau_api_request_logs_waiting", "Pushed request logs that wait for the bus")


class RequestIntake:
    """Each push is a message of its own; at most `most_waiting` entries are under way."""

    def __init__(self, producer: Producer, most_waiting: int, deadline_seconds: float) -> None:
        self._producer, self._most_waiting, self._deadline_seconds = producer, most_waiting, deadline_seconds
        self._waiting = 0

    async def accept(self, batch: RequestLogBatch) -> None:
        """Return once the batch is on the bus. Problem 503 if too many wait, BusUnavailable if it took too long."""
        count = len(batch.requests)
        if self._waiting + count > self._most_waiting:
            REFUSED.labels("queue_full").inc(count)
            raise unavailable(f"{self._waiting} request logs wait for the bus already.")
        identity = content_id(REQUESTS.name, batch.source, *(entry.id for entry in batch.requests))
        self._count(count)
        try:
            await self._producer.send(Outgoing(REQUESTS, batch.source, batch, identity), self._deadline_seconds)
        except BusUnavailable:
            REFUSED.labels("bus").inc(count)
            raise
        finally:
            self._count(-count)
        ACCEPTED.inc(count)

    def _count(self, change: int) -> None:
        self._waiting += change
        WAITING.set(self._waiting)
