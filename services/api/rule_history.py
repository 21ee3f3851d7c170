"""The versions of a rule group: what history has stored of the bus, and the newest from where rules are changed."""

from typing import Any

from services.api.core.rule_bodies import GroupVersionBody
from services.api.core.rule_versions import Current, Deletion, Stored, deleted_versions, versions
from services.api.core.rules import canonical
from services.api.problems import Problem
from shared.database import Database
from shared.messages.rules import RuleGroup

QUERY_SECONDS = 15.0
STORED = """
SELECT document, (extract(epoch FROM accepted_at) * 1000)::bigint AS at_ms
FROM rule_history WHERE group_name = $1 ORDER BY id DESC LIMIT $2
"""
# A tombstone on the bus says neither who nor what.
DELETIONS = """
SELECT (before ->> 'version')::integer + 1 AS version, actor, (extract(epoch FROM at) * 1000)::bigint AS at_ms
FROM audit_log WHERE subject = 'rule/' || $1 AND action = 'rule.delete' AND before ->> 'version' = ANY($2::text[])
"""
CURRENT = """
SELECT version, content, updated_by, (extract(epoch FROM updated_at) * 1000)::bigint AS at_ms,
    deleted_at IS NOT NULL AS deleted
FROM rule_groups WHERE name = $1
"""


async def group_versions(database: Database, name: str, limit: int) -> list[GroupVersionBody]:
    """The newest versions of a group, newest first. Problem 404 if there never was one; DatabaseUnavailable."""
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        # One more than is asked for: whether a version is a group's first is seen from the one before it.
        rows = await connection.fetch(STORED, name, limit + 1, timeout=QUERY_SECONDS)
        current = await connection.fetchrow(CURRENT, name, timeout=QUERY_SECONDS)
        stored = [Stored(_group(row["document"]), row["at_ms"]) for row in rows]
        ended = [str(version) for version in deleted_versions(stored)]
        deletions = [Deletion(*row) for row in await connection.fetch(DELETIONS, name, ended, timeout=QUERY_SECONDS)]
    if current is None and not stored:
        raise Problem(404, f"There never was a rule {name!r}.")
    newest = None
    if current is not None:
        group = None if current["deleted"] else _group(current["content"])
        newest = Current(current["version"], Stored(group, current["at_ms"]), current["updated_by"])
    return versions(stored, newest, deletions, limit)


def _group(document: dict[str, Any] | None) -> RuleGroup | None:
    return None if document is None else canonical(RuleGroup.model_validate(document))
