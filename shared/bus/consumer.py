"""The consuming edge of the bus: a consumer group whose offsets are stored after the effect."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, KafkaTimeoutError
from prometheus_client import Gauge

from shared.bus.producer import Producer
from shared.bus.received import Reader, Received
from shared.messages.topics import Topic

log = structlog.get_logger()

LAG = Gauge("pantau_bus_consumer_lag", "Messages not yet read", ["topic", "partition"])

COMMIT_SECONDS = 10.0
# A topic or partition that is made later is seen after at most this long.
METADATA_MS = 10_000

# Where a partition is to be read from: (topic, partition) -> offset. What is missing starts at its beginning.
Positions = dict[tuple[str, int], int]
Locate = Callable[[Collection[tuple[str, int]]], Awaitable[Positions]]


@dataclass(frozen=True)
class Batch:
    """Messages to process, and the offsets to store once that is done."""

    messages: list[Received]
    next_offsets: Positions
    """Also moves past what was put aside as a dead letter."""
    first_offsets: Positions = field(default_factory=dict)
    """Where each partition's part begins; a reader that keeps its offsets sees by it what the bus had deleted."""


class Consumer:
    """One member of the consumer group `group`.

    `locate` is for a reader that keeps its offsets itself, in the same transaction as its effect (such a reader never
    calls `commit`), or that has work to do before it reads on: it is asked where to start whenever partitions are
    assigned.
    """

    def __init__(
        self, bootstrap: str, group: str, topics: Collection[Topic], producer: Producer, locate: Locate | None = None
    ) -> None:
        self._group, self._topics, self._locate = group, topics, locate
        self._bootstrap = bootstrap
        self._reader = Reader(group.removeprefix("pantau."), producer)
        # Partitions whose place is to be asked for, each with the number of the assignment that gave it to us.
        self._unlocated: dict[TopicPartition, int] = {}
        # Where what was handed out and not committed begins.
        self._uncommitted: dict[TopicPartition, int] = {}
        self._assignments = count()
        self._paused = False
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
                metadata_max_age_ms=METADATA_MS,
            )
            try:
                await consumer.start()
                break
            except KafkaError as error:
                log.info("bus is not reachable yet", bootstrap=self._bootstrap, error=str(error))
                await close(consumer)
            except asyncio.CancelledError:
                await close(consumer)
                raise
            await asyncio.sleep(wait)
            wait = min(wait * 2, 2.0)
        consumer.subscribe([topic.name for topic in self._topics], listener=_Assigned(self))
        self._consumer = consumer

    async def stop(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await close(consumer)

    async def batches(self, most: int = 1_000, wait_ms: int = 500) -> AsyncGenerator[Batch, None]:
        """Batches of messages, without end; an empty one whenever nothing came for `wait_ms`.

        Whoever begins to iterate again is given once more what was handed out before and not committed.
        """
        consumer = self._consumer
        assert consumer is not None, "start() first"
        self.relocate()
        while True:
            await self._seek_located(consumer)
            self._pause_or_resume(consumer)
            fetched = await consumer.getmany(timeout_ms=wait_ms, max_records=most)
            # A partition that was assigned meanwhile has not been sought to its place yet.
            records = [
                record for partition, part in fetched.items() if partition not in self._unlocated for record in part
            ]
            for record in records:
                self._uncommitted.setdefault(TopicPartition(record.topic, record.partition), record.offset)
            messages = await self._reader.read(records)
            offsets = {(record.topic, record.partition): record.offset + 1 for record in records}
            first = {(record.topic, record.partition): record.offset for record in reversed(records)}
            self._measure_lag(consumer, offsets)
            yield Batch(messages, offsets, first)

    async def commit(self, batch: Batch) -> None:
        """Store the batch's offsets. A group that moved on keeps its own: what was processed comes again."""
        consumer = self._consumer
        if consumer is None or not batch.next_offsets:
            return
        offsets = {TopicPartition(*place): offset for place, offset in batch.next_offsets.items()}
        for partition in offsets:
            self._uncommitted.pop(partition, None)
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("offsets not committed, the partitions moved", error=str(error))
        except (KafkaError, TimeoutError) as error:
            # The effect is done: the next commit covers it, and what a crash before that repeats is harmless.
            log.warning("offsets not committed, the bus is away", error=repr(error))

    def pause(self, paused: bool = True) -> None:
        """Hand out only empty batches, or messages again. Whoever stops iterating instead loses the membership after
        five minutes; so go on iterating."""
        self._paused = paused

    @property
    def assigned(self) -> frozenset[tuple[str, int]]:
        """The (topic, partition)s that this member reads now."""
        if self._consumer is None:
            return frozenset()
        return frozenset((place.topic, place.partition) for place in self._consumer.assignment())

    async def committed(self, places: Collection[tuple[str, int]]) -> Positions:
        """The group's stored offsets for `places`; one that has none is left out. KafkaError if the bus is away."""
        assert self._consumer is not None, "start() first"
        found = {place: await self._consumer.committed(TopicPartition(*place)) for place in places}
        return {place: offset for place, offset in found.items() if offset is not None}

    async def store(self, place: tuple[str, int], offset: int, note: str) -> bool:
        """Store where `place` is to be read from next, with a note for whoever does; whether it is stored now."""
        consumer = self._consumer
        if consumer is None:
            return False
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await consumer.commit({TopicPartition(*place): (offset, note)})
        except (CommitFailedError, IllegalStateError) as error:
            log.info("offsets not committed, the partitions moved", error=str(error))
            return False
        except (KafkaError, TimeoutError) as error:
            log.warning("offsets not committed, the bus is away", error=repr(error))
            return False
        return True

    async def noted(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, str]]:
        """What `store` stored for `places`, whichever member it was: offset and note; one that has none is left out.
        KafkaError if the bus is away."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await admin.start()
            found = await admin.list_consumer_group_offsets(
                self._group, partitions=[TopicPartition(*place) for place in places]
            )
        finally:
            await admin.close()
        return {
            (place.topic, place.partition): (stored.offset, stored.metadata)
            for place, stored in found.items()
            if stored.offset >= 0
        }

    async def ends(self) -> dict[tuple[str, int], tuple[int, int]]:
        """Of each partition that this member reads now the first offset there is, and the one that the next message
        will get. KafkaError if the bus is away."""
        assert self._consumer is not None, "start() first"
        assigned = list(self._consumer.assignment())
        if not assigned:
            return {}
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                first = await self._consumer.beginning_offsets(assigned)
                following = await self._consumer.end_offsets(assigned)
        except TimeoutError:
            raise KafkaTimeoutError(f"the bus did not say within {COMMIT_SECONDS:g} s which messages it has") from None
        return {(one.topic, one.partition): (first[one], following[one]) for one in assigned}

    def _pause_or_resume(self, consumer: AIOKafkaConsumer) -> None:
        if self._paused:  # each time, since a partition comes unpaused when it is assigned again
            consumer.pause(*consumer.assignment())
        elif waiting := consumer.paused():
            consumer.resume(*waiting)

    def relocate(self) -> None:
        """Go back, before anything more is handed out: to where `locate`, asked again, says; without it to the first
        message that was handed out and not committed."""
        if self._consumer is None:
            return
        assigned = self._consumer.assignment()
        if self._locate is not None:
            self._unlocated.update((partition, next(self._assignments)) for partition in assigned)
            return
        for partition, offset in self._uncommitted.items():
            if partition in assigned:
                self._consumer.seek(partition, offset)
        self._uncommitted.clear()

    def note_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """The group gave us these partitions."""
        if self._locate is not None:
            self._unlocated.update((partition, next(self._assignments)) for partition in assigned)

    def note_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """The group took these partitions from us: what was not committed comes to whoever has them next."""
        for partition in revoked:
            self._unlocated.pop(partition, None)
            self._uncommitted.pop(partition, None)
            self.lag.pop(f"{partition.topic}/{partition.partition}", None)
            with suppress(KeyError):
                LAG.remove(partition.topic, str(partition.partition))

    async def put_aside(self, message: Received, error: Exception) -> None:
        """Send a message that decodes, but can't be processed, to the dead letters and wait until it is there.
        BusUnavailable after the producer's deadline."""
        assert message.record is not None, "only what came from the bus can be put aside"
        await self._reader.put_aside(message.record, error)

    async def _seek_located(self, consumer: AIOKafkaConsumer) -> None:
        while self._unlocated and self._locate is not None:
            wanted = dict(self._unlocated)
            places = await self._locate([(partition.topic, partition.partition) for partition in wanted])
            for partition, assignment in wanted.items():
                # One that was taken away and came back meanwhile may have been read by another member in between.
                if self._unlocated.get(partition) == assignment:
                    del self._unlocated[partition]
                    # Where nothing is known, 0: what is no longer there resets to the earliest that is.
                    consumer.seek(partition, places.get((partition.topic, partition.partition), 0))

    def _measure_lag(self, consumer: AIOKafkaConsumer, read: Positions) -> None:
        """`highwater` is what the last fetch said; a partition not fetched from since then keeps its figure."""
        assigned = consumer.assignment()
        for (topic, partition), offset in read.items():
            place = TopicPartition(topic, partition)
            end = consumer.highwater(place) if place in assigned else None
            if end is not None:
                self.lag[f"{topic}/{partition}"] = max(end - offset, 0)
                LAG.labels(topic, str(partition)).set(max(end - offset, 0))


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Tells the consumer what the group gives and takes."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._consumer.note_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._consumer.note_assigned(assigned)


async def close(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and disconnect, in at most 6 s."""
    try:
        async with asyncio.timeout(5):
            await consumer.stop()
    except (KafkaError, TimeoutError) as error:
        # Without connections what may be left of it neither reads nor keeps its place in the group.
        log.info("consumer did not close cleanly", error=repr(error))
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(1):
                await consumer._client.close()
