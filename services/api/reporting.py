"""What api itself knows, as samples on the bus: regularly, and at once where something must be durable."""

import asyncio
from collections.abc import Callable, Collection

import structlog
from prometheus_client import Counter

from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.samples import MOST_SAMPLES, Sample, SampleBatch
from shared.messages.topics import SAMPLES

log = structlog.get_logger()

MISSED = Counter("pantau_api_reports_missed_total", "Reports that the bus did not take, by what they tell", ["of"])
EVERY_SECONDS = 15.0

Read = Callable[[int, Collection[str] | None], list[Sample]]
"""The samples as of an instant in ms, each with that time: of those names, None: of all."""


class Reporter:
    """Reads and sends, one report after another, so that no series goes back in time."""

    def __init__(self, of: str, producer: Producer, instance: str, read: Read, deadline_seconds: float) -> None:
        self._of, self._producer, self._source, self._read = of, producer, f"api/{instance}", read
        self._deadline_seconds = deadline_seconds
        self._turn = asyncio.Lock()
        self._asked = self._answered = 0
        self._news: set[str] = set()
        self._last_ms = 0

    async def run(self) -> None:
        """Report regularly, until cancelled."""
        while True:
            try:
                async with self._turn:
                    await self._send(None)
            except BusUnavailable as error:
                log.warning("report not sent", of=self._of, reason=str(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def report(self, name: str) -> None:
        """Return once a reading of `name` that began after the call is on the bus. Those who wait meanwhile share the
        next one. BusUnavailable."""
        try:
            # What waits behind a report that fails has its own still before it.
            async with asyncio.timeout(2 * self._deadline_seconds):
                await self._shared(name)
        except TimeoutError:
            raise BusUnavailable("the bus did not acknowledge in time") from None

    async def _shared(self, name: str) -> None:
        self._news.add(name)
        self._asked += 1
        mine = self._asked
        async with self._turn:
            if self._answered >= mine:
                return
            covered = self._asked
            names, self._news = self._news, set()
            try:
                await self._send(names)
            except BaseException:
                self._news |= names  # others wait for theirs among them
                raise
            self._answered = covered

    async def _send(self, names: Collection[str] | None) -> None:
        self._last_ms = now_ms = max(clock.now_ms(), self._last_ms + 1)
        samples = self._read(now_ms, names)
        parts = (samples[start : start + MOST_SAMPLES] for start in range(0, len(samples), MOST_SAMPLES))
        messages = [
            Outgoing(SAMPLES, self._source, SampleBatch.of(self._source, part), time_ms=now_ms) for part in parts
        ]
        try:
            if messages:
                await self._producer.send_all(messages, self._deadline_seconds)
        except BusUnavailable:
            MISSED.labels(self._of).inc()
            raise
