"""Pushed samples on their way to the bus: what arrives while one message is under way shares the next."""

import asyncio
from collections import deque

from prometheus_client import Counter, Gauge, Histogram

from services.api.core.ingest import Pushed, batches
from services.api.core.stamping import Stamper
from services.api.problems import unavailable
from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.samples import Sample
from shared.messages.topics import SAMPLES

ACCEPTED = Counter("pantau_api_samples_accepted_total", "Pushed samples that are on the bus")
REFUSED = Counter("pantau_api_samples_refused_total", "Pushed samples that were not taken, by reason", ["reason"])
WAITING = Gauge("pantau_api_samples_waiting", "Pushed samples that wait for the bus")
BATCH = Histogram(
    "pantau_api_samples_per_flush", "Pushed samples sent together", buckets=(1, 10, 100, 1_000, 10_000, 100_000)
)
MOST_PER_FLUSH = 20_000


class Intake:
    """A bounded queue before the bus, with one flush at a time, so that a series' samples keep their order."""

    def __init__(self, producer: Producer, most_waiting: int, deadline_seconds: float) -> None:
        self._producer, self._most_waiting, self._deadline_seconds = producer, most_waiting, deadline_seconds
        self._stamper = Stamper()
        self._queue: deque[tuple[list[Sample], asyncio.Future[None]]] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()

    async def accept(self, pushed: list[Pushed]) -> None:
        """Return once the samples are on the bus. Problem 503 if too many wait, BusUnavailable if it took too long."""
        if self._waiting + len(pushed) > self._most_waiting:
            REFUSED.labels("queue_full").inc(len(pushed))
            raise unavailable(f"{self._waiting} samples wait for the bus already.")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.add_done_callback(_look_at)
        self._queue.append((self._stamper.stamp(pushed, clock.now_ms()), done))
        self._count(len(pushed))
        self._wake.set()
        try:
            # What waits behind a flush that fails has its own flush still before it.
            async with asyncio.timeout(2 * self._deadline_seconds):
                await asyncio.shield(done)
        except (TimeoutError, BusUnavailable) as error:
            REFUSED.labels("bus").inc(len(pushed))
            raise BusUnavailable(str(error) or "the bus did not acknowledge in time") from error
        ACCEPTED.inc(len(pushed))

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._flush()

    async def _flush(self) -> None:
        samples: list[Sample] = []
        waiting: list[asyncio.Future[None]] = []
        while self._queue and len(samples) < MOST_PER_FLUSH:
            part, done = self._queue.popleft()
            samples += part
            waiting.append(done)
        BATCH.observe(len(samples))
        messages = [Outgoing(SAMPLES, batch.source, batch) for batch in batches(samples)]
        try:
            await self._producer.send_all(messages, self._deadline_seconds)
        except Exception as error:  # noqa: BLE001  (whatever it is, those who wait are told, and the next flush runs)
            for done in waiting:
                if not done.done():
                    done.set_exception(error)
        else:
            for done in waiting:
                if not done.done():
                    done.set_result(None)
        finally:
            self._count(-len(samples))

    def _count(self, change: int) -> None:
        self._waiting += change
        WAITING.set(self._waiting)


def _look_at(done: asyncio.Future[None]) -> None:
    """Nobody may be waiting any more; asyncio would complain of an error that nobody looked at."""
    if not done.cancelled():
        done.exception()
