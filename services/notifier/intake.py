"""Alert events from the bus to whoever is active; and how far that has come, for the next one."""

import asyncio
import uuid
from collections.abc import Callable, Collection

import structlog
from aiokafka.errors import KafkaError

from services.notifier import metrics
from services.notifier.active import Active
from services.notifier.core.checkpoint import Checkpoint, decode
from services.notifier.ledger_log import LedgerLog
from services.notifier.state_log import firing_alerts
from shared import clock
from shared.bus import Batch, BusUnavailable, Consumer, Producer
from shared.bus.consumer import Positions
from shared.messages.alerts import CurrentAlert
from shared.messages.topics import ALERT_EVENTS
from shared.service import Readiness

log = structlog.get_logger()

GROUP = "pantau.notifier"
PLACE = (ALERT_EVENTS.name, 0)
MOST_AT_ONCE = 500
WAIT_MS = 200
COMMIT_SECONDS = 1.0
# All that waits is counted then; so much more may come before reading is paused.
COUNT_SECONDS = 0.5
COMMIT_AGAIN_SECONDS = 30.0
# How far the clocks of brokers and ours may be apart.
MARGIN_MS = 60_000


class Intake:
    """One member of the consumer group; its one partition makes one of them the active notifier."""

    def __init__(
        self,
        bootstrap: str,
        producer: Producer,
        ledger_log: LedgerLog,
        instance: str,
        readiness: Readiness,
        most_waiting: int,
        begin: Callable[[Checkpoint | None], Active],
        prepared: Collection[asyncio.Event],
    ) -> None:
        """`begin` makes what is active from a checkpoint on; `prepared` is to be set before."""
        self._bootstrap, self._producer, self._ledger_log = bootstrap, producer, ledger_log
        self._readiness, self._most_waiting = readiness, most_waiting
        # By this it knows its own checkpoint, also one of which it was not told that it was stored.
        self._name = f"{instance} {uuid.uuid4().hex[:8]}"
        self._begin, self._prepared = begin, prepared
        self._consumer: Consumer | None = None
        self._active: Active | None = None
        self._end: int | None = None  # of the events that there were at the start
        self._standing: list[CurrentAlert] = []
        self._ledger_read_ms = 0
        self._stored_at = self._counted_at = 0.0
        self._moved = False

    @property
    def lag(self) -> dict[str, int]:
        """Events not yet read, by `topic/partition`."""
        return {} if self._consumer is None else self._consumer.lag

    @property
    def active(self) -> Active | None:
        """What is active here; None while this notifier stands by."""
        return self._active

    async def run(self, drain_seconds: float) -> None:
        """Until cancelled; then deliveries under way get `drain_seconds`, and how far it has come is stored."""
        self._readiness.missing("events", "not reading yet")
        for event in self._prepared:
            await event.wait()
        while True:
            consumer = Consumer(self._bootstrap, GROUP, [ALERT_EVENTS], self._producer, self._locate)
            self._consumer = consumer
            try:
                await consumer.start()
                await self._consume(consumer)
            except (KafkaError, BusUnavailable) as error:
                log.warning("reading of alert events is started anew", error=repr(error))
                self._readiness.missing("events", f"the bus: {type(error).__name__}")
            except asyncio.CancelledError:
                if self._active is not None:
                    await self._active.drain(drain_seconds)
                    await self._store(consumer, self._active)
                raise
            finally:
                if self._active is not None:
                    self._active.is_current = False
                await consumer.stop()
            await asyncio.sleep(1)

    async def _consume(self, consumer: Consumer) -> None:
        async for batch in consumer.batches(most=MOST_AT_ONCE, wait_ms=WAIT_MS):
            if PLACE not in consumer.assigned:
                await self._abandon("another notifier has the events")
                self._readiness.missing("events", "another notifier is active, this one stands by")
                continue
            active = self._active
            if active is None:
                continue
            active.check()
            self._take(active, batch)
            if not active.is_live and await self._has_all(consumer, active):
                active.go_live(self._standing)
                self._standing = []
                self._readiness.there("events")
            if active.is_live:
                self._pause_when_full(consumer, active)
                await self._store_now_and_then(consumer, active)

    async def _locate(self, places: Collection[tuple[str, int]]) -> Positions:
        """Where to read on, with all known that was done so far, by this notifier or another."""
        assert self._consumer is not None
        stored = (await self._consumer.noted(places)).get(PLACE)
        checkpoint = decode(stored[1]) if stored is not None else None
        if self._active is not None and checkpoint is not None and checkpoint.by != self._name:
            await self._abandon("another notifier went on meanwhile")
        self._readiness.missing("ledger", "it is being read")
        if self._active is None:
            self._active = self._begin(checkpoint)
            self._active.next_offset = None if stored is None else stored[0]
            self._end = None
            since_ms = 0 if checkpoint is None else checkpoint.since_ms - MARGIN_MS
            self._readiness.missing("events", "they are being read")
            self._standing = await firing_alerts(self._bootstrap, self._producer)
        else:
            since_ms = self._ledger_read_ms - MARGIN_MS
        self._ledger_read_ms = await self._ledger_log.read(since_ms, self._active.note)
        self._readiness.there("ledger")
        if self._active.is_live:
            self._readiness.there("events")
            self._active.wake()
        offset = self._active.next_offset
        log.info("alert events are read", offset=offset, live=self._active.is_live)
        return {} if offset is None else {PLACE: offset}

    def _take(self, active: Active, batch: Batch) -> None:
        for received in batch.messages:
            if active.next_offset is None or received.offset >= active.next_offset:
                active.take(received.message, received.offset, received.accepted_ms)
                active.next_offset = received.offset + 1
                self._moved = True
        if (offset := batch.next_offsets.get(PLACE)) is not None:
            active.next_offset = max(offset, active.next_offset or 0)
        lag = self.lag.get(f"{PLACE[0]}/{PLACE[1]}", 0)
        active.is_current = active.is_live and lag == 0

    async def _has_all(self, consumer: Consumer, active: Active) -> bool:
        """Whether everything has been taken that was there when this notifier was given the events."""
        if self._end is None:
            first, self._end = (await consumer.ends()).get(PLACE, (0, None))
            if self._end is None:
                return False
            active.next_offset = max(active.next_offset or 0, first)
        return (active.next_offset or 0) >= self._end

    async def _abandon(self, why: str) -> None:
        if self._active is not None:
            log.info("deliveries under way are left to another", reason=why)
            active, self._active = self._active, None
            await active.abandon()

    async def _store_now_and_then(self, consumer: Consumer, active: Active) -> None:
        past = clock.elapsed() - self._stored_at
        if past > COMMIT_AGAIN_SECONDS or (past > COMMIT_SECONDS and self._moved):
            await self._store(consumer, active)

    async def _store(self, consumer: Consumer, active: Active) -> None:
        """Let whoever comes next begin from here."""
        if not active.is_live:
            return
        offset, checkpoint = active.checkpoint(self._name)
        self._moved, self._stored_at = False, clock.elapsed()
        await consumer.store(PLACE, offset, checkpoint.encode())

    def _pause_when_full(self, consumer: Consumer, active: Active) -> None:
        if clock.elapsed() - self._counted_at < COUNT_SECONDS:
            return
        self._counted_at = clock.elapsed()
        waiting = active.engine.waiting_by_receiver()
        full = sum(waiting.values()) >= self._most_waiting
        consumer.pause(full)
        if full:
            active.is_current = False
            slowest, count = max(waiting.items(), key=lambda item: item[1])
            self._readiness.missing(
                "receivers", f"{count} alerts wait for receiver {slowest}; reading of alert events is paused"
            )
        else:
            self._readiness.there("receivers")
        metrics.PAUSED.set(full)
        metrics.REMEMBERED.set(len(active.engine.ledger))
        metrics.show_waiting(waiting)
