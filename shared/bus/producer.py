"""The producing edge of the bus: acknowledged by all replicas, idempotent, bounded, rebuilt after a fatal error."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from prometheus_client import Counter, Gauge

from shared import clock
from shared.bus.connection import MOST_BYTES, close, connect
from shared.messages.cloudevents import Headers, headers
from shared.messages.message import content_id
from shared.messages.topics import Encodable, Topic

log = structlog.get_logger()

SENT = Counter("pantau_bus_messages_sent_total", "Messages that the bus acknowledged", ["topic"])
FAILED = Counter("pantau_bus_send_failures_total", "Messages given up on, by reason", ["topic", "reason"])
REBUILDS = Counter("pantau_bus_producer_rebuilds_total", "Producers replaced after an error", ["reason"])
IN_FLIGHT = Gauge("pantau_bus_messages_in_flight", "Messages sent and not yet acknowledged")

STALL_SECONDS = 10.0
CLOSE_SECONDS = 10.0
# What a record needs beside key, value and headers.
OVERHEAD_BYTES = 256

# The message is at fault, and would be the next time too.
REFUSALS = (
    InvalidTimestampError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
# The producer is in order and goes on by itself: the topic is not there yet, the bus is away and buffers are full.
PASSING = (UnknownTopicOrPartitionError, KafkaTimeoutError)


class BusUnavailable(Exception):
    """The bus did not take a message in time. Its outcome is unknown: sending it again with its id is harmless."""


class ProducerStopped(BusUnavailable):
    """The program is ending: nothing is sent any more."""


class MessageRefused(ValueError):
    """The bus will never take this message, for instance because it is too long. The text says which and why."""


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


@dataclass
class _Packed:
    """A message as it goes over the wire, and its acknowledgement once that is there."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers
    partition: int | None
    acknowledged: Acknowledged | None = None

    def settle(self, future: "asyncio.Future[Any]") -> None:
        """Note the outcome, also when nobody waits for it any more."""
        if not future.cancelled() and future.exception() is None:
            placed = future.result()
            self.acknowledged = Acknowledged(placed.topic, placed.partition, placed.offset, placed.timestamp)
            SENT.labels(self.topic).inc()


