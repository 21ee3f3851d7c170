"""Rows of rule groups: each change is written with its audit entry and the message that tells the bus."""

from dataclasses import dataclass
from typing import Any

from services.api.audit import Author, entry, record
from services.api.core.rules import canonical, content_hash
from services.api.outbox import Connection, enqueue
from shared.messages.message import content_id
from shared.messages.rules import RuleGroup
from shared.messages.topics import RULES

# Two apis that start together sync the same files one after the other; with a name's hash: two who create it.
LOCK = 7_226_003
_COLUMNS = (
    "SELECT name, version, updated_by, (extract(epoch FROM updated_at) * 1000)::bigint AS updated_at_ms,"
    " content_hash AS digest, content, deleted_at IS NOT NULL AS deleted FROM rule_groups"
)


@dataclass(frozen=True)
class Row:
    """What the database has under a name."""

    name: str
    version: int
    updated_by: str
    updated_at_ms: int
    digest: str
    content: dict[str, Any]
    deleted: bool

    @property
    def group(self) -> RuleGroup:
        """The group; if it is deleted, as it was."""
        return canonical(RuleGroup.model_validate(self.content))


async def locked(connection: Connection, name: str) -> Row | None:
    """The row, which nobody else changes until the transaction ends; None if the name is new."""
    # Until it exists there is no row to lock: two who create the same name wait for each other here.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", name, LOCK)
    row = await connection.fetchrow(f"{_COLUMNS} WHERE name = $1 FOR UPDATE", name)
    return None if row is None else Row(**dict(row))


async def from_files(connection: Connection, but: list[str]) -> list[Row]:
    """The live groups of rule files, but those named; nobody else changes them until the transaction ends."""
    left = "origin = 'file' AND deleted_at IS NULL AND name <> ALL($1::text[])"
    rows = await connection.fetch(f"{_COLUMNS} WHERE {left} ORDER BY name FOR UPDATE", but)
    return [Row(**dict(row)) for row in rows]


async def put(
    connection: Connection, before: Row | None, group: RuleGroup, author: Author, action: str | None = None
) -> int:
    """Bring `group` into force after what `locked` gave: the outbox row that announces it."""
    content = group.model_dump(mode="json", exclude_none=True)
    await connection.execute(
        "INSERT INTO rule_groups (name, version, origin, content, content_hash, updated_by, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7 / 1000.0))"
        " ON CONFLICT (name) DO UPDATE SET version = excluded.version, origin = excluded.origin,"
        " content = excluded.content, content_hash = excluded.content_hash, updated_by = excluded.updated_by,"
        " updated_at = excluded.updated_at, deleted_at = NULL",
        group.name,
        group.version,
        group.origin,
        content,
        content_hash(group),
        author.name,
        float(group.updated_at),
    )
    former = None if before is None or before.deleted else before.content
    action = action or ("rule.create" if former is None else "rule.update")
    await record(connection, entry(author, action, f"rule/{group.name}", group.updated_at, former, content))
    return await enqueue(connection, RULES, group.name, group, content_id(RULES.name, group.name, str(group.version)))


async def take_out(connection: Connection, row: Row, author: Author, now_ms: int) -> int:
    """Take the group out of force: the outbox row that announces it."""
    version = row.version + 1
    await connection.execute(
        "UPDATE rule_groups SET deleted_at = to_timestamp($2 / 1000.0), version = $4, updated_by = $3,"
        " updated_at = to_timestamp($2 / 1000.0) WHERE name = $1",
        row.name,
        float(now_ms),
        author.name,
        version,
    )
    await record(connection, entry(author, "rule.delete", f"rule/{row.name}", now_ms, before=row.content))
    return await enqueue(connection, RULES, row.name, None, content_id(RULES.name, row.name, str(version), "deleted"))


async def unsent(connection: Connection, name: str) -> int | None:
    """The outbox row that announces the group, if it is yet to be sent."""
    found: int | None = await connection.fetchval(
        "SELECT max(id) FROM outbox WHERE topic = $1 AND key = $2", RULES.name, name
    )
    return found
