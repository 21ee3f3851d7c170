"""A writer to try: batches as the bus would hand them out, without a bus."""

from collections.abc import Iterable
from typing import Any

import asyncpg
from pydantic import SecretStr

from services.history.core.series_index import SeriesIndex
from services.history.sample_store import SampleStore
from services.history.writer import Writer
from shared import clock
from shared.bus import Batch, Received
from shared.database import Database
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import SAMPLES, Topic
from shared.settings import DatabaseSettings

KEEP_MS = 30 * 24 * 60 * 60 * 1000


class Rig:
    """A writer on a database of its own connection pool, and the log of what it put aside."""

    def __init__(self, dsn: str, most_series: int = 100_000, connections: int = 8) -> None:
        self.database = Database(DatabaseSettings(dsn=SecretStr(dsn)), "history-test", connections)
        self.index = SeriesIndex(most_series)
        self.writer = Writer(self.database, self.index, SampleStore(self.index, KEEP_MS))
        self.put_aside: list[tuple[Received, Exception]] = []

    async def located(self, *places: tuple[str, int]) -> "Rig":
        """As after an assignment of partitions."""
        await self.writer.locate(places or [(SAMPLES.name, 0)])
        return self

    async def store(self, batch: Batch) -> None:
        async def aside(message: Received, error: Exception) -> None:
            self.put_aside.append((message, error))

        await self.writer.store(batch, aside)

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self.database.connection() as connection:
            return await connection.fetch(query, *arguments)


def received(topic: Topic, offset: int, message: Any, key: str = "k", accepted_ms: int | None = None) -> Received:
    accepted = clock.now_ms() if accepted_ms is None else accepted_ms
    return Received(topic, 0, offset, accepted, key, message, {})


def batch_of(messages: Iterable[Received]) -> Batch:
    """The batch of `messages`, in the order of their offsets."""
    some = list(messages)
    return Batch(some, {(one.topic.name, one.partition): one.offset + 1 for one in some})


def samples_at(offset: int, samples: Iterable[Sample], source: str = "push/0") -> Received:
    return received(SAMPLES, offset, SampleBatch.of(source, samples))
