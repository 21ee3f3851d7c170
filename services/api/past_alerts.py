"""The episodes of the last day that label matchers match, from PostgreSQL."""

from collections.abc import Sequence

from services.api import history
from services.api.core.silence_bodies import PastAlertsBody
from shared.database import Database
from shared.routing.matchers import Matcher, all_match

DAY_MS = 86_400_000
MOST_SHOWN = 50


async def past_day(database: Database, matchers: Sequence[Matcher], now_ms: int) -> PastAlertsBody:
    """Episodes that were firing at some time of the last day. DatabaseUnavailable."""
    since_ms = now_ms - DAY_MS
    found = [one for one in await history.alerts_since(database, since_ms) if all_match(matchers, one.labels)]
    return PastAlertsBody(since=since_ms, total=len(found), alerts=found[:MOST_SHOWN])
