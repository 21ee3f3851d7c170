"""Chosen metrics from the bus to outside monitoring systems: one reader, and a sender for each system."""

import asyncio
import gzip
import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import structlog

from services.notifier import metrics
from services.notifier.channels.accounts import DatadogAccount
from services.notifier.channels.http import Http, json_body
from services.notifier.core.forward_bodies import datadog_series, newrelic_metrics
from services.notifier.core.forwarding import Forwarding, Point, Waiting
from services.notifier.core.outcomes import Delivered, Outcome, Retry
from services.notifier.core.retrying import RetryPolicy, wait_seconds
from services.notifier.forward_settings import ForwardSettings
from shared import clock
from shared.bus import Consumer, Producer
from shared.bus.consumer import Batch, Positions
from shared.messages.samples import SampleBatch
from shared.messages.topics import SAMPLES

log = structlog.get_logger()

GROUP = "pantau.notifier.forward"
# A point has about 500 bytes: well below what both take in a request, unpacked and packed.
MOST_POINTS = 1_000
DATADOG_PATH = "/api/v2/series"
# What they refuse: Datadog what is older than an hour, New Relic than two days.
DATADOG_OLDEST_MS, NEWRELIC_OLDEST_MS = 55 * 60_000, 47 * 3_600_000
POLICY = RetryPolicy(first_seconds=1.0, longest_seconds=60.0, give_up_seconds=0.0, longest_asked_seconds=600.0)
TICK_SECONDS = 1.0


class Target:
    """One system: what of the samples goes there, and what it is still owed."""

    def __init__(self, settings: ForwardSettings, jitter: Callable[[], float] = random.random) -> None:
        self._settings, self._jitter = settings, jitter
        self.name = settings.label
        self.forwarding = Forwarding(settings.selectors(), settings.interval * 1000, settings.most_series)
        oldest_ms = DATADOG_OLDEST_MS if settings.datadog is not None else NEWRELIC_OLDEST_MS
        self.waiting = Waiting(settings.most_waiting, oldest_ms)
        self._account = settings.account
        self._http = Http(self._account.http_config, self._account.timeout)
        self._wanted = asyncio.Event()
        self._under_way: asyncio.Task[float] | None = None
        self._failures = 0
        metrics.FORWARD_WAITING.labels(self.name).set_function(lambda: len(self.waiting))
        metrics.FORWARD_SERIES.labels(self.name).set_function(lambda: self.forwarding.series)
        metrics.FORWARD_SENT.labels(self.name)

    def tick(self, *, final: bool = False) -> None:
        """Queue what is due."""
        self.waiting.add(self.forwarding.take(clock.now_ms(), final=final))
        self._count(self.forwarding.dropped)
        self._count(self.waiting.dropped)
        if self.waiting:
            self._wanted.set()

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while True:
                wait = await self._send_next()
                if wait is None:
                    break
                await asyncio.sleep(wait)

    async def drain(self, seconds: float) -> None:
        """Send what waits, at most so long; what is left then is dropped."""
        try:
            async with asyncio.timeout(seconds):
                while self.waiting and await self._send_next() == 0.0:
                    pass
        except TimeoutError:
            log.info("not all points were forwarded before the end", target=self.name)
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)
        self._count(Counter(stopped=len(self.waiting)))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _send_next(self) -> float | None:
        """One request; the seconds to wait before the next one, None if nothing is left."""
        if self._under_way is None:
            points = self.waiting.head(MOST_POINTS, clock.now_ms())
            if not points:
                return None
            self._under_way = asyncio.create_task(self._send(points))
        # A request under way when sending stops gets its answer: what is asked once more would count twice.
        wait = await asyncio.shield(self._under_way)
        self._under_way = None
        return wait

    async def _send(self, points: Sequence[Point]) -> float:
        outcome = await self._post(points)
        if isinstance(outcome, Delivered):
            self.waiting.done(points)
            metrics.FORWARD_SENT.labels(self.name).inc(len(points))
            if self._failures:
                log.info("points are taken again", target=self.name, after_failures=self._failures)
            self._failures = 0
            return 0.0
        self._failures += 1
        metrics.FORWARD_ERRORS.labels(self.name, outcome.reason).inc()
        if self._failures & (self._failures - 1) == 0:  # 1, 2, 4, ...: one that is away for long does not fill the log
            log.warning(
                "points not taken",
                target=self.name,
                reason=outcome.reason,
                detail=outcome.detail,
                failures=self._failures,
                waiting=len(self.waiting),
            )
        if isinstance(outcome, Retry):
            return wait_seconds(POLICY, self._failures, self._jitter(), outcome.after_seconds)
        self.waiting.done(points)
        self._count(Counter({outcome.reason: len(points)}))
        return wait_seconds(POLICY, self._failures, self._jitter())

    async def _post(self, points: Sequence[Point]) -> Outcome:
        try:
            key = await asyncio.to_thread(self._account.headers)
        except ValueError as error:
            return Retry("credentials", str(error))
        url, body = self._request(points)
        headers = key | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return await self._http.post(url, await asyncio.to_thread(_packed, body), headers)

    def _request(self, points: Sequence[Point]) -> tuple[str, object]:
        """Where to, and what."""
        chosen, prefix = self._settings, self._settings.prefix or ""
        if isinstance(self._account, DatadogAccount):
            tags = [f"{name}:{value}" for name, value in chosen.tags.items()]
            return self._account.url(DATADOG_PATH), datadog_series(points, chosen.interval, prefix, tags)
        return self._account.metrics_url(), newrelic_metrics(points, chosen.interval, prefix, chosen.tags)

    def _count(self, dropped: Counter[str]) -> None:
        for reason, count in dropped.items():
            if count:
                metrics.FORWARD_DROPPED.labels(self.name, reason).inc(count)
        dropped.clear()


