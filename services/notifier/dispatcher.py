"""Deliveries on their way: one task a lane, a bounded number of requests a receiver, every outcome in the ledger."""

import asyncio
import random
from collections.abc import Callable, Mapping

import structlog

from services.notifier import metrics
from services.notifier.channels import Channel, Payload
from services.notifier.core.ledger import DeliveryState, Ledger
from services.notifier.core.notice import Notice, NoticedAlert
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.owing import Delivery, Lane, Owing
from services.notifier.core.retrying import RetryPolicy, gives_up, wait_seconds
from services.notifier.ledger_log import LedgerLog
from shared import clock
from shared.messages.notifications import Notification

log = structlog.get_logger()


class Dispatcher:
    """Sends what `owing` holds through `channels` (by receiver)."""

    def __init__(
        self,
        owing: Owing,
        ledger: Ledger,
        ledger_log: LedgerLog,
        channels: Mapping[str, Channel],
        policy: RetryPolicy,
        concurrency: int,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._owing, self._ledger, self._ledger_log = owing, ledger, ledger_log
        self._channels, self._policy, self._jitter = channels, policy, jitter
        self._places = {receiver: asyncio.Semaphore(concurrency) for receiver in channels}
        self._lanes: dict[Lane, asyncio.Task[None]] = {}
        self._requesting: set[Lane] = set()
        self._draining = False
        self._failure: BaseException | None = None

    def go_on(self, delivery: Delivery) -> None:
        """See to it that the lane of `delivery` is being worked on."""
        lane, working = delivery.lane, self._lanes.get(delivery.lane)
        if working is None or working.done():
            task = asyncio.create_task(self._work(lane))
            self._lanes[lane] = task
            task.add_done_callback(lambda done: self._ended(lane, done))

    def check(self) -> None:
        """Raise what ended a lane, if one ended with an error: that is a fault of ours."""
        if self._failure is not None:
            raise self._failure

    async def abandon(self) -> None:
        """Stop at once. What was under way has an unknown outcome, and stays owed."""
        lanes = list(self._lanes.values())
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Begin nothing more; give requests under way, and the records of their outcomes, `seconds` to end."""
        self._draining = True
        ending = [task for lane, task in self._lanes.items() if lane in self._requesting]
        for lane, task in self._lanes.items():
            if lane not in self._requesting:
                task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=seconds)
        await self.abandon()

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        if self._lanes.get(lane) is task:
            del self._lanes[lane]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error

    async def _work(self, lane: Lane) -> None:
        while not self._draining and (delivery := self._owing.head(lane)) is not None:
            sent = False
            if self._owing.is_due(delivery):
                sent = await self._deliver(delivery)
            else:
                metrics.SKIPPED.labels(delivery.receiver, "not_announced").inc()
            self._owing.settle(delivery, sent)

    async def _deliver(self, delivery: Delivery) -> bool:
        """Try until there is a final outcome; whether the receiver has it."""
        channel = self._channels[delivery.receiver]
        await self._announce(delivery)
        started_ms = clock.now_ms()
        attempt = 0
        while True:
            if self._ledger.is_final(delivery.id):  # another notifier was faster while this one was away
                metrics.SKIPPED.labels(delivery.receiver, "done_elsewhere").inc()
                return self._ledger.is_sent(delivery.id)
            attempt += 1
            # The place is kept until the outcome is recorded: a kill repeats no more requests than there are places.
            async with self._places[delivery.receiver]:
                self._requesting.add(delivery.lane)
                try:
                    outcome = await _attempt(channel, delivery)
                    again = self._again(outcome, attempt, started_ms)
                    if again is None:
                        await self._conclude(delivery, channel, attempt, outcome)
                        return isinstance(outcome, Delivered)
                finally:
                    self._requesting.discard(delivery.lane)
            failed, wait = again
            _tell_of_retry(delivery, channel, attempt, failed, wait)
            if self._draining:
                raise asyncio.CancelledError  # no outcome: it stays owed
            await asyncio.sleep(wait)

    def _again(self, outcome: Outcome, attempt: int, started_ms: int) -> tuple[Retry, float] | None:
        """What failed, and the seconds until the next try; None if there is to be none."""
        if not isinstance(outcome, Retry):
            return None
        wait = wait_seconds(self._policy, attempt, self._jitter(), outcome.after_seconds)
        return None if gives_up(self._policy, started_ms, clock.now_ms() + round(wait * 1000)) else (outcome, wait)

    async def _announce(self, delivery: Delivery) -> None:
        """Put into the ledger that it is about to be sent, or that it may have been sent before."""
        if not delivery.begun_before:
            await self._write(delivery, "planned", 0)
        else:
            await self._write(delivery, "unknown", 0, reason="a notifier ended between planning and recording it")

    async def _conclude(self, delivery: Delivery, channel: Channel, attempt: int, outcome: Outcome) -> None:
        """Put the final outcome into the ledger."""
        labels = (delivery.receiver, channel.kind)
        if isinstance(outcome, Delivered):
            latency_ms = float(clock.now_ms() - delivery.event.instant)
            await self._write(delivery, "sent", attempt, latency_ms=latency_ms)
            metrics.ATTEMPTS.labels(*labels, "delivered", "").inc()
            metrics.LATENCY.labels(*labels).observe(max(latency_ms, 0.0) / 1000)
            return
        given_up = isinstance(outcome, Retry)
        reason = f"{outcome.reason}: {outcome.detail}" if outcome.detail else outcome.reason
        log.error(
            "not delivered, for good",
            receiver=delivery.receiver,
            notification=delivery.id,
            rule=delivery.event.rule,
            state=delivery.event.state,
            attempts=attempt,
            reason=reason,
            given_up_after_seconds=self._policy.give_up_seconds if given_up else None,
        )
        await self._write(delivery, "failed", attempt, reason=f"given up: {reason}" if given_up else reason)
        metrics.ATTEMPTS.labels(*labels, "failed", "given_up" if given_up else outcome.reason).inc()

    async def _write(
        self,
        delivery: Delivery,
        state: DeliveryState,
        attempt: int,
        reason: str | None = None,
        latency_ms: float | None = None,
    ) -> None:
        await self._ledger_log.write(
            Notification(
                id=delivery.id,
                event_id=delivery.event.id,
                alert_id=delivery.event.alert_id,
                receiver=delivery.receiver,
                channel=self._channels[delivery.receiver].kind,
                state=state,
                attempt=attempt,
                at=clock.now_ms(),
                reason=reason,
                latency_ms=latency_ms,
            )
        )


def _notice(delivery: Delivery) -> Notice:
    event = delivery.event
    told = NoticedAlert(event, "firing" if event.state == "firing" else "resolved")
    return Notice(delivery.id, delivery.receiver, "change", event.alert_id, event.labels, (told,), event.instant)


async def _attempt(channel: Channel, delivery: Delivery) -> Outcome:
    try:
        payload: Payload = channel.render(_notice(delivery))
        return await channel.send(payload, delivery.id)
    except Exception as error:
        # A fault of ours in one event or one channel must not keep the others from being told.
        log.exception("channel failed", receiver=delivery.receiver, notification=delivery.id)
        return Permanent("internal", type(error).__name__)


def _tell_of_retry(delivery: Delivery, channel: Channel, attempt: int, outcome: Retry, wait: float) -> None:
    metrics.ATTEMPTS.labels(delivery.receiver, channel.kind, "retry", outcome.reason).inc()
    if attempt & (attempt - 1) == 0:  # 1, 2, 4, 8, ...: a receiver that is down for long does not fill the log
        log.warning(
            "not delivered yet",
            receiver=delivery.receiver,
            notification=delivery.id,
            rule=delivery.event.rule,
            state=delivery.event.state,
            attempt=attempt,
            reason=outcome.detail or outcome.reason,
            next_try_in_seconds=round(wait, 1),
        )
