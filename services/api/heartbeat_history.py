"""What history knows of jobs: for an api that starts after so long a pause that the bus says nothing."""

import asyncpg
import structlog

from services.api.core.heartbeats import RECALLED, Recalled
from shared.database import Database, DatabaseUnavailable

log = structlog.get_logger()

SECONDS = 5.0
# Nobody's api is away for longer; and a job that was taken out long ago is not late when it comes back.
DAYS = 7

_NEWEST = """
SELECT series.metric, series.labels->>'heartbeat' AS heartbeat, newest.value,
    (extract(epoch FROM newest.time) * 1000)::bigint AS told_ms
FROM series, LATERAL (
    SELECT time, value FROM samples
    WHERE samples.series_id = series.id
        AND samples.time > timestamptz 'epoch' + $3::bigint * interval '1 millisecond' - $4::integer * interval '1 day'
    ORDER BY time DESC LIMIT 1
) AS newest
WHERE series.metric = ANY($1::text[]) AND series.labels->>'heartbeat' = ANY($2::text[])
"""


async def recall(database: Database, names: list[str], now_ms: int) -> list[Recalled]:
    """What was last stored of the jobs `names`; nothing if the database is away: then it is as if nobody had asked."""
    if not names:
        return []
    try:
        async with database.connection(SECONDS) as connection:
            rows = await connection.fetch(
                _NEWEST, [metric.name for metric in RECALLED], names, now_ms, DAYS, timeout=SECONDS
            )
    except (DatabaseUnavailable, asyncpg.PostgresError) as error:
        log.info("history does not say what is known of heartbeats", reason=str(error))
        return []
    return [Recalled(row["heartbeat"], row["metric"], row["value"], row["told_ms"]) for row in rows]
