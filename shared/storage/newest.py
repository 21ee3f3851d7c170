"""The newest stored sample of what a selector selects: since when is it silent?"""

from typing import NamedTuple

from shared.database import Database
from shared.promql.limits import Limits
from shared.promql.matching import Selector
from shared.promql.source import STALE_BITS
from shared.storage.allowance import Allowance
from shared.storage.loading import LOAD_LIMITS
from shared.storage.series import find_series

MOST_ASKED = 1_000

_NEWEST = f"""
SELECT (extract(epoch FROM found.time) * 1000)::bigint AS ms, float8send(found.value) = '\\x{STALE_BITS:016x}' AS ended
FROM unnest($1::bigint[]) AS asked(id), LATERAL (
    SELECT time, value FROM samples
    WHERE samples.series_id = asked.id AND samples.time <= timestamptz 'epoch' + $2 * interval '1 millisecond'
    ORDER BY time DESC LIMIT 1
) AS found
ORDER BY found.time DESC LIMIT 1
"""  # noqa: S608  (a constant of ours)


class Newest(NamedTuple):
    """What there is of a selector's series."""

    series: int
    """How many there are in history."""
    at_ms: int | None
    """Time of their newest sample until the instant asked for; of at most `MOST_ASKED` of the series."""
    ended: bool
    """Whether that is a staleness marker: whoever sent the series said that it is over."""


async def newest(
    database: Database, selectors: tuple[Selector, ...], at_ms: int, limits: Limits = LOAD_LIMITS
) -> Newest:
    """Of the series that any of the selectors selects. QueryRefused, DatabaseUnavailable."""
    allowance = Allowance(limits)
    async with database.connection() as connection, connection.transaction(readonly=True):
        with allowance.timed():
            ids: set[int] = set()
            for selector in selectors:
                async for series, _ in find_series(connection, selector, allowance):
                    if series not in ids:
                        allowance.take_series(1)
                        ids.add(series)
            # The youngest series are the likeliest to have spoken last.
            asked = sorted(ids, reverse=True)[:MOST_ASKED]
            row = await connection.fetchrow(_NEWEST, asked, at_ms, timeout=allowance.seconds())
    if row is None:
        return Newest(len(ids), None, False)
    return Newest(len(ids), row["ms"], row["ended"])
