"""Rows into the tables that are filled row by row."""

from collections.abc import Sequence

from services.history.connection import Connection
from services.history.core.tables import Row, Table
from services.history.measures import Tally


async def insert(connection: Connection, table: Table, rows: Sequence[Row], tally: Tally) -> None:
    """Insert `rows`, within the caller's transaction; those whose identity is there already are counted and left."""
    if not rows:
        return
    status = await connection.execute(table.insert, *table.arguments(rows))
    written = int(status.rsplit(" ", 1)[1])
    tally.rows[table.name] += written
    if written < len(rows):
        tally.duplicates[table.name, "same"] += len(rows) - written


async def latest_digests(connection: Connection, table: Table, keys: Sequence[str]) -> dict[str, str | None]:
    """The digest of the latest version of each of `keys` in a table of versions; None for a deletion."""
    key = next(iter(table.columns))
    rows = await connection.fetch(
        f'SELECT DISTINCT ON ("{key}") "{key}" AS key, digest FROM "{table.name}" '  # noqa: S608  (our own names)
        f'WHERE "{key}" = ANY($1::text[]) ORDER BY "{key}", id DESC',
        list(keys),
    )
    return {row["key"]: row["digest"] for row in rows}
