"""What the notifier does while it is the active one: an engine, and what is under way."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from services.notifier import metrics
from services.notifier.configured import Configured
from services.notifier.core.checkpoint import Checkpoint
from services.notifier.core.engine import Engine
from services.notifier.core.merging import MERGED, Limits
from services.notifier.core.planned import Planned
from services.notifier.core.retrying import RetryPolicy
from services.notifier.dispatcher import Dispatcher
from services.notifier.ledger_log import LedgerLog
from shared import clock
from shared.messages.alerts import AlertEvent, CurrentAlert
from shared.messages.notifications import Notification

log = structlog.get_logger()

LONGEST_WAIT_SECONDS = 1.0
# How exactly it is known when the bus had an event.
TIME_STEP_MS = 1_000


class Active:
    """Lives from when the events are given to this notifier until they are taken from it."""

    def __init__(
        self,
        configured: Configured,
        ledger_log: LedgerLog,
        policy: RetryPolicy,
        concurrency: int,
        most_remembered: int,
        limits: Limits,
        begin: Checkpoint | None,
    ) -> None:
        self._configured, self._ledger_log = configured, ledger_log
        configured.muting.begin_anew()
        told = (0, 0) if begin is None else (begin.told_until_ms, begin.told_offset)
        self.engine = Engine(configured, most_remembered, *told, limits=limits)
        self.dispatcher = Dispatcher(configured, self.engine.ledger, ledger_log, policy, concurrency, self.settle)
        self._wake = asyncio.Event()
        self._planner: asyncio.Task[None] | None = None
        self._accepted: deque[tuple[int, int]] = deque()
        self.next_offset: int | None = None
        """Where reading goes on; None at the beginning."""
        self.is_current = False
        """Whether all events that the bus has are taken, so that time may pass."""
        self._undigested_dropped = 0

    @property
    def is_live(self) -> bool:
        """Whether all that there was at the start has been folded, so that notices go out."""
        return self._planner is not None

    def take(self, event: AlertEvent, offset: int, accepted_ms: int) -> None:
        """Fold in an event."""
        self._see()
        self._configured.muting.take(event, accepted_ms)
        if not self._accepted or accepted_ms - self._accepted[-1][1] >= TIME_STEP_MS:
            self._accepted.append((offset, accepted_ms))
        skipped = self.engine.take(event, offset, accepted_ms)
        if skipped is not None:
            metrics.EVENTS_SKIPPED.labels(skipped).inc()
        self._wake.set()

    def note(self, entry: Notification) -> None:
        """Fold in an entry of the ledger."""
        self.engine.note(entry)

    def settle(self, entry: Notification) -> None:
        """An entry has been written to the ledger."""
        self.engine.note(entry)
        self._wake.set()

    def go_live(self, standing: Sequence[CurrentAlert]) -> None:
        """All is folded: send what is owed from now on. `standing`: what fired when that began, also of long ago."""
        self._see()
        self.engine.stand(standing, clock.now_ms())
        self._see()
        again = self.engine.resume(clock.now_ms())
        log.info("notices are sent", under_way_before=len(again))
        for planned in again:
            self.dispatcher.send(planned)
        self._planner = asyncio.create_task(self._plan())

    async def try_out(self, wanted: Sequence[Planned]) -> None:
        """Send what somebody asked for, unless it was sent before."""
        ledger = self.engine.ledger
        new = [one for one in wanted if not ledger.is_final(one.record.id) and one.record.id not in ledger.unfinished]
        if new:
            await self._ledger_log.write([one.record for one in new])
        for one in new:
            self.engine.note(one.record)
            self.dispatcher.send(one)

    def wake(self) -> None:
        """Something has changed."""
        self._wake.set()

    def checkpoint(self, by: str) -> tuple[int, Checkpoint]:
        """The offset of the first event that whoever comes next needs, and what else is to be known."""
        anchor = self.engine.anchor(self.next_offset or 0)
        while len(self._accepted) > 1 and self._accepted[1][0] <= anchor:
            self._accepted.popleft()
        since_ms = self._accepted[0][1] if self._accepted else clock.now_ms()
        return anchor, Checkpoint(self.engine.told_until_ms, self.next_offset or 0, since_ms, by)

    def check(self) -> None:
        """Raise what ended its work, if something did: that is a fault of ours."""
        self.dispatcher.check()
        if self._planner is not None and self._planner.done():
            self._planner.result()

    async def drain(self, seconds: float) -> None:
        """Plan nothing more, and let what is under way end."""
        await self._end_planning()
        await self.dispatcher.drain(seconds)

    async def abandon(self) -> None:
        """Another goes on."""
        await self._end_planning()
        await self.dispatcher.abandon()

    async def _end_planning(self) -> None:
        if self._planner is not None:
            self._planner.cancel()
            await asyncio.gather(self._planner, return_exceptions=True)

    async def _plan(self) -> None:
        """Send what is due, whenever something may be."""
        while True:
            self._wake.clear()
            self._see()
            if self.is_current:
                self.engine.advance(clock.now_ms())
            await self._send(self.engine.plan(clock.now_ms()))
            metrics.UNDIGESTED_DROPPED.inc(self.engine.undigested_dropped - self._undigested_dropped)
            self._undigested_dropped = self.engine.undigested_dropped
            try:
                async with asyncio.timeout(self._wait_seconds()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _send(self, planned: Sequence[Planned]) -> None:
        """First into the ledger, then out."""
        others = self.engine.records()
        if not planned and not others:
            return
        await self._ledger_log.write([*others, *(one.record for one in planned)])
        for entry in others:
            if entry.muted_by == [MERGED]:
                metrics.MERGED.labels(entry.receiver).inc()
            ended = bool(entry.alerts) and entry.alerts[0].muted_until is not None
            for reason in () if ended else entry.muted_by:
                metrics.MUTED.labels(reason.partition(":")[0]).inc()
            if entry.state == "failed":
                log.warning(
                    "not sent any more", destination=entry.destination, notification=entry.id, reason=entry.reason
                )
            self.settle(entry)
            self.dispatcher.let_go(entry.id)
        for one in planned:
            self.engine.note(one.record)
            self.dispatcher.send(one)

    def _see(self) -> None:
        self._configured.muting.see(self.engine.changed_firing())

    def _wait_seconds(self) -> float:
        next_ms = self.engine.next_ms
        if next_ms is None or not self.is_current:
            return LONGEST_WAIT_SECONDS
        return min(max(next_ms - clock.now_ms(), 0) / 1000, LONGEST_WAIT_SECONDS)
