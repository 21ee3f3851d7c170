"""The only file that knows Faust: it shares the partitions among workers, hands over messages, and keeps the table.

What is leaned on here was read in the sources of faust-streaming 0.15.3:
- `noack()` streams leave acknowledging to us; what is acknowledged in order is committed every second.
- A non-windowed table with the in-memory store is recovered from its changelog before streams flow again. We write the
  changelog ourselves, through our own producer (acks, idempotent, awaited), and the store beside it.
- Partitions are paused before `on_partitions_revoked` is sent, and it is awaited: the place for last snapshots.
- What it has read and not handed over is dropped when partitions are revoked, and read again from what was committed;
  `_Flow` keeps it from dropping more. Router and owner read for themselves what should be missing nevertheless.
- A member of the group that has a name takes its partitions up again when it comes back within the session, without a
  rebalance: SIGKILL and start cost seconds less. Names must differ: two workers of one name take them from each other.
- A crash anywhere in Faust's tree of services ends up as a crash of the app, which ends this program; the supervisor
  starts it again.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

import faust
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from faust.transport.drivers import aiokafka as driver
from mode.utils.queues import FlowControlEvent

from services.alerting.sending import until_sent
from services.alerting.taken import Taken
from shared.bus import Outgoing, Producer
from shared.messages.topics import ALERTING_INPUTS, ALERTING_SNAPSHOTS, SAMPLES, Opaque

log = structlog.get_logger()

GROUP = "pantau.alerting"
SESSION_SECONDS = 8.0
HEARTBEAT_SECONDS = 2.0
COMMIT_SECONDS = 1.0
# An answer to a commit takes no longer, while the bus is there.
COMMIT_PATIENCE_SECONDS = 30.0
METADATA_SECONDS = 5
STOP_SECONDS = 15.0


class Handlers(Protocol):
    """What the program does with what the stream brings."""

    def take_samples(self, taken: Taken) -> Awaitable[None]: ...

    def take_input(self, taken: Taken) -> Awaitable[None]: ...

    def assigned(self, samples: set[int], inputs: set[int]) -> Awaitable[None]: ...

    def revoked(self) -> Awaitable[None]: ...


class StreamFailed(Exception):
    """Faust crashed."""


class Stream:
    """The Faust app, run inside our own event loop. Its table is where snapshots are: see `store.Store`."""

    def __init__(
        self, bootstrap: str, instance: str, fetch_wait_ms: int, producer: Producer, handlers: Handlers
    ) -> None:
        self._producer = producer
        self._directory = tempfile.TemporaryDirectory(prefix="pantau-alerting-")
        self._app = faust.App(
            GROUP,
            broker=[f"kafka://{one.strip()}" for one in bootstrap.split(",")],
            store="memory://",
            datadir=self._directory.name,
            autodiscover=False,
            web_enabled=False,
            # Workers are told apart by it; nothing listens there.
            canonical_url=f"http://{instance.replace(':', '-')}.invalid",
            topic_allow_declare=False,
            topic_disable_leader=True,
            reply_create_topic=False,
            table_standby_replicas=0,
            stream_wait_empty=False,
            stream_recovery_delay=0.0,
            stream_buffer_maxsize=256,
            # A worker that is back under its name within the session goes on with its partitions at once.
            consumer_group_instance_id=instance,
            broker_session_timeout=SESSION_SECONDS,
            broker_heartbeat_interval=HEARTBEAT_SECONDS,
            broker_commit_interval=COMMIT_SECONDS,
            broker_request_timeout=30.0,
            broker_check_crcs=True,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=4 * 1024 * 1024,
            # Who shares out the partitions looks that often which there are: when the bus comes back, it may know of
            # none yet, and nobody would have any until the next look.
            consumer_metadata_max_age_ms=METADATA_SECONDS * 1_000,
            producer_acks=-1,
        )
        self._app.flow_control = _Flow()
        self._app.transport = _Transport(self._app.conf.broker_consumer, self._app)
        self._app.transport.fetch_wait_ms = fetch_wait_ms
        self._app.transport.bus_answers = self._bus_answers
        raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw"}
        samples = self._app.topic(SAMPLES.name, **raw)
        inputs = self._app.topic(ALERTING_INPUTS.name, **raw)
        self._table = self._app.Table(
            "snapshots", partitions=ALERTING_SNAPSHOTS.partitions, key_type=bytes, value_type=bytes
        )
        assert self._table._changelog_topic_name() == ALERTING_SNAPSHOTS.name, "the catalogue names the changelog"

        @self._app.agent(samples, name="router")
        async def route(stream: Any) -> None:
            async for event in stream.noack().events():
                await handlers.take_samples(_taken(event))

        @self._app.agent(inputs, name="owner")
        async def fold(stream: Any) -> None:
            async for event in stream.noack().events():
                await handlers.take_input(_taken(event))

        async def revoked(*_: Any, **__: Any) -> None:
            await handlers.revoked()

        async def assigned(*arguments: Any, **__: Any) -> None:
            assignment = arguments[-1]
            await handlers.assigned(
                _partitions(assignment, SAMPLES.name), _partitions(assignment, ALERTING_INPUTS.name)
            )

        self._hooks = (revoked, assigned)  # signals hold their receivers weakly
        self._app.on_partitions_revoked.connect(revoked)
        self._app.on_partitions_assigned.connect(assigned)

    @property
    def ready(self) -> bool:
        """Whether partitions are assigned and the table is recovered."""
        app, tables = self._app, cast(Any, self._app.tables)
        return bool(app.started and not app.rebalancing and not app.in_recovery and tables.recovery.completed.is_set())

    async def run(self) -> None:
        """Take messages until cancelled. StreamFailed if Faust crashes."""
        starting = asyncio.create_task(self._app.start(), name="faust")
        try:
            while not self._app.crashed:
                if starting.done():
                    starting.result()
                await asyncio.sleep(0.2)
            raise StreamFailed(f"Faust crashed: {self._app.crash_reason!r}") from self._app.crash_reason
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)

    async def commit(self) -> None:
        """Commit now what has been acknowledged."""
        if self._app.started and not self._app.crashed:
            await self._app.consumer.commit()

    async def stop(self) -> None:
        """Leave the group. TimeoutError if Faust doesn't end."""
        async with asyncio.timeout(STOP_SECONDS):
            await self._app.stop()
        self._directory.cleanup()

    async def _bus_answers(self) -> bool:
        return bool(await self._producer.partitions_of(SAMPLES))

    def read(self, partition: int) -> dict[str, bytes]:
        """All that is stored for a partition, by its name there."""
        prefix = _key(partition, "")
        return {
            key.removeprefix(prefix).decode(): value
            for key, value in self._table.data.items()
            if key.startswith(prefix) and value is not None
        }

    async def write(self, partition: int, entries: dict[str, bytes | None]) -> None:
        """Store (None: delete) in this order, and wait until it is durable."""
        messages = [
            Outgoing(
                ALERTING_SNAPSHOTS,
                _key(partition, name).decode(),
                None if value is None else Opaque(value),
                event_id=f"{partition}/{name}",
                partition=partition,
            )
            for name, value in entries.items()
        ]
        if messages:
            await until_sent(lambda: self._producer.send_all(messages))
        for name, value in entries.items():
            if value is None:
                self._table.data.pop(_key(partition, name), None)
            else:
                self._table.data[_key(partition, name)] = value


