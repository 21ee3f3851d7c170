"""What history has stored of each partition, kept in the database beside the rows that came from there."""

from collections.abc import Collection, Mapping
from datetime import datetime

from services.history.connection import Connection

Place = tuple[str, int]
"""(topic, partition)"""

# In one order for all writers: two that want the same partitions don't wait for each other.
_LOCK = """
SELECT topic, partition, next_offset FROM history_offsets
WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
ORDER BY topic, partition FOR UPDATE
"""
_ADVANCE = """
UPDATE history_offsets AS stored SET next_offset = new.next_offset,
    complete_until = coalesce(new.complete_until, stored.complete_until)
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::timestamptz[])
    AS new(topic, partition, next_offset, complete_until)
WHERE stored.topic = new.topic AND stored.partition = new.partition
"""
# Only where nothing is left to store. A partition that never held anything, or holds nothing any more, is complete.
_COMPLETE = """
UPDATE history_offsets AS stored SET complete_until = greatest(stored.complete_until, $5)
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[]) AS bus(topic, partition, first, next)
WHERE stored.topic = bus.topic AND stored.partition = bus.partition
AND coalesce(stored.next_offset, bus.first) = bus.next
"""


class Displaced(Exception):
    """Another writer has stored from a partition that we thought was ours, or our own last commit did get through."""


async def stored(connection: Connection, places: Collection[Place]) -> dict[Place, int | None]:
    """The next offset of each of `places`; None where nothing has been stored. Makes their rows."""
    topics, partitions = [topic for topic, _ in places], [partition for _, partition in places]
    await connection.execute(
        "INSERT INTO history_offsets (topic, partition) SELECT * FROM unnest($1::text[], $2::integer[]) AS new(t, p) "
        "ORDER BY t, p ON CONFLICT DO NOTHING",
        topics,
        partitions,
    )
    rows = await connection.fetch(
        "SELECT topic, partition, next_offset FROM history_offsets "
        "WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))",
        topics,
        partitions,
    )
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def claim(connection: Connection, expected: Mapping[Place, int | None]) -> None:
    """Lock the offsets until the transaction ends; Displaced unless they are as `expected`. Comes before any row is
    written, so that of two writers the second waits here, and then sees that it is too late."""
    rows = await connection.fetch(_LOCK, [topic for topic, _ in expected], [partition for _, partition in expected])
    found = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    for place, offset in expected.items():
        if place not in found or found[place] != offset:
            raise Displaced(f"{place[0]}/{place[1]}: expected {offset}, found {found.get(place, 'nothing')}")


async def advance(
    connection: Connection, offsets: Mapping[Place, int], complete_until: Mapping[Place, datetime]
) -> None:
    """Store the next offsets of places that the same transaction has claimed, and up to when they are complete."""
    await connection.execute(
        _ADVANCE,
        [topic for topic, _ in offsets],
        [partition for _, partition in offsets],
        list(offsets.values()),
        [complete_until.get(place) for place in offsets],
    )


async def note_complete(connection: Connection, ends: Mapping[Place, tuple[int, int]], until: datetime) -> None:
    """Those of the places that are stored to their end are complete until then. `ends` are the first and the next
    offset of each, asked for after that instant."""
    await connection.execute(
        _COMPLETE,
        [topic for topic, _ in ends],
        [partition for _, partition in ends],
        [first for first, _ in ends.values()],
        [following for _, following in ends.values()],
        until,
    )
