"""A connection to a PostgreSQL that is kept open: one statement at a time, none of which can write."""

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg

from shared.postgres.errors import EXPECTED, OF_STATEMENTS, DatabaseError, reason_of

Row = Mapping[str, Any]
OLDEST = 13
"""The oldest major version of PostgreSQL that is read."""


class KeptConnection:
    """Opened when asked, closed by what breaks it. Whatever asyncpg raises becomes a DatabaseError with its reason."""

    def __init__(self, arguments: Callable[[], Mapping[str, Any]], session: Mapping[str, str]) -> None:
        """`arguments`: asked at each login, for asyncpg.connect; ValueError if they can't be had. `session`: settings
        of the server for the session, e.g. statement_timeout in ms."""
        self._arguments = arguments
        self._session = {**session, "default_transaction_read_only": "on", "timezone": "UTC"}
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

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
        if self.version < OLDEST:
            version = self.version
            self.drop()
            raise DatabaseError("query", f"PostgreSQL {version} is too old: {OLDEST} or newer is read")

    async def rows(self, statement: str, *arguments: object) -> list[Row]:
        """All rows that `statement` answers. An error that is not the statement's own closes the connection."""
        if self._connection is None:
            raise DatabaseError("closed", "not connected")
        try:
            return await self._connection.fetch(statement, *arguments)  # type: ignore[return-value]
        except EXPECTED as error:
            reason = reason_of(error)
            if reason not in OF_STATEMENTS:
                self.drop()
            raise DatabaseError(reason, _text(error)) from error
        except BaseException:  # cancelled in the middle of an answer: nobody knows what it would read next
            self.drop()
            raise

    def drop(self) -> None:
        """Close it without a farewell."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
