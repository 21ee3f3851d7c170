"""One Alertmanager: a bounded queue of alerts, and the requests that empty it."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable

import aiohttp
import structlog

from services.notifier import metrics
from services.notifier.alertmanager_settings import AlertmanagerSettings
from services.notifier.channels.http import trouble
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
        user_agent: str,
        capacity: int,
        batch_size: int,
        moved: Callable[[], None],
    ) -> None:
        self._settings, self._outside, self._user_agent = settings, outside, user_agent
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
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, ssl=self._settings.tls.context()),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        ) as session:
            while True:
                await self._wanted.wait()
                while batch := self._next_batch():
                    self._moved()
                    await self._send(session, batch)
                self._wanted.clear()
                self._idle.set()

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

    async def _send(self, session: aiohttp.ClientSession, batch: list[Push]) -> None:
        started = clock.elapsed()
        try:
            reason = await self._post(session, postable_alerts(batch, self._outside))
        except asyncio.CancelledError:
            self._count_dropped(len(batch), "stopped")  # as far as we know
            raise
        if reason is None:
            metrics.ALERTMANAGER_LATENCY.labels(self.name).observe(clock.elapsed() - started)
            metrics.ALERTMANAGER_SENT.labels(self.name).inc(len(batch))
            if self._failures:
                log.info("alerts are taken again", alertmanager=self.name, after_failures=self._failures)
            self._failures = 0
            return
        self._failures += 1
        metrics.ALERTMANAGER_ERRORS.labels(self.name).inc(len(batch))
        self._count_dropped(len(batch), reason)
        if self._failures & (self._failures - 1) == 0:  # 1, 2, 4, ...: one that is away for long does not fill the log
            log.warning(
                "alerts not taken",
                alertmanager=self.name,
                alerts=len(batch),
                reason=reason,
                failures=self._failures,
            )

    async def _post(self, session: aiohttp.ClientSession, alerts: list[dict[str, object]]) -> str | None:
        """One request; the reason, a short code out of few, unless all were taken."""
        headers = {"Content-Type": "application/json", "User-Agent": self._user_agent}
        try:
            authorization = await asyncio.to_thread(self._settings.authorization)
        except ValueError as error:
            log.warning("credentials can't be read", alertmanager=self.name, reason=str(error))
            return "credentials"
        if authorization is not None:
            headers["Authorization"] = authorization
        body = json.dumps(alerts, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            async with (
                asyncio.timeout(self._settings.timeout_seconds),
                session.post(
                    self._settings.target,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    server_hostname=self._settings.tls.server_name,
                ) as response,
            ):
                return None if 200 <= response.status < 300 else f"http_{response.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return trouble(error).reason

    def _drop(self, count: int, reason: str) -> None:
        for _ in range(count):
            self._queue.popleft()
        self._count_dropped(count, reason)

    def _count_dropped(self, count: int, reason: str) -> None:
        metrics.ALERTMANAGER_DROPPED.labels(self.name, reason).inc(count)
