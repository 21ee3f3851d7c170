"""The transitions of one episode and what was sent of them, from PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from services.api.core.alert_bodies import AlertNotificationsBody, AlertStepBody, DeliveryBody
from services.api.core.told_events import ToldEvent
from shared.database import Database
from shared.messages.alerts import AlertEvent, episode_id

QUERY_SECONDS = 15.0
MOST_TRANSITIONS = 100
MOST_STEPS = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EVENTS = """
SELECT event, (extract(epoch FROM accepted_at) * 1000)::bigint AS accepted_ms FROM alert_events
WHERE alert_id = $1 AND episode = coalesce($2, (SELECT max(episode) FROM alert_events WHERE alert_id = $1))
ORDER BY transition LIMIT $3
"""
_STEP = """
notification_id, event_id, receiver, channel, state, attempt, reason, latency_ms, destination, occasion, told, muted_by,
    (extract(epoch FROM muted_since) * 1000)::bigint AS muted_since,
    (extract(epoch FROM muted_until) * 1000)::bigint AS muted_until, untold,
    (extract(epoch FROM at) * 1000)::bigint AS at_ms
"""
_STEPS = f"""
SELECT {_STEP} FROM notification_log WHERE event_id = ANY($1::text[]) ORDER BY at, attempt LIMIT $2
"""  # noqa: S608
_STEPS_OF_ALERT = f"""
SELECT {_STEP}, transition, (extract(epoch FROM episode) * 1000)::bigint AS episode_ms, count(*) OVER () AS total
FROM (SELECT * FROM notification_log WHERE alert_id = $1) AS steps
LEFT JOIN (SELECT event_id, episode, transition FROM alert_events WHERE alert_id = $1) AS events USING (event_id)
WHERE $2::timestamptz IS NULL OR episode = $2 ORDER BY at DESC, attempt DESC, state LIMIT $3
"""  # noqa: S608


async def stored_events(database: Database, alert: str, episode_ms: int | None) -> list[ToldEvent]:
    """The transitions of an episode, None: of the latest. DatabaseUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_EVENTS, alert, _moment(episode_ms), MOST_TRANSITIONS, timeout=QUERY_SECONDS)
    return [ToldEvent(AlertEvent.model_validate(row["event"]), row["accepted_ms"]) for row in rows]


async def stored_deliveries(database: Database, events: Sequence[str]) -> dict[str, list[DeliveryBody]]:
    """By event the steps of its deliveries, in order. DatabaseUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_STEPS, list(events), MOST_STEPS, timeout=QUERY_SECONDS)
    found: dict[str, list[DeliveryBody]] = {}
    for row in rows:
        found.setdefault(row["event_id"], []).append(DeliveryBody(**_step(row)))
    return found


async def stored_steps(database: Database, alert: str, episode_ms: int | None, limit: int) -> AlertNotificationsBody:
    """All steps of deliveries that tell an alert, None: whatever its episode; newest first. DatabaseUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_STEPS_OF_ALERT, alert, _moment(episode_ms), limit, timeout=QUERY_SECONDS)
    steps = [
        AlertStepBody(
            **_step(row),
            event_id=row["event_id"],
            episode=None if row["episode_ms"] is None else episode_id(alert, row["episode_ms"]),
            transition=row["transition"],
        )
        for row in rows
    ]
    return AlertNotificationsBody(alert_id=alert, steps=steps, total=rows[0]["total"] if rows else 0)


def _step(row: asyncpg.Record) -> dict[str, Any]:
    """The fields of a DeliveryBody."""
    same = (
        "notification_id",
        "receiver",
        "channel",
        "state",
        "attempt",
        "reason",
        "latency_ms",
        "destination",
        "occasion",
        "told",
        "muted_by",
        "muted_since",
        "muted_until",
        "untold",
    )
    return {"at": row["at_ms"], **{name: row[name] for name in same}}


def _moment(episode_ms: int | None) -> datetime | None:
    return None if episode_ms is None else _EPOCH + timedelta(milliseconds=episode_ms)
