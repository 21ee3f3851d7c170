"""Alert events from the bus to the dispatcher; offsets are stored once every receiver has its final outcome."""

import asyncio
from collections.abc import Collection

import structlog
from aiokafka.errors import KafkaError

from services.notifier import metrics
from services.notifier.core.ledger import Ledger
from services.notifier.core.owing import Owing, not_sent_because, unanswered
from services.notifier.dispatcher import Dispatcher
from services.notifier.ledger_log import LedgerLog
from shared import clock
from shared.bus import Batch, BusUnavailable, Consumer, Producer
from shared.bus.consumer import Positions
from shared.messages.alerts import AlertEvent
from shared.messages.topics import ALERT_EVENTS
from shared.service import Readiness

log = structlog.get_logger()

GROUP = "pantau.notifier"
TOPIC = ALERT_EVENTS.name
MOST_AT_ONCE = 100
WAIT_MS = 200
COMMIT_AGAIN_SECONDS = 30.0
# How far an event's instant may be ahead of the broker's clock: pushed samples carry their sender's time.
MARGIN_MS = 60 * 60 * 1000


class Intake:
    """Reads events, decides what is owed, and keeps the group's offsets."""

    def __init__(
        self,
        bootstrap: str,
        producer: Producer,
        receivers: Collection[str],
        owing: Owing,
        ledger: Ledger,
        ledger_log: LedgerLog,
        dispatcher: Dispatcher,
        readiness: Readiness,
        most_events_in_flight: int,
    ) -> None:
        self._bootstrap, self._producer, self._receivers = bootstrap, producer, tuple(receivers)
        self._owing, self._ledger, self._ledger_log = owing, ledger, ledger_log
        self._dispatcher, self._readiness = dispatcher, readiness
        self._most_events_in_flight = most_events_in_flight
        self._consumer: Consumer | None = None
        self._reaches_back = False  # the ledger is known from before the oldest event that is to come
        self._committed: dict[int, int] = {}
        self._committed_at = 0.0

    @property
    def lag(self) -> dict[str, int]:
        """Events not yet read, by `topic/partition`."""
        return {} if self._consumer is None else self._consumer.lag

    async def run(self, drain_seconds: float) -> None:
        """Until cancelled; then deliveries under way get `drain_seconds`, and their offsets are stored."""
        self._readiness.missing("events", "not reading yet")
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
                await self._dispatcher.drain(drain_seconds)
                await self._commit(consumer)
                raise
            finally:
                await consumer.stop()
            await asyncio.sleep(1)

    async def _consume(self, consumer: Consumer) -> None:
        async for batch in consumer.batches(most=MOST_AT_ONCE, wait_ms=WAIT_MS):
            self._dispatcher.check()
            await self._notice_loss(consumer)
            await self._take(batch)
            await self._commit(consumer)
            self._pause_when_full(consumer)

    async def _locate(self, places: Collection[tuple[str, int]]) -> Positions:
        """Where to read on, with all known that was done so far, by this notifier or another."""
        assert self._consumer is not None
        stored = await self._consumer.committed(places)
        if self._owing.partitions and not self._goes_on(places, stored):
            await self._abandon("another notifier went on meanwhile")
        self._readiness.missing("ledger", "it is being read")
        if self._owing.partitions:
            await self._ledger_log.catch_up()
        else:
            await self._ledger_log.read_since(clock.now_ms() - 2 * MARGIN_MS)
            self._reaches_back = False
        for place in places:
            if place[1] not in self._owing.partitions:
                self._owing.begin(place[1], stored.get(place))
        self._readiness.there("ledger")
        self._readiness.there("events")
        positions = {place: self._owing.next_offset(place[1]) for place in places}
        log.info("alert events are read", positions={place[1]: offset for place, offset in positions.items()})
        return {place: offset for place, offset in positions.items() if offset is not None}

    def _goes_on(self, places: Collection[tuple[str, int]], stored: Positions) -> bool:
        """Whether nobody got further than we did while we did not own `places`."""
        return all(
            stored.get(place, 0) <= (self._owing.next_offset(place[1]) or 0)
            for place in places
            if place[1] in self._owing.partitions
        )

    async def _notice_loss(self, consumer: Consumer) -> None:
        owned = {partition for _, partition in consumer.assigned}
        if not self._owing.partitions <= owned:
            await self._abandon("another notifier has taken over")

    async def _abandon(self, why: str) -> None:
        log.info("deliveries under way are left to another", reason=why, events=self._owing.events_in_flight)
        await self._dispatcher.abandon()
        self._owing.forget()
        self._committed.clear()

    async def _take(self, batch: Batch) -> None:
        events: list[AlertEvent] = []
        for received in batch.messages:
            if (reason := not_sent_because(received.message)) is None:
                events.append(received.message)
            else:
                metrics.EVENTS_SKIPPED.labels(reason).inc()
        if events:
            await self._look_back(events, min(received.accepted_ms for received in batch.messages))
        for received in batch.messages:
            added = self._owing.take(received.partition, received.offset, received.message, self._ledger)
            for delivery in added:
                self._dispatcher.go_on(delivery)
            self._count_repeated(received.message, {delivery.receiver for delivery in added})
        self._ledger.dismiss_answers()
        for (_, partition), offset in batch.next_offsets.items():
            if partition in self._owing.partitions:
                self._owing.read_to(partition, offset)

    async def _look_back(self, events: list[AlertEvent], oldest_accepted_ms: int) -> None:
        """Have in the ledger whatever decides about `events`."""
        known = self._ledger.known_since_ms
        if not self._reaches_back and (known is None or oldest_accepted_ms - MARGIN_MS < known):
            await self._ledger_log.read_since(oldest_accepted_ms - 2 * MARGIN_MS)
        self._reaches_back = True
        # Again after each search: meanwhile the ledger may have forgotten what it knew before.
        while wanted := unanswered(events, self._receivers, self._ledger, MARGIN_MS):
            await self._ledger_log.find(wanted)

    def _count_repeated(self, event: AlertEvent, told: set[str]) -> None:
        if not_sent_because(event) is None:
            for receiver in self._receivers:
                if receiver not in told:
                    metrics.SKIPPED.labels(receiver, "repeated").inc()

    async def _commit(self, consumer: Consumer) -> None:
        offsets = self._owing.committable()
        due = clock.elapsed() - self._committed_at > COMMIT_AGAIN_SECONDS  # one may have failed while the bus was away
        if not offsets or (offsets == self._committed and not due):
            return
        await consumer.commit(Batch([], {(TOPIC, partition): one for partition, one in offsets.items()}))
        self._committed, self._committed_at = offsets, clock.elapsed()

    def _pause_when_full(self, consumer: Consumer) -> None:
        in_flight = self._owing.events_in_flight
        full = in_flight >= self._most_events_in_flight
        consumer.pause(full)
        if full:
            slowest, count = max(self._owing.waiting.items(), key=lambda item: item[1])
            self._readiness.missing(
                "receivers", f"{count} deliveries wait for receiver {slowest}; reading of alert events is paused"
            )
        else:
            self._readiness.there("receivers")
        metrics.PAUSED.set(full)
        metrics.EVENTS_IN_FLIGHT.set(in_flight)
        metrics.REMEMBERED.set(len(self._ledger))
        for receiver in self._receivers:
            metrics.WAITING.labels(receiver).set(self._owing.waiting[receiver])