def _key(partition: int, name: str) -> bytes:
    return f"{partition}/{name}".encode()


def _partitions(assignment: Any, topic: str) -> set[int]:
    return {place.partition for place in assignment if place.topic == topic}


def _taken(event: Any) -> Taken:
    message = event.message
    value, message.value, event.value = message.value, None, None  # the event is held until it is acknowledged
    record: ConsumerRecord[bytes, bytes] = ConsumerRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=round(message.timestamp * 1000),
        timestamp_type=message.timestamp_type,
        key=message.key,
        value=value,
        checksum=message.checksum,
        serialized_key_size=len(message.key or b""),
        serialized_value_size=len(value or b""),
        headers=tuple((message.headers or {}).items())
        if isinstance(message.headers, dict)
        else tuple(message.headers or ()),
    )
    return Taken(record, event.ack)


class _Flow(FlowControlEvent):
    """Faust clears the streams' queues when it lets messages in again at the end of a rebalance: also of messages that
    it has read meanwhile, after it went back to what was committed, and won't read again before the next rebalance.
    They are cleared when partitions are revoked, that is enough."""

    def resume(self) -> None:
        """Let messages in."""
        self._suspend.clear()
        self._resume.set()


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust fixes 1.5 s. One request at a time is under way to a broker, so that a message for a partition that is
        # not in it would wait that long.
        consumer._fetch_max_wait_ms = transport.fetch_wait_ms
        return consumer

    async def on_thread_stop(self) -> None:
        if self._consumer is not None:
            # Members with a name stay in the group when they stop. Ours leave: others are to go on at once.
            self._consumer._coordinator._group_instance_id = None
        await super().on_thread_stop()


class _Consumer(driver.Consumer):
    async def _commit(self, offsets: Any) -> bool:
        """As it is, but for a commit that gets no answer although the bus answers: it was seen to wait for ever after
        the bus had been away, and with it every later rebalance. Then this program begins anew."""
        committing = asyncio.ensure_future(super()._commit(offsets))
        try:
            while not (await asyncio.wait([committing], timeout=COMMIT_PATIENCE_SECONDS))[0]:
                if await cast(_Transport, self.transport).bus_answers():
                    raise StreamFailed(f"no answer to a commit within {COMMIT_PATIENCE_SECONDS:g} s")
            return bool(committing.result())
        finally:
            committing.cancel()

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer
    fetch_wait_ms = 20
    bus_answers: Callable[[], Awaitable[bool]]
