"""When the collectors gave signs of life, as history noted it."""

from dataclasses import dataclass

import numpy as np

from shared.database import Database
from shared.promql.series_sets import Ints

QUERY_SECONDS = 30.0

# A batch of older samples shows that it was watched then, too: as live alerting has it.
_SIGNS = """
SELECT DISTINCT (extract(epoch FROM sign) * 1000)::bigint AS ms
FROM collector_signs, LATERAL (VALUES (accepted_at), (least(newest_sample, accepted_at))) AS signs (sign)
WHERE accepted_at > timestamptz 'epoch' + $1 * interval '1 millisecond'
AND accepted_at <= timestamptz 'epoch' + ($2::bigint + $3::bigint) * interval '1 millisecond'
AND sign > timestamptz 'epoch' + $1 * interval '1 millisecond'
AND sign <= timestamptz 'epoch' + $2::bigint * interval '1 millisecond' ORDER BY ms
"""
LONGEST_HELD_MS = 24 * 3_600_000
"""How long a collector may hold samples back while the bus is away, for them to count as signs here."""


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs of life, in ms, rising."""

    times: Ints

    def known(self, instant_ms: int, dark_after_ms: int) -> bool:
        """Whether a collector gave a sign in (instant - dark_after, instant]: else what is missing at the instant says
        nothing."""
        return bool(
            np.searchsorted(self.times, instant_ms, "right")
            > np.searchsorted(self.times, instant_ms - dark_after_ms, "right")
        )


async def signs(database: Database, start_ms: int, end_ms: int) -> Signs:
    """The signs in (start, end]: begin earlier than the first instant by what counts as dark. DatabaseUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_SIGNS, start_ms, end_ms, LONGEST_HELD_MS, timeout=QUERY_SECONDS)
    return Signs(np.array([row["ms"] for row in rows], np.int64))
