"""What api itself knows, as samples on the bus: regularly, and at once where something must be durable."""

import asyncio
from collections.abc import Callable

import structlog
from prometheus_client import Counter

from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.samples import MOST_SAMPLES, Sample, SampleBatch
from shared.messages.topics import SAMPLES

log = structlog.get_logger()

MISSED = Counter("pantau_api_reports_missed_total", "Reports that the bus did not take, by what they tell", ["of"])
EVERY_SECONDS = 15.0

Read = Callable[[int], list[Sample]]
"""All samples as of an instant in ms; each with that time."""


class Reporter:
    """Reads and sends, one report after another, so that no series goes back in time."""

    def __init__(self, of: str, producer: Producer, instance: str, read: Read, deadline_seconds: float) -> None:
        self._of, self._producer, self._source, self._read = of, producer, f"api/{instance}", read
        self._deadline_seconds = deadline_seconds
        self._turn = asyncio.Lock()
        self._asked = self._answered = 0
        self._last_ms = 0

    async def run(self) -> None:
        """Report regularly, until cancelled."""
        while True:
            try:
                await self.report()
            except BusUnavailable as error:
                log.warning("report not sent", of=self._of, reason=str(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def report(self) -> None:
        """Return once a reading that began after the call is on the bus. Those who wait meanwhile share the next one.
        BusUnavailable."""
        self._asked += 1
        mine = self._asked
        async with self._turn:
            if self._answered >= mine:
                return
            covered = self._asked
            try:
                await self._send()
            except BusUnavailable:
                MISSED.labels(self._of).inc()
                raise
            self._answered = covered

    async def _send(self) -> None:
        self._last_ms = now_ms = max(clock.now_ms(), self._last_ms + 1)
        samples = self._read(now_ms)
        messages = [
            Outgoing(
                SAMPLES,
                self._source,
                SampleBatch.of(self._source, samples[start : start + MOST_SAMPLES]),
                time_ms=now_ms,
            )
            for start in range(0, len(samples), MOST_SAMPLES)
        ]
        if messages:
            await self._producer.send_all(messages, self._deadline_seconds)
