"""Deliveries on their way: one task each, a bounded number of requests at once, every outcome in the ledger."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import structlog

from services.notifier import metrics
from services.notifier.channels import Channel
from services.notifier.configured import Configured
from services.notifier.core.ledger import Ledger
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.planned import Planned, outcome_of
from services.notifier.core.retrying import RetryPolicy, gives_up, wait_seconds
from services.notifier.ledger_log import LedgerLog
from shared import clock
from shared.messages.alerts import AlertEvent
from shared.messages.notifications import Notification

log = structlog.get_logger()


class Dispatcher:
    """Sends what is planned. `settled` is told of each entry of the ledger that it writes."""

    def __init__(
        self,
        configured: Configured,
        ledger: Ledger,
        ledger_log: LedgerLog,
        policy: RetryPolicy,
        concurrency: int,
        settled: Callable[[Notification], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._configured, self._ledger, self._ledger_log = configured, ledger, ledger_log
        self._policy, self._settled, self._jitter = policy, settled, jitter
        self._places = {name: asyncio.Semaphore(concurrency) for name in configured.channels}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._requesting: set[str] = set()
        self._draining = False
        self._failure: BaseException | None = None

    def send(self, planned: Planned) -> None:
        """Begin a delivery; its entry is in the ledger."""
        if self._draining:
            return  # it stays owed
        task = asyncio.create_task(self._deliver(planned))
        self._tasks[planned.record.id] = task
        task.add_done_callback(lambda done: self._ended(planned.record.id, done))

    def let_go(self, notification_id: str) -> None:
        """A delivery need not be tried any more: the ledger has its outcome."""
        if notification_id not in self._requesting and (task := self._tasks.get(notification_id)) is not None:
            task.cancel()

    def check(self) -> None:
        """Raise what ended a delivery, if one ended with an error: that is a fault of ours."""
        if self._failure is not None:
            raise self._failure

    async def abandon(self) -> None:
        """Stop at once. What was under way has an unknown outcome, and stays owed."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Begin nothing more; give requests under way, and the records of their outcomes, `seconds` to end."""
        self._draining = True
        ending = [task for identity, task in self._tasks.items() if identity in self._requesting]
        for identity, task in self._tasks.items():
            if identity not in self._requesting:
                task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=seconds)
        await self.abandon()

    def _ended(self, identity: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(identity) is task:
            del self._tasks[identity]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error

    async def _deliver(self, planned: Planned) -> None:
        """Try until there is a final outcome."""
        channel = self._configured.channel(planned.destination)
        if planned.begun_before:
            reason = "a notifier ended between planning and recording it"
            await self._write(outcome_of(planned, "unknown", clock.now_ms(), reason=reason))
        started_ms = clock.now_ms()
        attempt = 0
        while True:
            if self._ledger.is_final(planned.record.id):  # another notifier was faster while this one was away
                metrics.SKIPPED.labels(planned.destination.receiver, "done_elsewhere").inc()
                return
            attempt += 1
            # The place is kept until the outcome is recorded: a kill repeats no more requests than there are places.
            async with self._places[planned.destination.place]:
                self._requesting.add(planned.record.id)
                try:
                    outcome = await self._attempt(channel, planned)
                    again = self._again(outcome, attempt, started_ms)
                    if again is None:
                        await self._conclude(planned, attempt, outcome)
                        return
                finally:
                    self._requesting.discard(planned.record.id)
            failed, wait = again
            _tell_of_retry(planned, attempt, failed, wait)
            if self._draining:
                raise asyncio.CancelledError  # no outcome: it stays owed
            await asyncio.sleep(wait)

    async def _attempt(self, channel: Channel, planned: Planned) -> Outcome:
        try:
            return await channel.send(channel.render(self._addressed(planned)), planned.record.id)
        except Exception as error:
            # A fault of ours in one notice or one channel must not keep the others from being told.
            log.exception("channel failed", destination=planned.destination.name, notification=planned.record.id)
            return Permanent("internal", type(error).__name__)

    def _addressed(self, planned: Planned) -> Notice:
        if not planned.destination.person:
            return planned.notice
        return replace(planned.notice, recipient=self._configured.recipient(planned.destination, clock.now_ms()))

    def _again(self, outcome: Outcome, attempt: int, started_ms: int) -> tuple[Retry, float] | None:
        """What failed, and the seconds until the next try; None if there is to be none."""
        if not isinstance(outcome, Retry):
            return None
        wait = wait_seconds(self._policy, attempt, self._jitter(), outcome.after_seconds)
        return None if gives_up(self._policy, started_ms, clock.now_ms() + round(wait * 1000)) else (outcome, wait)

    async def _conclude(self, planned: Planned, attempt: int, outcome: Outcome) -> None:
        """Put the final outcome into the ledger."""
        labels, now_ms = (planned.destination.receiver, planned.destination.kind), clock.now_ms()
        if isinstance(outcome, Delivered):
            latest = planned.notice.alerts[0].event
            latency_ms = float(now_ms - max(one.event.instant for one in planned.notice.alerts))
            await self._write(outcome_of(planned, "sent", now_ms, attempt=attempt, latency_ms=latency_ms))
            metrics.ATTEMPTS.labels(*labels, "delivered", "").inc()
            if planned.record.occasion == "change" and not planned.begun_before:
                metrics.LATENCY.labels(*labels).observe(max(latency_ms, 0.0) / 1000)
                metrics.SAMPLE_LATENCY.labels(*labels).observe(max(now_ms - _sampled_ms(latest), 0) / 1000)
            return
        given_up = isinstance(outcome, Retry)
        reason = f"{outcome.reason}: {outcome.detail}" if outcome.detail else outcome.reason
        log.error(
            "not delivered, for good",
            destination=planned.destination.name,
            notification=planned.record.id,
            alerts=len(planned.notice.alerts),
            attempts=attempt,
            reason=reason,
            given_up_after_seconds=self._policy.give_up_seconds if given_up else None,
        )
        told = f"given up: {reason}" if given_up else reason
        await self._write(outcome_of(planned, "failed", now_ms, attempt=attempt, reason=told))
        metrics.ATTEMPTS.labels(*labels, "failed", "given_up" if given_up else outcome.reason).inc()

    async def _write(self, entry: Notification) -> None:
        await self._ledger_log.write([entry])
        self._settled(entry)


def _sampled_ms(event: AlertEvent) -> int:
    """When the newest sample that decided was taken, as far as that is known."""
    taken_ms = event.evidence.taken_at
    return event.instant if taken_ms is None else taken_ms


def _tell_of_retry(planned: Planned, attempt: int, outcome: Retry, wait: float) -> None:
    receiver, kind = planned.destination.receiver, planned.destination.kind
    metrics.ATTEMPTS.labels(receiver, kind, "retry", outcome.reason).inc()
    if attempt & (attempt - 1) == 0:  # 1, 2, 4, 8, ...: a receiver that is down for long does not fill the log
        log.warning(
            "not delivered yet",
            destination=planned.destination.name,
            notification=planned.record.id,
            attempt=attempt,
            reason=outcome.detail or outcome.reason,
            next_try_in_seconds=round(wait, 1),
        )
