"""The business' figures: each query is a source of its own, and a few connections to the database serve them all."""

import asyncio

import structlog

from services.collector.business_settings import BusinessSettings
from services.collector.core.business import answers
from services.collector.core.business.defaults import DURATION, METRICS, ROWS, Query
from services.collector.core.cadence import Cadence
from services.collector.settings import Settings
from services.collector.source import Reading, Source
from shared import clock
from shared.postgres.connection import KeptConnection, Row
from shared.postgres.errors import REASONS, DatabaseError
from shared.postgres.settings import ConnectionSettings

__all__ = ["METRICS", "BusinessSource", "sources"]

log = structlog.get_logger()

CONNECT_SECONDS = 5.0
# How long a query may wait until one that was asked before has its answer.
TURN_SECONDS = 5.0
MOST_TICK_SECONDS = 60.0


class ApplicationDatabase:
    """A few connections that are kept open; a query has one to itself, in a transaction that can't write."""

    def __init__(self, database: ConnectionSettings, timezone: str, most_connections: int) -> None:
        session = {
            "application_name": "pantau-collector",
            "timezone": timezone,
            "lock_timeout": "1000",
            "idle_in_transaction_session_timeout": "60000",
        }
        self._free: asyncio.LifoQueue[KeptConnection] = asyncio.LifoQueue()
        for _ in range(most_connections):
            self._free.put_nowait(KeptConnection(database.arguments, session))

    async def rows(self, statement: str, timeout_seconds: float) -> list[Row]:
        """What `statement` answers. DatabaseError if nothing; `busy` means that no connection was free in time."""
        try:
            async with asyncio.timeout(TURN_SECONDS):
                connection = await self._free.get()
        except TimeoutError:
            raise DatabaseError("busy", f"no connection was free within {TURN_SECONDS:g} s") from None
        try:
            return await connection.again_if_closed(
                CONNECT_SECONDS, lambda: connection.rows_read_only(statement, timeout_seconds)
            )
        finally:
            self._free.put_nowait(connection)

    def close(self) -> None:
        """Leave the server."""
        while not self._free.empty():
            self._free.get_nowait().drop()


class BusinessSource:
    """Asks one query."""

    reasons: tuple[str, ...] = (*REASONS, "busy", "too_many_rows", "long_label", "duplicate_sample")

    def __init__(self, host: str, settings: BusinessSettings, name: str, query: Query, database: ApplicationDatabase):
        """`host` is this machine, whose reading it is; the query is one of `settings`."""
        own = next((one for one in settings.queries if one.name == name), None)
        interval = (own and own.interval_seconds) or settings.interval_seconds
        self._timeout = (own and own.statement_timeout_seconds) or settings.statement_timeout_seconds
        self._most_rows = (own and own.most_rows) or settings.most_rows
        self.host, self.name = host, f"business/{name}"
        self.origin = f"collector/{host}/{self.name}"
        # What is asked every hour is told every minute.
        self.interval_seconds = min(interval, MOST_TICK_SECONDS)
        self.deadline_seconds = min(self.interval_seconds, TURN_SECONDS + CONNECT_SECONDS + self._timeout + 2)
        self.metrics = (*dict.fromkeys(one.metric for one in query.wanted), DURATION, ROWS)
        self._query, self._wanted = name, query.wanted
        self._statement = answers.statement(query.sql, query.wanted, self._most_rows)
        self._database = database
        self._cadence = Cadence(interval)
        self._failed = ""

    async def read(self, now_ms: int) -> Reading:
        """One reading. It never raises what the database does: a query without an answer is a reading too."""
        if not self._cadence.due(now_ms, self.interval_seconds):
            return Reading(self._cadence.again(now_ms))
        self._cadence.forget()
        began = clock.elapsed()
        try:
            rows = await self._database.rows(self._statement, self._timeout)
            if len(rows) > self._most_rows:
                raise DatabaseError("too_many_rows", f"more than {self._most_rows} rows (most_rows)")
        except DatabaseError as error:
            if error.reason != self._failed:  # once, not at every attempt
                log.warning("business query has no answer", query=self._query, error=str(error))
            self._failed = error.reason
            return Reading([], (), error.reason)
        self._failed = ""
        answer = answers.samples(now_ms, rows, self._wanted)
        told = [
            *answer.samples,
            DURATION.sample(now_ms, clock.elapsed() - began, query=self._query),
            ROWS.sample(now_ms, len(rows), query=self._query),
        ]
        self._cadence.read(now_ms, told)
        return Reading(told, answer.problems)

    def close(self) -> None:
        """Leave the database, for all of its queries."""
        self._database.close()


def sources(settings: Settings) -> list[Source]:
    """A source for each query, if there is a database to ask."""
    business = settings.business
    if business.database is None:
        return []
    database = ApplicationDatabase(business.database, business.timezone, business.most_connections)
    return [
        BusinessSource(settings.collector.host, business, name, query, database)
        for name, query in business.all_queries().items()
    ]