class _Stalled(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """The broker answers, and yet nothing is acknowledged."""


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
        # Connecting is nobody's own work: a sender whose deadline comes, or who is cancelled, leaves it to the others.
        self._connection: asyncio.Task[AIOKafkaProducer] | None = None
        self._attempts: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def start(self) -> None:
        """Connect; waits, with back-off, for as long as the bus is away. What is sent meanwhile waits too."""
        await self._connected()

    async def stop(self) -> None:
        """Send what is under way (at most 10 s) and disconnect, for good."""
        self._stopped = True
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if not connection.done():
            connection.cancel()
            await asyncio.wait([connection])
        if not connection.cancelled() and connection.exception() is None:
            await self._retire(connection.result(), CLOSE_SECONDS)

    async def partitions_of(self, topic: Topic) -> set[int]:
        """The partitions of `topic` as the broker has them; none if there is no such topic or no broker (yet)."""
        try:
            async with asyncio.timeout(STALL_SECONDS):
                producer = await self._connected()
                return set(await producer.partitions_for(topic.name))
        except (KafkaError, TimeoutError, BusUnavailable):
            return set()

    async def send(self, message: Outgoing, deadline_seconds: float | None = None) -> Acknowledged:
        """Send one message and wait until it is durable. BusUnavailable after the deadline, MessageRefused at once."""
        return (await self.send_all([message], deadline_seconds))[0]

    async def send_all(self, messages: Sequence[Outgoing], deadline_seconds: float | None = None) -> list[Acknowledged]:
        """Send messages in order and wait until all are durable: the acknowledgements, in the same order.

        After an error what was not acknowledged is sent again, with the same ids and in the same order: a reader may
        see a message twice, but never only the later of two of one partition. BusUnavailable after the deadline;
        MessageRefused before anything is sent if one is too long.
        """
        seconds = self._deadline_seconds if deadline_seconds is None else deadline_seconds
        packed = [self._pack(message) for message in messages]
        troubles: list[KafkaError] = []
        try:
            async with asyncio.timeout(seconds):
                for start in range(0, len(packed), self._most_in_flight):
                    await self._send_bounded(packed[start : start + self._most_in_flight], troubles)
        except TimeoutError as error:
            _count_failed(packed, "deadline")
            why = f" ({type(troubles[-1]).__name__}: {troubles[-1]})" if troubles else ""
            raise BusUnavailable(f"the bus did not acknowledge within {seconds:g} s{why}") from error
        except BusUnavailable:
            _count_failed(packed, "stopped")
            raise
        return [one.acknowledged for one in packed if one.acknowledged is not None]

    def _pack(self, message: Outgoing) -> _Packed:
        key = message.key.encode()
        value = None if message.message is None else message.message.encode()
        identity = message.event_id or content_id(message.topic.name, message.key, value or b"")
        time_ms = clock.now_ms() if message.time_ms is None else message.time_ms
        attributes = headers(message.topic, identity, self._source, time_ms)
        size = len(key) + len(value or b"") + sum(len(n) + len(v) for n, v in attributes) + OVERHEAD_BYTES
        if size > MOST_BYTES:
            FAILED.labels(message.topic.name, "refused").inc()
            raise MessageRefused(f"a message of {size} bytes for {message.topic.name}: at most {MOST_BYTES}")
        return _Packed(message.topic.name, key, value, attributes, message.partition)

    async def _send_bounded(self, packed: Sequence[_Packed], troubles: list[KafkaError]) -> None:
        taken = 0
        try:
            async with self._taking:  # one at a time: two senders with half their places each would wait forever
                for _ in packed:
                    await self._places.acquire()
                    taken += 1
                    IN_FLIGHT.inc()
            await self._send_until_acknowledged(packed, troubles)
        finally:
            IN_FLIGHT.dec(taken)
            for _ in range(taken):
                self._places.release()

    async def _send_until_acknowledged(self, packed: Sequence[_Packed], troubles: list[KafkaError]) -> None:
        pause = 0.1
        while True:
            producer = await self._connected()
            try:
                await self._attempt(producer, packed)
                return
            except KafkaError as error:
                troubles[:] = [error]
                if not isinstance(error, PASSING):
                    # Also after a refusal: the batch took its sequence numbers with it, the next would be out of order.
                    self._replace(producer, error)
                if isinstance(error, REFUSALS):
                    _count_failed(packed, "refused")
                    raise MessageRefused(f"the bus refuses a message for {packed[0].topic}: {error}") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    async def _connected(self) -> AIOKafkaProducer:
        """The producer, once it is connected. ProducerStopped if it was stopped."""
        if self._connection is None and not self._stopped:
            self._connection = asyncio.create_task(connect(self._bootstrap))
        connection = self._connection
        if connection is not None:
            await asyncio.wait([connection])  # unlike `await connection`, cancels only the one who waits
        if connection is None or connection.cancelled():
            raise ProducerStopped("the producer is stopped")
        return connection.result()

    def _replace(self, producer: AIOKafkaProducer, error: KafkaError) -> None:
        """Build anew what failed, once for all senders that met the error."""
        connection = self._connection
        if connection is None or not connection.done() or connection.result() is not producer:
            return
        reason = type(error).__name__.lstrip("_")
        log.warning("bus producer is rebuilt", reason=reason, error=str(error))
        REBUILDS.labels(reason).inc()
        self._connection = asyncio.create_task(self._reconnect(producer))

    async def _reconnect(self, failed: AIOKafkaProducer) -> AIOKafkaProducer:
        await self._retire(failed, seconds=1.0)
        return await connect(self._bootstrap)

    async def _retire(self, producer: AIOKafkaProducer, seconds: float) -> None:
        """Close it and call back those who still try with it: who asks a closed aiokafka for a topic waits for ever."""
        await close(producer, seconds)
        for attempt in self._attempts:
            attempt.cancel()

    async def _attempt(self, producer: AIOKafkaProducer, packed: Sequence[_Packed]) -> None:
        """`_attempt`, ended as soon as `producer` is retired."""
        attempt = asyncio.create_task(_attempt(producer, packed))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)
        try:
            await asyncio.wait([attempt])
        finally:
            attempt.cancel()
        if attempt.cancelled():
            raise ProducerClosed
        attempt.result()


async def _attempt(producer: AIOKafkaProducer, packed: Sequence[_Packed]) -> None:
    """One try at what is not yet acknowledged. KafkaError if some of it still is not; none of it is under way then."""
    failure: KafkaError | None = None
    futures = []
    for one in packed:
        if one.acknowledged is None:
            try:
                future = await producer.send(
                    one.topic, key=one.key, value=one.value, partition=one.partition, headers=one.headers
                )
            except KafkaError as error:
                failure = error
                break
            future.add_done_callback(one.settle)
            futures.append(future)
    await _settled(producer, futures)
    failures = [failed for future in futures if (failed := future.exception()) is not None]
    if failure is not None:
        failures.append(failure)
    if failures:
        # A refusal explains the others: what is behind a refused batch fails as out of order.
        raise next((one for one in failures if isinstance(one, REFUSALS)), failures[0])


async def _settled(producer: AIOKafkaProducer, futures: list["asyncio.Future[Any]"]) -> None:
    """Wait until all have an outcome. An absent broker is waited for: the producer resends by itself, without making
    duplicates. _Stalled if the broker answers but twice in a row nothing was acknowledged for STALL_SECONDS."""
    pending, answered = set(futures), False
    while pending:
        done, pending = await asyncio.wait(pending, timeout=STALL_SECONDS)
        if done:
            answered = False
        elif answered:
            raise _Stalled(f"nothing acknowledged for {2 * STALL_SECONDS:g} s by a broker that answers")
        else:
            answered = await _answers(producer)


async def _answers(producer: AIOKafkaProducer) -> bool:
    try:
        async with asyncio.timeout(STALL_SECONDS):
            return bool(await producer.client.force_metadata_update())
    except (KafkaError, TimeoutError):
        return False


def _count_failed(packed: Sequence[_Packed], reason: str) -> None:
    for one in packed:
        if one.acknowledged is None:
            FAILED.labels(one.topic, reason).inc()
