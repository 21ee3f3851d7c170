"""The outbox: what a transaction wants on the bus is sent after it, in order, at least once, by whichever api comes."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from services.api.problems import NOT_SET_UP
from shared.bus import BusUnavailable, MessageRefused, Outgoing, Producer
from shared.database import Database, DatabaseUnavailable
from shared.messages.topics import BY_NAME, Encodable, Topic

log = structlog.get_logger()

PUBLISHED = Counter("pantau_api_outbox_published_total", "Outbox rows that are on the bus", ["topic"])
DROPPED = Counter("pantau_api_outbox_dropped_total", "Outbox rows that can't be sent, by reason", ["reason"])
PENDING = Gauge("pantau_api_outbox_pending", "Outbox rows that were waiting when last looked at")

CHANNEL = "pantau_outbox"
# One api publishes at a time, or their messages would overtake each other.
LOCK = 7_226_002
MOST_AT_ONCE = 500
POLL_SECONDS = 1.0
LOOK_SECONDS = 0.1

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True)
class _Encoded:
    payload: bytes

    def encode(self) -> bytes:
        return self.payload


async def enqueue(connection: Connection, topic: Topic, key: str, message: Encodable | None, event_id: str) -> int:
    """Have `message` (None: a tombstone) sent once the transaction that `connection` is in commits; the row's id.
    `event_id` names this change of this key, and nothing else ever."""
    row_id: int = await connection.fetchval(
        "INSERT INTO outbox (topic, key, payload, event_id) VALUES ($1, $2, $3, $4) RETURNING id",
        topic.name,
        key,
        None if message is None else message.encode(),
        event_id,
    )
    return row_id


class Outbox:
    """Publishes the outbox, and knows on the way whether the database answers."""

    def __init__(self, database: Database, producer: Producer, deadline_seconds: float) -> None:
        self._database, self._producer, self._deadline_seconds = database, producer, deadline_seconds
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()
        self.database_away: str | None = "not connected yet"
        """Why the database doesn't answer; None while it does."""

    async def run(self) -> None:
        """Publish until cancelled; waits for a database that is away, with back-off."""
        pause = 0.1
        while True:
            try:
                async with self._database.connection() as connection:
                    pause = 0.1
                    await self._publish_for_ever(connection)
            except DatabaseUnavailable as error:
                self._away(str(error))
            except NOT_SET_UP as error:
                self._away(f"{error}: run ./pantau migrate")
            except BusUnavailable as error:
                log.warning("outbox waits for the bus", reason=str(error))
            except asyncpg.PostgresError as error:
                self._away(str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    async def published(self, row_id: int, deadline_seconds: float) -> bool:
        """Whether the row is on the bus within the deadline, by this api or another."""
        try:
            async with asyncio.timeout(deadline_seconds), self._database.connection(deadline_seconds) as connection:
                while True:
                    progress = self._progress
                    if not await connection.fetchval("SELECT 1 FROM outbox WHERE id = $1", row_id):
                        return True
                    with suppress(TimeoutError):  # another api may publish it, which is not told here
                        async with asyncio.timeout(LOOK_SECONDS):
                            await progress.wait()
        except (TimeoutError, DatabaseUnavailable):
            return False

    def _away(self, reason: str) -> None:
        if self.database_away is None:
            log.warning("the database is away", reason=reason)
        self.database_away = reason

    async def _publish_for_ever(self, connection: Connection) -> None:
        await connection.add_listener(CHANNEL, self._notified)
        try:
            while True:
                self._wake.clear()
                if await self._publish_some(connection) == MOST_AT_ONCE:
                    continue
                if self.database_away is not None:
                    log.info("the database answers")
                    self.database_away = None
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            if not connection.is_closed():
                await connection.remove_listener(CHANNEL, self._notified)

    def _notified(self, *_: Any) -> None:
        self._wake.set()

    async def _publish_some(self, connection: Connection) -> int:
        """Send the oldest rows and delete them; how many there were. 0 if another api is at it."""
        async with connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
                return 0
            rows = await connection.fetch(
                "SELECT id, topic, key, payload, event_id, (extract(epoch FROM created_at) * 1000)::bigint AS at"
                " FROM outbox ORDER BY id LIMIT $1",
                MOST_AT_ONCE,
            )
            PENDING.set(len(rows))
            if not rows:
                return 0
            await self._send(_messages(rows))
            await connection.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows])
        for row in rows:
            PUBLISHED.labels(row["topic"]).inc()
        PENDING.set(0)
        self._progress.set()
        self._progress = asyncio.Event()
        return len(rows)

    async def _send(self, messages: list[Outgoing]) -> None:
        """Send in order. One that is too long for the bus must not keep the others from it for ever; what a broker
        refuses may get through once it is set up otherwise, and is tried again. BusUnavailable."""
        try:
            await self._producer.send_all(messages, self._deadline_seconds)
        except MessageRefused as error:
            if error.__cause__ is not None:  # the broker's word
                raise BusUnavailable(str(error)) from error
            if len(messages) > 1:  # one by one, to find which it is
                for message in messages:
                    await self._send([message])
                return
            DROPPED.labels("refused").inc()
            log.error("outbox row is dropped", topic=messages[0].topic.name, key=messages[0].key, reason=str(error))


def _messages(rows: list[asyncpg.Record]) -> list[Outgoing]:
    messages = []
    for row in rows:
        topic = BY_NAME.get(row["topic"])
        if topic is None:
            DROPPED.labels("unknown_topic").inc()
            log.error("outbox row names an unknown topic", topic=row["topic"], key=row["key"], event_id=row["event_id"])
            continue
        message = None if row["payload"] is None else _Encoded(row["payload"])
        messages.append(Outgoing(topic, row["key"], message, row["event_id"], row["at"]))
    return messages
