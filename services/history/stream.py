"""From the bus to the writer, for as long as history lives: through absences of the database and of the bus."""

import asyncio
from collections.abc import Collection

import asyncpg
import structlog

from services.history.completeness import Completeness
from services.history.measures import MISSED, RETRIES
from services.history.offsets import Displaced, Place
from services.history.trouble import described
from services.history.writer import Writer
from shared.bus import Batch, BusUnavailable, Consumer
from shared.database import Database, DatabaseUnavailable
from shared.messages.topics import BY_NAME
from shared.service import Readiness

log = structlog.get_logger()

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 2.0


class Stream:
    """Reads batches and has each stored before it reads on: what is not stored yet stays on the bus."""

    def __init__(
        self,
        writer: Writer,
        database: Database,
        readiness: Readiness,
        completeness: Completeness,
        most_messages: int,
    ) -> None:
        self._writer, self._database, self._readiness, self._most = writer, database, readiness, most_messages
        self._completeness = completeness

    async def run(self, consumer: Consumer) -> None:
        """Store what comes, without end."""
        async for batch in consumer.batches(self._most):
            if batch.next_offsets:
                _count_missed(batch, self._writer)
                await self._until_stored(batch, consumer)
            else:
                await self._look()
            await self._completeness.look(consumer)

    async def locate(self, places: Collection[Place]) -> dict[Place, int]:
        """Where to read from; waits for as long as the database is away."""
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                found = await self._writer.locate(places)
                self._readiness.there("database")
                return found
            except (DatabaseUnavailable, asyncpg.PostgresError) as error:
                self._trouble(error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _until_stored(self, batch: Batch, consumer: Consumer) -> None:
        """Store `batch`, however long that takes, or have it read again by whoever has its partitions."""
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                await self._writer.store(batch, consumer.put_aside)
                self._readiness.there("database")
                return
            except Displaced as error:
                log.info("another writer has stored from here: asking where to go on", reason=str(error))
                consumer.relocate()
                return
            except BusUnavailable as error:
                log.warning("batch rolled back: a dead letter could not be sent", reason=str(error))
                RETRIES.labels("bus").inc()
            except (DatabaseUnavailable, asyncpg.PostgresError) as error:
                self._trouble(error)
                RETRIES.labels(type(error).__name__).inc()
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _look(self) -> None:
        """While nothing is to be stored, see whether it could be."""
        try:
            async with self._database.connection() as connection:
                await connection.execute("SELECT 1 FROM history_offsets LIMIT 1")
            self._readiness.there("database")
        except (DatabaseUnavailable, asyncpg.PostgresError) as error:
            self._trouble(error)

    def _trouble(self, error: Exception) -> None:
        why = described(error)
        if self._readiness.reasons.get("database") != why:  # said once, not at every try
            log.warning("database is in trouble: what comes waits on the bus", reason=why)
        self._readiness.missing("database", why)


def _count_missed(batch: Batch, writer: Writer) -> None:
    """What the bus deleted before it was stored, because history was away for longer than the topic keeps messages."""
    for (topic, partition), first in batch.first_offsets.items():
        expected = writer.expected((topic, partition))
        if expected is not None and first > expected and BY_NAME[topic].cleanup == "delete":
            log.error(
                "messages were deleted before they were stored",
                topic=topic,
                partition=partition,
                missed=first - expected,
            )
            MISSED.labels(topic).inc(first - expected)
