"""A connection to a PostgreSQL that is kept open: one statement at a time, none of which can write."""

import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import asyncpg

from shared.postgres.errors import EXPECTED, OF_STATEMENTS, DatabaseError, reason_of

T = TypeVar("T")
Row = Mapping[str, Any]
OLDEST = 13
"""The oldest major version of PostgreSQL that is read."""


class KeptConnection:
    """Opened when asked, closed by what breaks it. Whatever asyncpg raises becomes a DatabaseError with its reason."""

    def __init__(self, arguments: Callable[[], Mapping[str, Any]], session: Mapping[str, str]) -> None:
        """`arguments`: asked at each login, for asyncpg.connect; ValueError if they can't be had. `session`: settings
        of the server for the session, e.g. statement_timeout in ms."""
        self._arguments = arguments
        self._session = {"timezone": "UTC", **session, "default_transaction_read_only": "on"}
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self.logins = 0
        """How often it has been opened."""

    @property
    def is_open(self) -> bool:
        """Whether the next statement needs no login."""
        return self._connection is not None and not self._connection.is_closed()

    @property
    def version(self) -> int:
        """The major version of the server that it is connected to."""
        assert self._connection is not None
        return self._connection.get_server_version().major

    async def open(self, deadline_seconds: float) -> None:
        """Connect and log in."""
        self.drop()
        try:
            self._connection = await asyncpg.connect(
                **self._arguments(),
                timeout=deadline_seconds,
                server_settings=dict(self._session),
                # None of ours is repeated often, and poolers between us and the server don't know prepared ones.
                statement_cache_size=0,
            )
        except ssl.SSLError as error:  # of which one is also a ValueError
            raise DatabaseError("tls", _text(error)) from error
        except ValueError as error:
            # Of a bad URL not even the reason is told: asyncpg's may quote it.
            text = str(error) if "password_file" in str(error) else "the connection can't be made from these settings"
            raise DatabaseError("login", text) from None
        except EXPECTED as error:
            raise DatabaseError(reason_of(error), _text(error)) from error
        self.logins += 1
        if self.version < OLDEST:
            version = self.version
            self.drop()
            raise DatabaseError("query", f"PostgreSQL {version} is too old: {OLDEST} or newer is read")

    async def again_if_closed(self, connect_seconds: float, question: Callable[[], Awaitable[T]]) -> T:
        """What `question` answers over this connection, made if there is none; made anew if it turns out to have been
        closed since it was last used, perhaps by a restart that is over."""
        if self.is_open:
            try:
                return await question()
            except DatabaseError as error:
                if error.reason != "closed":
                    raise
        await self.open(connect_seconds)
        return await question()

    async def rows(self, statement: str, *arguments: object) -> list[Row]:
        """All rows that `statement` answers. An error that is not the statement's own closes the connection."""
        return await self._ask(lambda connection: connection.fetch(statement, *arguments))  # type: ignore[arg-type, return-value]

    async def _ask(self, question: Callable[["asyncpg.Connection[asyncpg.Record]"], Coroutine[Any, Any, T]]) -> T:
        if self._connection is None:
            raise DatabaseError("closed", "not connected")
        try:
            return await question(self._connection)
        except EXPECTED as error:
            reason = reason_of(error)
            if reason not in OF_STATEMENTS:
                self.drop()
            raise DatabaseError(reason, _text(error)) from error
        except BaseException:  # cancelled in the middle of an answer: nobody knows what it would read next
            self.drop()
            raise

    async def rows_read_only(self, statement: str, timeout_seconds: float) -> list[Row]:
        """All rows that `statement` answers, in a transaction that can't write, and on which the server works so long
        at most. Whatever it sets for the session is undone."""
        timeout_ms = max(1, round(timeout_seconds * 1000))
        await self._execute(f"BEGIN READ ONLY; SET LOCAL statement_timeout = {timeout_ms}")
        try:
            return await self.rows(statement)
        finally:
            if self.is_open:
                await self._execute("ROLLBACK")

    async def _execute(self, commands: str) -> None:
        await self._ask(lambda connection: connection.execute(commands))

    def drop(self) -> None:
        """Close it without a farewell."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
