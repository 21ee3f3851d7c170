"""Request logs on their way to the bus: gathered for a second, bounded, and what is dropped is counted."""

import asyncio
from collections import deque

import structlog
from prometheus_client import Counter

from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.message import content_id
from shared.messages.requests import RequestLog, RequestLogBatch
from shared.messages.topics import REQUESTS

log = structlog.get_logger()

DROPPED = Counter("pantau_api_request_logs_dropped_total", "Request logs that were given up, by reason", ["reason"])
MOST_WAITING = 20_000
MOST_PER_BATCH = 500
EVERY_SECONDS = 1.0


class RequestLogs:
    """Gathers request logs; `source` is who saw the requests."""

    def __init__(self, producer: Producer, source: str) -> None:
        self._producer, self._source = producer, source
        self._waiting: deque[RequestLog] = deque()

    def put(self, entry: RequestLog) -> None:
        """Take one; never waits. While the bus is away the oldest are given up first."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            DROPPED.labels("queue_full").inc()
        self._waiting.append(entry)

    async def run(self) -> None:
        """Send what was gathered, every second, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.flush()

    async def flush(self, deadline_seconds: float = 10.0) -> None:
        """Send all that waits; what the bus doesn't take stays for the next time, with the same ids."""
        while self._waiting:
            part = [self._waiting[number] for number in range(min(MOST_PER_BATCH, len(self._waiting)))]
            batch = RequestLogBatch(source=self._source, requests=part)
            identity = content_id(REQUESTS.name, *(entry.id for entry in part))
            try:
                await self._producer.send(Outgoing(REQUESTS, self._source, batch, identity), deadline_seconds)
            except BusUnavailable as error:
                log.warning("request logs wait for the bus", waiting=len(self._waiting), reason=str(error))
                return
            sent = {entry.id for entry in part}
            while self._waiting and self._waiting[0].id in sent:  # meanwhile some may have been given up
                self._waiting.popleft()
