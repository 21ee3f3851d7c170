"""The transitions of one episode and what was sent of them, from PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.api.core.alert_bodies import DeliveryBody
from services.api.core.told_events import ToldEvent
from shared.database import Database
from shared.messages.alerts import AlertEvent

QUERY_SECONDS = 15.0
MOST_TRANSITIONS = 100
MOST_STEPS = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EVENTS = """
SELECT event, (extract(epoch FROM accepted_at) * 1000)::bigint AS accepted_ms FROM alert_events
WHERE alert_id = $1 AND episode = coalesce($2, (SELECT max(episode) FROM alert_events WHERE alert_id = $1))
ORDER BY transition LIMIT $3
"""
_STEPS = """
SELECT notification_id, event_id, receiver, channel, state, attempt, reason, latency_ms,
    (extract(epoch FROM at) * 1000)::bigint AS at_ms
FROM notification_log WHERE event_id = ANY($1::text[]) ORDER BY at, attempt LIMIT $2
"""


async def stored_events(database: Database, alert: str, episode_ms: int | None) -> list[ToldEvent]:
    """The transitions of an episode, None: of the latest. DatabaseUnavailable."""
    episode = None if episode_ms is None else _EPOCH + timedelta(milliseconds=episode_ms)
    async with database.connection() as connection:
        rows = await connection.fetch(_EVENTS, alert, episode, MOST_TRANSITIONS, timeout=QUERY_SECONDS)
    return [ToldEvent(AlertEvent.model_validate(row["event"]), row["accepted_ms"]) for row in rows]


async def stored_deliveries(database: Database, events: Sequence[str]) -> dict[str, list[DeliveryBody]]:
    """By event the steps of its deliveries, in order. DatabaseUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_STEPS, list(events), MOST_STEPS, timeout=QUERY_SECONDS)
    found: dict[str, list[DeliveryBody]] = {}
    for row in rows:
        found.setdefault(row["event_id"], []).append(
            DeliveryBody(
                notification_id=row["notification_id"],
                receiver=row["receiver"],
                channel=row["channel"],
                state=row["state"],
                attempt=row["attempt"],
                at=row["at_ms"],
                reason=row["reason"],
                latency_ms=row["latency_ms"],
            )
        )
    return found
