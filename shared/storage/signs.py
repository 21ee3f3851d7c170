"""When the collectors gave signs of life, as history noted it."""

from dataclasses import dataclass

import numpy as np

from shared.database import Database
from shared.promql.series_sets import Ints

QUERY_SECONDS = 30.0

_SIGNS = """
SELECT DISTINCT (extract(epoch FROM accepted_at) * 1000)::bigint AS ms FROM collector_signs
WHERE accepted_at > timestamptz 'epoch' + $1 * interval '1 millisecond'
AND accepted_at <= timestamptz 'epoch' + $2 * interval '1 millisecond' ORDER BY ms
"""


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
        rows = await connection.fetch(_SIGNS, start_ms, end_ms, timeout=QUERY_SECONDS)
    return Signs(np.array([row["ms"] for row in rows], np.int64))
