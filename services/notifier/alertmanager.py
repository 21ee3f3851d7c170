"""One Alertmanager: a bounded queue of alerts, and the requests that empty it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

import structlog

from services.notifier import metrics
from services.notifier.alertmanager_settings import AlertmanagerSettings
from services.notifier.channels.http import Http, json_body
from services.notifier.core.outcomes import Delivered
from services.notifier.core.postable import Outside, postable_alerts
from services.notifier.core.resending import Push
from shared import clock

log = structlog.get_logger()


class Alertmanager:
    """Posts what is queued, in order, one request at a time. What fails is not tried again: it is due again soon."""

    def __init__(
        self,
        settings: AlertmanagerSettings,
        outside: Outside,
        capacity: int,
        batch_size: int,
        moved: Callable[[], None],
    ) -> None:
        self._settings, self._outside = settings, outside
        self._capacity, self._batch_size, self._moved = capacity, batch_size, moved
        self.name = settings.label
        self._queue: deque[Push] = deque()
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failures = 0
        for counter in (metrics.ALERTMANAGER_SENT, metrics.ALERTMANAGER_ERRORS):
            counter.labels(self.name)
        metrics.ALERTMANAGER_QUEUE.labels(self.name).set_function(lambda: len(self._queue))

    @property
    def room(self) -> int:
        """How many alerts the queue takes without dropping any."""
        return self._capacity - len(self._queue)

    def add(self, pushes: Iterable[Push]) -> None:
        """Queue `pushes`; where they don't fit the oldest are dropped."""
        self._queue.extend(pushes)
        excess = len(self._queue) - self._capacity
        if excess > 0:
            log.warning("queue is full, the oldest alerts are dropped", alertmanager=self.name, alerts=excess)
            self._drop(excess, "queue_full")
        if self._queue:
            self._idle.clear()
            self._wanted.set()

    async def run(self) -> None:
        """Send what is queued, until cancelled."""
        http = Http(self._settings, self._settings.timeout)
        try:
            while True:
                await self._wanted.wait()
                while batch := self._next_batch():
                    self._moved()
                    await self._send(http, batch)
                self._wanted.clear()
                self._idle.set()
        finally:
            await http.close()

    async def drain(self, seconds: float) -> None:
        """Wait until all is sent, at most so long; what is left then is dropped."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            self._drop(len(self._queue), "stopped")

    def _next_batch(self) -> list[Push]:
        """The next alerts, but for those whose validity has passed meanwhile: they would be taken for over."""
        now_ms = clock.now_ms()
        batch: list[Push] = []
        while self._queue and len(batch) < self._batch_size:
            push = self._queue.popleft()
            if push.resolved or push.ends_at_ms > now_ms:
                batch.append(push)
            else:
                self._count_dropped(1, "outdated")
        return batch

    async def _send(self, http: Http, batch: list[Push]) -> None:
        started = clock.elapsed()
        body = json_body(postable_alerts(batch, self._outside))
        try:
            outcome = await http.post(self._settings.target, body, {"Content-Type": "application/json"})
        except asyncio.CancelledError:
            self._count_dropped(len(batch), "stopped")  # as far as we know
            raise
        if isinstance(outcome, Delivered):
            metrics.ALERTMANAGER_LATENCY.labels(self.name).observe(clock.elapsed() - started)
            metrics.ALERTMANAGER_SENT.labels(self.name).inc(len(batch))
            if self._failures:
                log.info("alerts are taken again", alertmanager=self.name, after_failures=self._failures)
            self._failures = 0
            return
        self._failures += 1
        metrics.ALERTMANAGER_ERRORS.labels(self.name).inc(len(batch))
        self._count_dropped(len(batch), outcome.reason)
        if self._failures & (self._failures - 1) == 0:  # 1, 2, 4, ...: one that is away for long does not fill the log
            log.warning(
                "alerts not taken",
                alertmanager=self.name,
                alerts=len(batch),
                reason=outcome.reason,
                detail=outcome.detail,
                failures=self._failures,
            )

    def _drop(self, count: int, reason: str) -> None:
        for _ in range(count):
            self._queue.popleft()
        self._count_dropped(count, reason)

    def _count_dropped(self, count: int, reason: str) -> None:
        metrics.ALERTMANAGER_DROPPED.labels(self.name, reason).inc(count)
