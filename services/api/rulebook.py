"""Rule groups in PostgreSQL: each change one transaction with its version check, audit row and outbox row."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import structlog

from services.api.audit import Author, entry, record
from services.api.core.rules import content_hash
from services.api.outbox import Connection, enqueue
from services.api.problems import Problem
from shared import clock
from shared.database import Database, DatabaseUnavailable
from shared.messages.message import content_id
from shared.messages.rules import RuleGroup
from shared.messages.topics import RULES
from shared.rules.errors import BadRule
from shared.rules.files import parse_rule_file
from shared.rules.small import SmallRule, small_group

log = structlog.get_logger()

# Two apis that start together sync the same files one after the other.
LOCK = 7_226_003
FILES = Author("rule files")

# (version, author, time) -> the group
Draft = Callable[[int, str, int], RuleGroup]


class _Taken(Exception):
    """Another group has the name."""


class Rulebook:
    """Creates and deletes rule groups."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.files_problem: str | None = None
        """Why the rule files are not in force as they stand; None if they are."""
        self.files: dict[str, str] = {}
        """The rule file that each group comes from, as far as this api has read it."""

    async def create(self, rule: SmallRule, author: Author) -> tuple[RuleGroup, int | None, bool]:
        """The group that holds `rule`, the outbox row that announces it if it is yet to be sent, and whether it is new.

        BadRule if it can't be taken; Problem 409 if the name stands for another rule."""

        def draft(version: int, updated_by: str, updated_at_ms: int) -> RuleGroup:
            return small_group(rule, version, updated_by, updated_at_ms)

        draft(1, author.name, 1)  # refuse a bad rule before the database is asked
        async with self._database.connection() as connection, connection.transaction():
            try:
                return await _put(connection, rule.name, draft, author, may_change=False)
            except _Taken:
                raise Problem(
                    409, f"There is another rule {rule.name!r}: delete it first, or choose another name."
                ) from None

    async def delete(self, name: str, author: Author) -> int:
        """Take the group out of force: the outbox row that announces it. Problem 404 or 409."""
        now_ms = clock.now_ms()
        async with self._database.connection() as connection, connection.transaction():
            row = await connection.fetchrow(
                "SELECT version, origin, content FROM rule_groups WHERE name = $1 AND deleted_at IS NULL FOR UPDATE",
                name,
            )
            if row is None:
                raise Problem(404, f"There is no rule {name!r}.")
            if row["origin"] == "file":
                raise Problem(409, f"{name!r} comes from a rule file: take it out there.")
            return await _delete(connection, name, row["version"], row["content"], author, now_ms)

    async def sync_files(self, paths: list[Path]) -> None:
        """Bring the groups in the rule files into force, and those that left them out of it; waits for the database.

        A file that can't be read or has a mistake changes nothing at all: what was in force stays."""
        try:
            drafts, self.files = await asyncio.to_thread(_read, paths)
        except BadRule as error:
            self.files_problem = str(error)
            log.error("rule files are not taken, the former rules stay in force", reason=str(error))
            return
        self.files_problem = "waiting for the database"
        pause = 0.2
        while True:
            try:
                self.files_problem = await self._sync(drafts)
                return
            except (DatabaseUnavailable, asyncpg.PostgresError) as error:
                self.files_problem = f"the database did not take them: {error}"
                log.info("rule files wait for the database", reason=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def _sync(self, drafts: dict[str, Draft]) -> str | None:
        """What could not be brought into force, if anything."""
        taken: list[str] = []
        now_ms = clock.now_ms()
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            for name, draft in drafts.items():
                try:
                    await _put(connection, name, draft, FILES, may_change=True)
                except _Taken:
                    taken.append(name)
            left = await connection.fetch(
                "SELECT name, version, content FROM rule_groups"
                " WHERE origin = 'file' AND deleted_at IS NULL AND name <> ALL($1::text[]) FOR UPDATE",
                list(drafts),
            )
            for row in left:
                await _delete(connection, row["name"], row["version"], row["content"], FILES, now_ms)
        log.info("rule files are in force", groups=len(drafts) - len(taken), deleted=len(left))
        if not taken:
            return None
        problem = f"groups {', '.join(taken)} of the rule files have the names of rules that were made over HTTP"
        log.error("rule files are not all in force", reason=problem)
        return problem


async def _put(
    connection: Connection, name: str, draft: Draft, author: Author, *, may_change: bool
) -> tuple[RuleGroup, int | None, bool]:
    """Bring `draft` into force as `name`; see `Rulebook.create`. _Taken if a live group is in the way."""
    now_ms = clock.now_ms()
    # Until it exists there is no row to lock: two who create the same name wait for each other here.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", name, LOCK)
    row = await connection.fetchrow(
        "SELECT version, origin, content, content_hash, deleted_at FROM rule_groups WHERE name = $1 FOR UPDATE", name
    )
    version = row["version"] if row else 0
    group = draft(version + 1, author.name, now_ms)
    digest = content_hash(group)
    live = row is not None and row["deleted_at"] is None
    if row is not None and live:
        if row["origin"] == group.origin and row["content_hash"] == digest:
            unsent = await connection.fetchval(
                "SELECT max(id) FROM outbox WHERE topic = $1 AND key = $2", RULES.name, name
            )
            return RuleGroup.model_validate(row["content"]), unsent, False
        if not may_change or row["origin"] != group.origin:
            raise _Taken
    content = group.model_dump(mode="json", exclude_none=True)
    stored = await connection.fetchval(
        "INSERT INTO rule_groups AS held (name, version, origin, content, content_hash, updated_by, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7 / 1000.0))"
        " ON CONFLICT (name) DO UPDATE SET version = excluded.version, origin = excluded.origin,"
        " content = excluded.content, content_hash = excluded.content_hash, updated_by = excluded.updated_by,"
        " updated_at = excluded.updated_at, deleted_at = NULL WHERE held.version = $2 - 1 RETURNING version",
        name,
        group.version,
        group.origin,
        content,
        digest,
        author.name,
        float(now_ms),
    )
    if stored is None:
        raise _Taken
    before = row["content"] if row is not None and live else None
    action = "rule.update" if before else "rule.create"
    await record(connection, entry(author, action, f"rule/{name}", now_ms, before, content))
    event_id = content_id(RULES.name, name, str(group.version))
    return group, await enqueue(connection, RULES, name, group, event_id), True


async def _delete(
    connection: Connection, name: str, version: int, content: dict[str, object], author: Author, now_ms: int
) -> int:
    await connection.execute(
        "UPDATE rule_groups SET deleted_at = to_timestamp($2 / 1000.0), version = version + 1, updated_by = $3,"
        " updated_at = to_timestamp($2 / 1000.0) WHERE name = $1",
        name,
        float(now_ms),
        author.name,
    )
    await record(connection, entry(author, "rule.delete", f"rule/{name}", now_ms, before=content))
    return await enqueue(connection, RULES, name, None, content_id(RULES.name, name, str(version + 1), "deleted"))


def _read(paths: list[Path]) -> tuple[dict[str, Draft], dict[str, str]]:
    """The groups of all rule files, by name, and the file of each. BadRule, naming file and line, if any is no good."""
    drafts: dict[str, Draft] = {}
    files: dict[str, str] = {}
    for path in paths:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise BadRule(f"{path}: can't be read: {error}") from error
        for found in parse_rule_file(text, str(path)):
            if found.name in drafts:
                raise BadRule(f"{path}: there is a group {found.name!r} in an earlier rule file")
            drafts[found.name], files[found.name] = found.group, str(path)
    return drafts, files
