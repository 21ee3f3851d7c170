"""PostgreSQL for the services: a pool that outlives the server's absences."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import msgspec
import structlog

from shared.settings import DatabaseSettings

log = structlog.get_logger()

# What asyncpg raises when there is no server, it goes away, or it is starting or stopping.
ABSENT = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    # What asyncpg itself says when a connection ends in the middle of a COPY.
    asyncpg.InternalClientError,
)


class DatabaseUnavailable(Exception):
    """PostgreSQL can't be reached or went away. What was under way is rolled back."""


class Database:
    """A pool of connections to the database that `settings` name."""

    def __init__(self, settings: DatabaseSettings, service: str, most_connections: int = 8) -> None:
        self._settings, self._service, self._most_connections = settings, service, most_connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._connecting = asyncio.Lock()

    @asynccontextmanager
    async def connection(self, deadline_seconds: float = 5.0) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """A connection of the pool, for one piece of work. DatabaseUnavailable if none is had within the deadline or
        it breaks during the work."""
        try:
            async with asyncio.timeout(deadline_seconds):
                pool = await self._connected()
                held = await pool.acquire()
        except ABSENT as error:
            raise DatabaseUnavailable(_reason(error)) from error
        try:
            yield held  # type: ignore[misc]  # a proxy with the connection's methods
        except ABSENT as error:
            with suppress(asyncpg.InterfaceError):  # a closed one has left the pool already
                held.terminate()  # whatever state it is in, nobody is to be given it again
            # Cancelled while the connection died: asyncpg's complaint has taken the place of the cancellation.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from error
            raise DatabaseUnavailable(_reason(error)) from error
        finally:
            # The work is done or has an error of its own; a connection that can't be reset is closed by the pool.
            with suppress(*ABSENT):
                await pool.release(held)

    async def wait(self) -> None:
        """Return once the database answers; tries with back-off, for ever."""
        pause = 0.1
        while True:
            try:
                async with self.connection() as connection:
                    await connection.execute("SELECT 1")
                return
            except DatabaseUnavailable as error:
                log.info("database is not reachable yet", reason=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    async def close(self) -> None:
        """Give all connections back; those still busy after 5 s are cut."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(5):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def _connected(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._connecting:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._settings.dsn.get_secret_value(),
                    min_size=0,
                    max_size=self._most_connections,
                    timeout=5,
                    command_timeout=60,
                    max_inactive_connection_lifetime=60,
                    init=_prepare,
                    server_settings={"application_name": f"pantau-{self._service}", "timezone": "UTC"},
                )
            return self._pool


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind,
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )


def _reason(error: BaseException) -> str:
    """What happened: asyncpg's complaint about using a dead connection hides what it died of."""
    while isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError) and error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
