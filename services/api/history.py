"""What is past, from PostgreSQL: charts and resolved alerts."""

import asyncpg

from services.api.core.alerts import finite
from services.api.core.bodies import AlertBody, PerformanceBody, PerformanceMetric
from services.api.core.performance import UNITS, Window
from shared.database import Database
from shared.messages.alerts import Severity

QUERY_SECONDS = 15.0

# One row per step that has data: its number, and the value. $1 start, $2 end (seconds since the epoch), $3 step.
REQUESTS: dict[PerformanceMetric, str] = {
    "response_time": "avg(response_time_ms)",
    # The last step is under way: its requests are divided by the time that has passed.
    "request_rate": "count(*) * 60.0 / least($3, extract(epoch FROM now()) - min($1 + step * $3))",
    "error_rate": "100.0 * count(*) FILTER (WHERE status_code >= 500) / count(*)",
}
REQUEST_QUERY = """
SELECT step, ({value})::double precision AS value FROM (
    SELECT floor((extract(epoch FROM timestamp) - $1) / $3)::integer AS step, response_time_ms, status_code
    FROM api_performance_logs WHERE timestamp >= to_timestamp($1) AND timestamp < to_timestamp($2)
) AS requests GROUP BY step ORDER BY step
"""
SYSTEM_QUERY = """
SELECT floor((extract(epoch FROM snapshot_time) - $1) / $3)::integer AS step, avg({column}) AS value
FROM performance_snapshots
WHERE snapshot_time >= to_timestamp($1) AND snapshot_time < to_timestamp($2) AND {column} IS NOT NULL AND host = (
    SELECT host FROM performance_snapshots WHERE snapshot_time >= to_timestamp($1) AND snapshot_time < to_timestamp($2)
    AND ($4::text IS NULL OR host = $4) GROUP BY host ORDER BY host = $5 DESC, host LIMIT 1
) GROUP BY step ORDER BY step
"""
_ALERT = """
SELECT episode_id, alert_id, alert_type, group_name, severity, message, value, labels, annotations, expr, shadow,
    (extract(epoch FROM created_at) * 1000)::bigint AS created_ms,
    (extract(epoch FROM resolved_at) * 1000)::bigint AS resolved_ms
FROM alert_logs
"""
RESOLVED_QUERY = f"""
{_ALERT}
WHERE resolved_at IS NOT NULL AND ($1::text IS NULL OR severity = $1) AND ($3::boolean IS NULL OR shadow = $3)
ORDER BY created_at DESC, id DESC LIMIT $2
"""
SINCE_QUERY = f"""
{_ALERT}
WHERE NOT shadow AND (created_at >= to_timestamp($1) OR resolved_at >= to_timestamp($1) OR resolved_at IS NULL)
ORDER BY created_at DESC, id DESC LIMIT $2
"""
MOST_ALERTS = 10_000


async def performance(
    database: Database, metric: PerformanceMetric, period: str, window: Window, host: str | None, own_host: str
) -> PerformanceBody:
    """One metric over `window`: its mean in each step, or null. DatabaseUnavailable."""
    parameters: list[float | str | None] = [window.start_ms / 1000, window.end_ms / 1000, float(window.step_seconds)]
    if metric in REQUESTS:
        query = REQUEST_QUERY.format(value=REQUESTS[metric])
    else:
        query = SYSTEM_QUERY.format(column=metric)
        parameters += [host, own_host]
    async with database.connection() as connection:
        rows = await connection.fetch(query, *parameters, timeout=QUERY_SECONDS)
    values: list[float | None] = [None] * window.count
    for row in rows:
        if 0 <= row["step"] < window.count:
            values[row["step"]] = finite(row["value"])
    return PerformanceBody(
        metric=metric,
        unit=UNITS[metric],
        period=period,
        step_seconds=window.step_seconds,
        timestamps=window.times_ms,
        values=values,
    )


async def resolved_alerts(
    database: Database, severity: Severity | None, limit: int, shadow: bool | None = False
) -> list[AlertBody]:
    """Episodes that are over, newest first; of shadow rules, of the others, or (None) of all. DatabaseUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(RESOLVED_QUERY, severity, limit, shadow, timeout=QUERY_SECONDS)
    return [_alert(row) for row in rows]


async def alerts_since(database: Database, since_ms: int) -> list[AlertBody]:
    """Episodes that fired or were over since then, newest first; not of shadow rules. DatabaseUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(SINCE_QUERY, since_ms / 1000, MOST_ALERTS, timeout=QUERY_SECONDS)
    return [_alert(row) for row in rows]


def _alert(row: asyncpg.Record) -> AlertBody:
    return AlertBody(
        id=row["episode_id"],
        alert_id=row["alert_id"],
        name=row["alert_type"],
        group=row["group_name"],
        severity=row["severity"],
        message=row["message"],
        status="firing" if row["resolved_ms"] is None else "resolved",
        created_at=row["created_ms"],
        resolved_at=row["resolved_ms"],
        value=None if row["value"] is None else finite(row["value"]),
        labels=row["labels"],
        annotations=row["annotations"],
        expr=row["expr"],
        shadow=row["shadow"],
    )
