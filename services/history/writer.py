"""A batch from the bus into the database: its rows and its offsets in one transaction."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from services.history import offsets
from services.history.connection import Connection
from services.history.core import alerts, changes, observations, tables
from services.history.core.instants import at
from services.history.core.series_index import SeriesIndex
from services.history.measures import BATCH_MESSAGES, BATCH_SECONDS, DISPLACED, Tally
from services.history.offsets import Displaced, Place
from services.history.sample_store import SampleStore
from services.history.sign_store import store_signs
from services.history.table_store import insert, latest_digests
from shared import clock
from shared.bus import Batch, Received
from shared.database import Database
from shared.messages import topics

log = structlog.get_logger()

CONSUMED = (
    topics.SAMPLES,
    topics.HEALTH,
    topics.REQUESTS,
    topics.ALERT_EVENTS,
    topics.RULES,
    topics.SILENCES,
    topics.NOTIFICATIONS,
    topics.AUDIT,
)

# What says that a message can't be stored, however often it is tried: PostgreSQL's classes 22 (data), 23 (integrity)
# and 54 (limits), and values out of range in our own conversions. Everything else is the database's trouble.
REFUSALS = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
    OverflowError,
)

PutAside = Callable[[Received, Exception], Awaitable[None]]


class Writer:
    """Stores batches. One at a time; several writers may share the topics' partitions."""

    def __init__(self, database: Database, index: SeriesIndex, samples: SampleStore) -> None:
        self._database, self._index, self._samples = database, index, samples
        self._expected: dict[Place, int | None] = {}

    async def locate(self, places: Collection[Place]) -> dict[Place, int]:
        """Where to read `places` from: what is stored. DatabaseUnavailable."""
        async with self._database.connection() as connection:
            found = await offsets.stored(connection, places)
        # Another writer may have had these partitions: what we know of their series may be old.
        self._index.forget()
        self._expected.update(found)
        return {place: offset for place, offset in found.items() if offset is not None}

    def expected(self, place: Place) -> int | None:
        """The next offset of `place` as this writer stored or found it; None while nothing was stored."""
        return self._expected.get(place)

    async def store(self, batch: Batch, put_aside: PutAside) -> None:
        """Store a batch, whole or not at all. A message that the database refuses is given to `put_aside`, the rest is
        stored.

        Displaced if the partitions are no longer ours, DatabaseUnavailable or another PostgresError if the database
        is in trouble, BusUnavailable if a dead letter can't be sent: nothing is stored then.
        """
        if not batch.next_offsets:
            return
        began = clock.elapsed()
        tally = Tally()
        try:
            async with self._database.connection() as connection, connection.transaction():
                await offsets.claim(connection, {place: self._expected.get(place) for place in batch.next_offsets})
                for message, error in await self._write(connection, batch.messages, tally):
                    await put_aside(message, error)
                await offsets.advance(connection, batch.next_offsets, _complete_until(batch))
        except BaseException as error:
            self._index.forget()
            if isinstance(error, Displaced):
                DISPLACED.inc()
            raise
        self._expected.update(batch.next_offsets)
        tally.publish()
        BATCH_SECONDS.observe(clock.elapsed() - began)
        BATCH_MESSAGES.observe(len(batch.messages))

    async def _write(
        self, connection: Connection, messages: list[Received], tally: Tally, cautious: bool = False
    ) -> list[tuple[Received, Exception]]:
        """Write the rows of `messages`; those that are refused, with the error. What is refused is found by halves."""
        if not messages:
            return []
        attempt = Tally()
        try:
            async with connection.transaction():
                await self._write_all(connection, messages, attempt, cautious)
        except asyncpg.UniqueViolationError as error:
            self._index.forget()
            if cautious:
                raise
            log.warning("another writer stored the same series: storing with care", error=str(error))
            return await self._write(connection, messages, tally, cautious=True)
        except REFUSALS as error:
            self._index.forget()
            if len(messages) == 1:
                return [(messages[0], error)]
            middle = len(messages) // 2
            refused = await self._write(connection, messages[:middle], tally, cautious)
            return refused + await self._write(connection, messages[middle:], tally, cautious)
        tally.add(attempt)
        return []

    async def _write_all(self, connection: Connection, messages: list[Received], tally: Tally, cautious: bool) -> None:
        by_topic: dict[str, list[Received]] = defaultdict(list)
        for message in messages:
            by_topic[message.topic.name].append(message)
        if samples := by_topic.pop(topics.SAMPLES.name, None):
            await self._samples.store(connection, samples, cautious, tally)
            await store_signs(connection, samples, tally)
        for topic, some in by_topic.items():
            table = VERSIONED.get(topic)
            if table is not None:
                rows = await _versions(connection, table, some)
                await insert(connection, table, rows, tally)
            for table, to_rows in ROW_BY_ROW.get(topic, ()):
                await insert(connection, table, to_rows(some), tally)


def _complete_until(batch: Batch) -> dict[Place, datetime]:
    """By partition: the instant up to which everything accepted there is in the batch or before it. The bus accepts in
    order; only of the last message's own millisecond there may be more to come."""
    latest: dict[Place, int] = {}
    for one in batch.messages:
        place = one.topic.name, one.partition
        latest[place] = max(latest.get(place, 0), one.accepted_ms)
    return {place: at(accepted_ms - 1) for place, accepted_ms in latest.items()}


async def _versions(connection: Connection, table: tables.Table, received: list[Received]) -> list[tables.Row]:
    changed = [changes.Change(one.key, one.message, one.accepted_ms, one.partition, one.offset) for one in received]
    latest = await latest_digests(connection, table, list({one.key for one in changed}))
    return changes.version_rows(latest, changed)


def _messages(received: list[Received]) -> list[Any]:
    return [one.message for one in received]


def _alert_logs(received: list[Received]) -> list[tables.Row]:
    return [alerts.episode_row(*one) for one in alerts.episodes(_messages(received)).items()]


ToRows = Callable[[list[Received]], list[tables.Row]]
ROW_BY_ROW: dict[str, list[tuple[tables.Table, ToRows]]] = {
    topics.HEALTH.name: [
        (tables.HEALTH_CHECK_RESULTS, lambda some: [observations.health_row(one) for one in _messages(some)])
    ],
    topics.REQUESTS.name: [
        (
            tables.API_PERFORMANCE_LOGS,
            lambda some: [row for one in _messages(some) for row in observations.request_rows(one)],
        )
    ],
    topics.ALERT_EVENTS.name: [
        (tables.ALERT_EVENTS, lambda some: [alerts.event_row(one.message, one.accepted_ms) for one in some]),
        (tables.ALERT_LOGS, _alert_logs),
    ],
    topics.NOTIFICATIONS.name: [
        (
            tables.NOTIFICATION_LOG,
            lambda some: observations.notification_rows(_messages(some)),
        )
    ],
    topics.AUDIT.name: [(tables.AUDIT_LOG, lambda some: [observations.audit_row(one) for one in _messages(some)])],
}
VERSIONED = {topics.RULES.name: tables.RULE_HISTORY, topics.SILENCES.name: tables.SILENCE_HISTORY}
