"""Times asyncpg's queries: `create_pool(dsn, connection_class=measured(pantau))`, or `watch(connection, pantau)`.

Prepared statements, cursors and COPY are not among what asyncpg tells of; `pantau.timed_query` is for them.
"""

from collections.abc import Callable
from typing import Any

import asyncpg

from pantau.client import Pantau


def measured(pantau: Pantau) -> "type[asyncpg.Connection[Any]]":
    """A class of connections whose queries are timed."""
    take = _taker(pantau)

    class MeasuredConnection(asyncpg.Connection):
        __slots__ = ()

        def __init__(self, *positional: Any, **named: Any) -> None:
            super().__init__(*positional, **named)
            self.add_query_logger(take)

    return MeasuredConnection


def watch(connection: "asyncpg.Connection[Any]", pantau: Pantau) -> None:
    """Time the queries of a connection that is there already."""
    connection.add_query_logger(_taker(pantau))


def _taker(pantau: Pantau) -> Callable[[Any], None]:
    def take(record: Any) -> None:
        pantau.queries.record_statement(record.query, record.elapsed)

    return take
