"""Times psycopg's queries: `watch(connection, pantau)`, or `cursor_factory=measured(psycopg.Cursor, pantau)`.

What a cursor's `execute` and `executemany` take is timed, and so is `connection.execute`; `stream` and `copy`, which
last as long as the application reads, are not.
"""

from typing import Any, TypeVar

import psycopg
from psycopg.sql import Composable

from pantau import clock
from pantau.client import Pantau

C = TypeVar("C", bound=type)


def watch(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], pantau: Pantau) -> None:
    """Time the queries of cursors that the connection makes from now on."""
    connection.cursor_factory = measured(connection.cursor_factory, pantau)


def measured(cursor_class: C, pantau: Pantau) -> C:
    """A subclass of a class of cursors, synchronous or not, that times its queries."""
    is_async = issubclass(cursor_class, psycopg.AsyncCursor)
    methods = {name: _method(name, is_async, cursor_class, pantau) for name in ("execute", "executemany")}
    made: C = type(cursor_class)(f"Measured{cursor_class.__name__}", (cursor_class,), methods)
    return made


def _method(name: str, is_async: bool, cursor_class: type, pantau: Pantau) -> Any:
    original = getattr(cursor_class, name)

    def timed(self: Any, query: Any, *positional: Any, **named: Any) -> Any:
        started = clock.elapsed()
        try:
            return original(self, query, *positional, **named)
        finally:
            _take(self, query, clock.elapsed() - started, pantau)

    async def timed_async(self: Any, query: Any, *positional: Any, **named: Any) -> Any:
        started = clock.elapsed()
        try:
            return await original(self, query, *positional, **named)
        finally:
            _take(self, query, clock.elapsed() - started, pantau)

    return timed_async if is_async else timed


def _take(cursor: Any, query: Any, seconds: float, pantau: Pantau) -> None:
    try:
        if isinstance(query, Composable):
            query = query.as_string(cursor)
        text = query.decode(errors="replace") if isinstance(query, bytes) else str(query)
    except Exception as error:  # noqa: BLE001  (the query was answered, whatever is wrong with its measure)
        pantau.failed("query", error)
        return
    pantau.queries.record_statement(text, seconds)
