"""How far history is complete."""

from shared.database import Database
from shared.messages.topics import SAMPLES

QUERY_SECONDS = 10.0

_COMPLETE = """
SELECT count(*) AS partitions, (extract(epoch FROM min(complete_until)) * 1000)::bigint AS ms,
    count(*) FILTER (WHERE complete_until IS NULL) AS unknown
FROM history_offsets WHERE topic = $1
"""


async def complete_until(database: Database) -> int:
    """All samples that the bus accepted up to this instant (ms) are stored; 0 if that is not known of every partition.

    It speaks of when samples were accepted, not of when they were taken: one that is late may still come with a time
    before it. DatabaseUnavailable.
    """
    async with database.connection() as connection:
        row = await connection.fetchrow(_COMPLETE, SAMPLES.name, timeout=QUERY_SECONDS)
    if row is None or row["unknown"] or row["partitions"] < SAMPLES.partitions:
        return 0
    return int(row["ms"])
