"""Reading everything for oneself, without a consumer group: compacted topics into memory, live tails."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Literal

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.bus.consumer import METADATA_MS, close
from shared.bus.producer import Producer
from shared.bus.received import Reader, Received
from shared.messages.topics import Topic

log = structlog.get_logger()

Start = Literal["beginning", "end"] | int
"""Where to begin: the oldest message, only new ones, or those accepted since that many ms since the epoch."""


class Follower:
    """Hands each message of `topics` to `apply`, in the order of its partition, from `start` on and without end.

    After an interruption it goes on where it was. `caught_up` is set once everything that was there at the start has
    been applied: only then is a view made from a compacted topic complete.
    """

    def __init__(
        self,
        bootstrap: str,
        consumer: str,
        topics: Collection[Topic],
        producer: Producer,
        apply: Callable[[Received], Awaitable[None] | None],
        start: Start = "beginning",
    ) -> None:
        self._bootstrap, self._topics, self._apply, self._start = bootstrap, topics, apply, start
        self._producer, self._reader = producer, Reader(consumer, producer)
        self._next: dict[TopicPartition, int] = {}
        self.caught_up = asyncio.Event()
        self._asked: list[tuple[asyncio.Event, dict[TopicPartition, int]]] = [(self.caught_up, {})]
        """Who waits, and up to where: nothing there until the bus has told where the ends are."""

    async def up_to_now(self) -> None:
        """Waits until everything that is there at the time of the call has been applied."""
        reached = asyncio.Event()
        self._asked.append((reached, {}))
        await reached.wait()

    async def once(self) -> None:
        """Hand on what is there at the time of the call, and end. Waits for as long as the bus is away."""
        following = asyncio.create_task(self.run())
        caught_up = asyncio.create_task(self.caught_up.wait())
        try:
            await asyncio.wait([following, caught_up], return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            following.cancel()
            caught_up.cancel()
            await asyncio.gather(following, caught_up, return_exceptions=True)

    async def run(self) -> None:
        """Follow until cancelled; reconnects with back-off."""
        wait = 0.1
        while True:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=250,
                retry_backoff_ms=100,
                metadata_max_age_ms=METADATA_MS,
            )
            try:
                await consumer.start()
                wait = 0.1
                await self._follow(consumer)
            except KafkaError as error:
                log.info("bus is not reachable, following is retried", bootstrap=self._bootstrap, error=str(error))
            finally:
                await close(consumer)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 2.0)

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        partitions = await _partitions(self._producer, self._topics)
        consumer.assign(partitions)
        await self._seek(consumer, partitions)
        for _, ends in self._asked:
            ends.clear()  # the topics may have been made anew
        while True:
            await self._answer(consumer, partitions)
            for partition, records in (await consumer.getmany(timeout_ms=250, max_records=2_000)).items():
                for message in await self._reader.read(records):
                    outcome = self._apply(message)
                    if outcome is not None:
                        await outcome
                self._next[partition] = records[-1].offset + 1

    async def _answer(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Tell those who wait, if it has come so far."""
        for reached, ends in self._asked:
            if not ends:
                ends.update(await consumer.end_offsets(partitions))
            if all([await consumer.position(one) >= ends[one] for one in partitions]):
                reached.set()
        self._asked = [asked for asked in self._asked if not asked[0].is_set()]

    async def _seek(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        if isinstance(self._start, int):
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, self._start))
            ends = await consumer.end_offsets(partitions)
            begin = {one: place.offset if (place := found[one]) else ends[one] for one in partitions}
        elif self._start == "end":
            begin = await consumer.end_offsets(partitions)
        else:
            begin = await consumer.beginning_offsets(partitions)
        for partition in partitions:
            self._next.setdefault(partition, begin[partition])
            consumer.seek(partition, max(self._next[partition], begin[partition] if self._start == "beginning" else 0))


async def _partitions(producer: Producer, topics: Collection[Topic]) -> list[TopicPartition]:
    """All partitions of `topics`, waiting for topics that are not there yet."""
    found: list[TopicPartition] = []
    for topic in topics:
        while not (numbers := await producer.partitions_of(topic)):
            log.info("topic is not there yet (`./pantau migrate` makes it), or the bus is away", topic=topic.name)
            await asyncio.sleep(1)
        found += [TopicPartition(topic.name, number) for number in sorted(numbers)]
    return found
