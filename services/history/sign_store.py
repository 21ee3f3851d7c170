"""The table `collector_signs`: when the collectors were heard of."""

from services.history.connection import Connection
from services.history.core.instants import at
from services.history.core.signs import SPACING_MS, sign_of, sign_rows
from services.history.core.tables import COLLECTOR_SIGNS
from services.history.measures import Tally
from services.history.table_store import insert
from shared.bus import Received

_LAST = """
SELECT source, (extract(epoch FROM max(accepted_at)) * 1000)::bigint AS ms FROM collector_signs
WHERE accepted_at > $1 AND source = ANY($2::text[]) GROUP BY source
"""


async def store_signs(connection: Connection, messages: list[Received], tally: Tally) -> None:
    """Note the signs of life among `messages` of `pantau.samples`, within the caller's transaction."""
    signs = [sign for one in messages if (sign := sign_of(one.message, one.accepted_ms)) is not None]
    if not signs:
        return
    # Asked of the database each time: what is noted does not depend on who noted before, or on restarts.
    since = min(sign.accepted_ms for sign in signs) - SPACING_MS
    rows = await connection.fetch(_LAST, at(since), list({sign.source for sign in signs}))
    await insert(connection, COLLECTOR_SIGNS, sign_rows(signs, {row["source"]: row["ms"] for row in rows}), tally)
