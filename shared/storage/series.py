"""Which stored series a selector selects."""

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from shared.messages.series import NAME
from shared.promql.matching import Selector
from shared.promql.series_sets import Labels, labels_from
from shared.storage.allowance import Allowance

if TYPE_CHECKING:
    import asyncpg

PAGE_ROWS = 5_000

# Distinct names by leaps through the index: a plain DISTINCT would read every series.
_METRICS = """
WITH RECURSIVE names AS (
    (SELECT metric FROM series ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT metric FROM series WHERE metric > names.metric ORDER BY metric LIMIT 1)
    FROM names WHERE names.metric IS NOT NULL
)
SELECT metric FROM names WHERE metric IS NOT NULL
"""


async def find_series(
    connection: "asyncpg.Connection[asyncpg.Record]", selector: Selector, allowance: Allowance
) -> AsyncIterator[tuple[int, Labels]]:
    """Ids and labels (`__name__` among them) of the series that the selector selects. Inside a transaction.

    PostgreSQL finds by name and by labels that are to equal something, every other condition is checked here, by the
    very code that queries use.
    """
    conditions, arguments = list[str](), list[Any]()
    names = [one for one in selector.matchers if one.label == NAME]
    exact = next((one.value for one in names if one.op == "="), None)
    if exact is not None:
        conditions.append("metric = $1")
        arguments.append(exact)
    elif names:
        rows = await connection.fetch(_METRICS, timeout=allowance.seconds())
        conditions.append("metric = ANY($1::text[])")
        arguments.append([row["metric"] for row in rows if all(one.matches(row["metric"]) for one in names)])
    # An empty value means "no such label", which containment can't say.
    equal = {one.label: one.value for one in selector.matchers if one.op == "=" and one.value and one.label != NAME}
    if equal:
        arguments.append(equal)
        conditions.append(f"labels @> ${len(arguments)}")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT id, metric, labels FROM series {where}"  # noqa: S608  (values are arguments)
    async for row in connection.cursor(query, *arguments, prefetch=PAGE_ROWS, timeout=allowance.seconds()):
        labels: Mapping[str, str] = {**row["labels"], NAME: row["metric"]}
        if selector.matches(labels):
            yield row["id"], labels_from(labels)
