"""The producing edge of the bus: acknowledged by all replicas, idempotent, bounded, rebuilt after a fatal error."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed
from prometheus_client import Counter, Gauge

from shared import clock
from shared.messages.cloudevents import headers
from shared.messages.message import content_id
from shared.messages.topics import Encodable, Topic

log = structlog.get_logger()

SENT = Counter("pantau_bus_messages_sent_total", "Messages that the bus acknowledged", ["topic"])
FAILED = Counter("pantau_bus_send_failures_total", "Messages given up on, by reason", ["topic", "reason"])
REBUILDS = Counter("pantau_bus_producer_rebuilds_total", "Producers replaced after an error", ["reason"])
IN_FLIGHT = Gauge("pantau_bus_messages_in_flight", "Messages sent and not yet acknowledged")

ATTEMPT_SECONDS = 10.0


class BusUnavailable(Exception):
    """The bus did not take a message in time. Its outcome is unknown: sending it again with its id is harmless."""


@dataclass(frozen=True)
class Outgoing:
    """A message to send. `message` None is a tombstone; `event_id` must be the same when the message is sent again."""

    topic: Topic
    key: str
    message: Encodable | None
    event_id: str | None = None
    time_ms: int | None = None
    partition: int | None = None


@dataclass(frozen=True)
class Acknowledged:
    """Where a message is on the bus, and when the broker accepted it (ms since the epoch)."""

    topic: str
    partition: int
    offset: int
    accepted_ms: int


class Producer:
    """Sends messages. `source` names the program in CloudEvents' `source`."""

    def __init__(
        self, bootstrap: str, source: str, most_in_flight: int = 2_000, deadline_seconds: float = 30.0
    ) -> None:
        self._bootstrap, self._source = bootstrap, source
        self._deadline_seconds = deadline_seconds
        self._most_in_flight = most_in_flight
        self._places = asyncio.Semaphore(most_in_flight)
        self._taking = asyncio.Lock()
        self._rebuilding = asyncio.Lock()
        self._generation = 0
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; waits, with back-off, for as long as the bus is away. What is sent meanwhile waits too."""
        async with self._rebuilding:
            if self._producer is None:
                self._producer = await self._connect()
                self._generation += 1

    async def stop(self) -> None:
        """Send what is under way (at most 10 s) and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)

    async def partitions_of(self, topic: Topic) -> set[int]:
        """The partitions of `topic` as the broker has them; none if there is no such topic or no broker (yet)."""
        if self._producer is None:
            return set()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return set(await self._producer.partitions_for(topic.name))
        except (KafkaError, TimeoutError):
            return set()

    async def send(self, message: Outgoing, deadline_seconds: float | None = None) -> Acknowledged:
        """Send one message and wait until it is durable. BusUnavailable after the deadline."""
        return (await self.send_all([message], deadline_seconds))[0]

    async def send_all(self, messages: Sequence[Outgoing], deadline_seconds: float | None = None) -> list[Acknowledged]:
        """Send messages in order and wait until all are durable: the acknowledgements, in the same order.

        After an error what was not acknowledged is sent again, with the same ids and in the same order: a reader may
        see a message twice, but never only the later of two. BusUnavailable after the deadline.
        """
        acknowledged: list[Acknowledged] = []
        for start in range(0, len(messages), self._most_in_flight):
            part = messages[start : start + self._most_in_flight]
            acknowledged += await self._send_bounded(part, deadline_seconds or self._deadline_seconds)
        return acknowledged

    async def _send_bounded(self, messages: Sequence[Outgoing], deadline_seconds: float) -> list[Acknowledged]:
        taken = 0
        try:
            async with asyncio.timeout(deadline_seconds):
                async with self._taking:  # one at a time: two senders with half their places each would wait forever
                    for _ in messages:
                        await self._places.acquire()
                        taken += 1
                IN_FLIGHT.inc(taken)
                try:
                    return await self._send_until_acknowledged(messages)
                finally:
                    IN_FLIGHT.dec(taken)
        except TimeoutError as error:
            for message in messages:
                FAILED.labels(message.topic.name, "deadline").inc()
            raise BusUnavailable(f"the bus did not acknowledge within {deadline_seconds:g} s") from error
        finally:
            for _ in range(taken):
                self._places.release()

    async def _send_until_acknowledged(self, messages: Sequence[Outgoing]) -> list[Acknowledged]:
        acknowledged: list[Acknowledged | None] = [None] * len(messages)
        while True:
            generation = self._generation
            try:
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    await self._attempt(messages, acknowledged)
                return [one for one in acknowledged if one is not None]
            except MessageSizeTooLargeError:
                for message in messages:
                    FAILED.labels(message.topic.name, "too_large").inc()
                raise
            except (KafkaError, TimeoutError) as error:
                await self._rebuild(generation, error)

    async def _attempt(self, messages: Sequence[Outgoing], acknowledged: list[Acknowledged | None]) -> None:
        """One try at what is not yet acknowledged; fills `acknowledged` as far as it got."""
        producer = self._producer
        if producer is None:
            raise ProducerClosed
        waiting = []
        for number, message in enumerate(messages):
            if acknowledged[number] is None:
                value = None if message.message is None else message.message.encode()
                identity = message.event_id or content_id(message.topic.name, message.key, value or b"")
                time_ms = clock.now_ms() if message.time_ms is None else message.time_ms
                future = await producer.send(
                    message.topic.name,
                    key=message.key.encode(),
                    value=value,
                    partition=message.partition,
                    headers=headers(message.topic, identity, self._source, time_ms),
                )
                waiting.append((number, message, future))
        outcomes = await asyncio.gather(*(future for _, _, future in waiting), return_exceptions=True)
        failure: BaseException | None = None
        for (number, message, _), outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                failure = failure or outcome
            else:
                acknowledged[number] = Acknowledged(outcome.topic, outcome.partition, outcome.offset, outcome.timestamp)
                SENT.labels(message.topic.name).inc()
        if failure is not None:
            raise failure

    async def _rebuild(self, generation: int, error: BaseException) -> None:
        """Replace the producer, once for all senders that met the error."""
        async with self._rebuilding:
            if generation != self._generation:
                return
            reason = type(error).__name__
            log.warning("bus producer is rebuilt", reason=reason, error=str(error))
            REBUILDS.labels(reason).inc()
            old, self._producer = self._producer, None
            if old is not None:
                await _close(old, seconds=1.0)
            self._producer = await self._connect()
            self._generation += 1

    async def _connect(self) -> AIOKafkaProducer:
        wait = 0.1
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                compression_type="lz4",
                max_request_size=2 * 1024 * 1024,
                request_timeout_ms=10_000,
                retry_backoff_ms=100,
            )
            try:
                await producer.start()
                return producer
            except KafkaError as error:
                log.info("bus is not reachable yet", bootstrap=self._bootstrap, error=str(error))
                await _close(producer, seconds=1.0)
            except asyncio.CancelledError:  # a sender's deadline came while it connected
                await _close(producer, seconds=1.0)
                raise
            await asyncio.sleep(wait)
            wait = min(wait * 2, 2.0)


async def _close(producer: AIOKafkaProducer, seconds: float = 10.0) -> None:
    # A producer that failed may fail or hang while closing too; nobody waits for its messages any more.
    try:
        async with asyncio.timeout(seconds):
            await producer.stop()
    except (KafkaError, TimeoutError):
        # Cut short, it leaves its background sender alive, which would go on trying for as long as the bus is away.
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(1.0):
                await producer._sender.close()
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(1.0):
                await producer.client.close()