class Forwarder:
    """Reads the samples for all targets; several notifiers share the partitions."""

    def __init__(
        self, bootstrap: str, producer: Producer, settings: Sequence[ForwardSettings], group: str = GROUP
    ) -> None:
        self._consumer = Consumer(bootstrap, group, [SAMPLES], producer, self._locate)
        self._targets = [Target(one) for one in settings]

    async def run(self, drain_seconds: float) -> None:
        """Until cancelled; then what waits gets `drain_seconds`."""
        await self._consumer.start()
        log.info("metrics are forwarded", targets=[one.name for one in self._targets])
        work = [asyncio.create_task(one) for one in (self._read(), *(target.run() for target in self._targets))]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in work:
                if task.done():
                    task.result()  # none ends but by a fault of ours
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            for target in self._targets:
                target.tick(final=True)
            await asyncio.gather(*(target.drain(drain_seconds) for target in self._targets))
            await self._consumer.stop()
            for target in self._targets:
                await target.close()

    async def _read(self) -> None:
        next_tick = clock.elapsed() + TICK_SECONDS
        read: Positions = {}
        async for batch in self._consumer.batches():
            self._take_in(batch)
            read |= batch.next_offsets
            if clock.elapsed() < next_tick:
                continue
            next_tick = clock.elapsed() + TICK_SECONDS
            for target in self._targets:
                target.tick()
            # What waits here is lost if this process is killed: a gap outside, where history has none.
            await self._consumer.commit(Batch([], read))
            read = {}

    def _take_in(self, batch: Batch) -> None:
        for received in batch.messages:
            if isinstance(received.message, SampleBatch):
                for target in self._targets:
                    target.forwarding.add(received.message)

    async def _locate(self, places: Collection[tuple[str, int]]) -> Positions:
        """Where the group was; where it never was, at the end: the past is history's."""
        committed = await self._consumer.committed(places)
        if len(committed) == len(places):
            return committed
        ends = await self._consumer.ends()
        return {place: committed.get(place, ends.get(place, (0, 0))[1]) for place in places}


def _packed(body: object) -> bytes:
    return gzip.compress(json_body(body), compresslevel=5)
