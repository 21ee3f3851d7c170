"""The consuming edge of the bus: a consumer group whose offsets are stored after the effect."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from prometheus_client import Gauge

from shared.bus.producer import Producer
from shared.bus.received import Reader, Received
from shared.messages.topics import Topic

log = structlog.get_logger()

LAG = Gauge("pantau_bus_consumer_lag", "Messages not yet read", ["topic", "partition"])

# Where a partition is to be read from: (topic, partition) -> offset. What is missing starts at its beginning.
Positions = dict[tuple[str, int], int]
Locate = Callable[[Collection[tuple[str, int]]], Awaitable[Positions]]


@dataclass(frozen=True)
class Batch:
    """Messages to process, and the offsets to store once that is done."""

    messages: list[Received]
    next_offsets: Positions
    """Also moves past what was put aside as a dead letter."""


class Consumer:
    """One member of the consumer group `group`.

    `locate` is for a reader that keeps its offsets itself, in the same transaction as its effect: it is asked where to
    start whenever partitions are assigned, and such a reader never calls `commit`.
    """

    def __init__(
        self, bootstrap: str, group: str, topics: Collection[Topic], producer: Producer, locate: Locate | None = None
    ) -> None:
        self._group, self._topics, self._locate = group, topics, locate
        self._bootstrap = bootstrap
        self._reader = Reader(group.removeprefix("pantau."), producer)
        self._unlocated: set[TopicPartition] = set()
        self._consumer: AIOKafkaConsumer | None = None
        self.lag: dict[str, int] = {}
        """Messages behind, by `topic/partition`, as of the last fetch."""

    async def start(self) -> None:
        """Join the group; waits, with back-off, for as long as the bus is away."""
        wait = 0.1
        while True:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=8_000,
                heartbeat_interval_ms=2_000,
                max_poll_interval_ms=300_000,
                fetch_max_wait_ms=250,
                retry_backoff_ms=100,
            )
            try:
                await consumer.start()
                break
            except KafkaError as error:
                log.info("bus is not reachable yet", bootstrap=self._bootstrap, error=str(error))
                await _close(consumer)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 2.0)
        consumer.subscribe([topic.name for topic in self._topics], listener=_Assigned(self._unlocated))
        self._consumer = consumer

    async def stop(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _close(consumer)

    async def batches(self, most: int = 1_000, wait_ms: int = 500) -> AsyncIterator[Batch]:
        """Batches of messages, without end; an empty one whenever nothing came for `wait_ms`."""
        consumer = self._consumer
        assert consumer is not None, "start() first"
        while True:
            await self._seek_located(consumer)
            fetched = await consumer.getmany(timeout_ms=wait_ms, max_records=most)
            # A partition that was assigned meanwhile has not been sought to its place yet.
            records = [
                record for partition, part in fetched.items() if partition not in self._unlocated for record in part
            ]
            messages = await self._reader.read(records)
            offsets = {(record.topic, record.partition): record.offset + 1 for record in records}
            self._measure_lag(consumer, offsets)
            yield Batch(messages, offsets)

    async def commit(self, batch: Batch) -> None:
        """Store the batch's offsets. A group that moved on keeps its own: what was processed comes again."""
        consumer = self._consumer
        if consumer is None or not batch.next_offsets:
            return
        offsets = {TopicPartition(*place): offset for place, offset in batch.next_offsets.items()}
        try:
            await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("offsets not committed, the partitions moved", error=str(error))
        except KafkaError as error:
            log.warning("offsets not committed, the bus is away", error=str(error))

    def relocate(self) -> None:
        """Ask `locate` again where each partition is to be read from, before anything more is handed out."""
        if self._consumer is not None:
            self._unlocated.update(self._consumer.assignment())

    async def put_aside(self, message: Received, error: Exception) -> None:
        """Send a message that decodes, but can't be processed, to the dead letters and wait until it is there.
        BusUnavailable after the producer's deadline."""
        assert message.record is not None, "only what came from the bus can be put aside"
        await self._reader.put_aside(message.record, error)

    async def _seek_located(self, consumer: AIOKafkaConsumer) -> None:
        while self._unlocated and self._locate is not None:
            wanted = set(self._unlocated)
            places = await self._locate([(partition.topic, partition.partition) for partition in wanted])
            for partition in wanted & consumer.assignment():
                place = places.get((partition.topic, partition.partition))
                if place is None:
                    await consumer.seek_to_beginning(partition)
                else:
                    consumer.seek(partition, place)
            self._unlocated.difference_update(wanted)
        self._unlocated.clear()

    def _measure_lag(self, consumer: AIOKafkaConsumer, read: Positions) -> None:
        """`highwater` is what the last fetch said; a partition not fetched from since then keeps its figure."""
        assigned = {(partition.topic, partition.partition): partition for partition in consumer.assignment()}
        self.lag = {name: behind for name, behind in self.lag.items() if tuple(name.rsplit("/", 1)) in _names(assigned)}
        for place, offset in read.items():
            end = consumer.highwater(assigned[place]) if place in assigned else None
            if end is not None:
                self.lag[f"{place[0]}/{place[1]}"] = max(end - offset, 0)
                LAG.labels(place[0], str(place[1])).set(max(end - offset, 0))


def _names(places: Collection[tuple[str, int]]) -> set[tuple[str, ...]]:
    return {(topic, str(partition)) for topic, partition in places}


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Notes the partitions whose place is to be asked for."""

    def __init__(self, unlocated: set[TopicPartition]) -> None:
        self._unlocated = unlocated

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._unlocated.difference_update(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._unlocated.update(assigned)


async def _close(consumer: AIOKafkaConsumer) -> None:
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(5):
            await consumer.stop()
