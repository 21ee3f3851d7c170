"""Asking the broker about places in topics, and reading a stretch of a partition, outside of any group membership."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from typing import TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.messages.topics import Topic

log = structlog.get_logger()

Record: TypeAlias = ConsumerRecord[bytes, bytes]
ANSWER_SECONDS = 10.0
BACKWARDS_AT_ONCE = 200


class Places:
    """Answers about offsets. A question raises KafkaError or TimeoutError where the broker gives no answer in time."""

    def __init__(self, bootstrap: str, group: str | None = None) -> None:
        """`group` is whose offsets `committed` is about."""
        self._bootstrap, self._group = bootstrap, group
        self._consumer: AIOKafkaConsumer | None = None

    async def ends(self, topic: Topic, partitions: Collection[int]) -> dict[int, int]:
        """By partition, the offset that the next message will get."""
        consumer = await self._connected()
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await consumer.end_offsets([TopicPartition(topic.name, one) for one in partitions])
        return {place.partition: offset for place, offset in found.items()}

    async def committed(self, topic: Topic, partition: int) -> int:
        """Where the group goes on in this partition: what it committed, or the oldest message."""
        consumer = await self._connected()
        place = TopicPartition(topic.name, partition)
        async with asyncio.timeout(ANSWER_SECONDS):
            offset = await consumer.committed(place)
            begin = (await consumer.beginning_offsets([place]))[place]
        return max(int(offset or 0), int(begin))

    async def since(self, topic: Topic, partition: int, accepted_ms: int) -> int:
        """The first offset that was accepted then or later; the end if there is none."""
        consumer = await self._connected()
        place = TopicPartition(topic.name, partition)
        async with asyncio.timeout(ANSWER_SECONDS):
            found = (await consumer.offsets_for_times({place: max(accepted_ms, 0)}))[place]
            end = (await consumer.end_offsets([place]))[place]
        return end if found is None else int(found.offset)

    async def stop(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _close(consumer)

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            # The group's name is for reading its offsets only: without a subscription nobody joins.
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap, group_id=self._group, enable_auto_commit=False, retry_backoff_ms=100
            )
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await consumer.start()
            except BaseException:
                await _close(consumer)
                raise
            self._consumer = consumer
        return self._consumer


async def where_to_go_on(bootstrap: str, topic: Topic, partition: int, next_offset: int, accepted_ms: int) -> int:
    """`next_offset`, if the partition comes that far; waits for as long as the bus is away.

    If it does not, it was made anew or has lost its end, and offsets say nothing about what is known of it: then the
    first offset that was accepted after `accepted_ms`.
    """
    while True:
        places = Places(bootstrap)
        try:
            end = (await places.ends(topic, [partition]))[partition]
            return next_offset if next_offset <= end else await places.since(topic, partition, accepted_ms + 1)
        except (KafkaError, TimeoutError) as error:
            log.info("bus does not answer, asked again", reason=str(error) or type(error).__name__)
            await asyncio.sleep(0.5)
        finally:
            await places.stop()


async def read_stretch(
    bootstrap: str, topic: Topic, partition: int, start: int, stop: int
) -> AsyncIterator[list[Record]]:
    """The messages with offsets from `start` to below `stop`, in pieces; waits for as long as the bus is away."""
    at = start
    while at < stop:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
        place = TopicPartition(topic.name, partition)
        try:
            await consumer.start()
            consumer.assign([place])
            consumer.seek(place, at)
            while at < stop:
                records = (await consumer.getmany(place, timeout_ms=500, max_records=500)).get(place, [])
                at = max(at, await consumer.position(place))
                wanted = [record for record in records if record.offset < stop]
                if wanted:
                    yield wanted
        except KafkaError as error:
            log.info(
                "bus is not reachable, reading is retried", topic=topic.name, partition=partition, error=str(error)
            )
            await asyncio.sleep(0.5)
        finally:
            await _close(consumer)


async def read_backwards(
    bootstrap: str, topic: Topic, partition: int, start: int, stop: int
) -> AsyncIterator[list[Record]]:
    """The same messages, in pieces of which each is in reverse order and lies before the one that came before it."""
    at = stop
    while at > start:
        begin = max(start, at - BACKWARDS_AT_ONCE)
        piece: list[Record] = []
        async for records in read_stretch(bootstrap, topic, partition, begin, at):
            piece += records
        yield piece[::-1]
        at = begin


async def _close(consumer: AIOKafkaConsumer) -> None:
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(5):
            await consumer.stop()
