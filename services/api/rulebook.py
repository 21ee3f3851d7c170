"""Rule groups in PostgreSQL: each change one transaction with its version check, audit row and outbox row."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import asyncpg
import structlog

from services.api.audit import Author
from services.api.core.preconditions import NOTHING_SEEN, Seen, etag
from services.api.core.rule_checks import check_cycles, check_group
from services.api.core.rules import canonical, content_hash
from services.api.outbox import Connection
from services.api.problems import Problem
from services.api.rule_rows import LOCK, Row, from_files, locked, put, take_out, unsent
from shared import clock
from shared.database import Database, DatabaseUnavailable
from shared.messages.message import instant_to_text
from shared.messages.rules import RuleGroup
from shared.rules.errors import BadRule
from shared.rules.files import GroupDraft, parse_rule_file

log = structlog.get_logger()

FILES = Author("rule files")
Kind = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True)
class Change:
    """What became of a group. `row_id` is the outbox row that announces it, if that is yet to be sent."""

    group: RuleGroup
    kind: Kind
    row_id: int | None


class Rulebook:
    """Makes, changes and deletes rule groups. `in_force` is what the bus says there is; `kept_ms` is how long history
    keeps samples."""

    def __init__(self, database: Database, in_force: Mapping[str, RuleGroup], kept_ms: int) -> None:
        self._database = database
        self._in_force, self._kept_ms = in_force, kept_ms
        self.files_problem: str | None = None
        """Why the rule files are not in force as they stand; None if they are."""
        self.files: dict[str, str] = {}
        """The rule file that each group comes from, as far as this api has read it."""

    async def create(self, drafts: Sequence[GroupDraft], author: Author) -> list[Change]:
        """Bring new groups into force, all or none; what is there already as it is sent stays.

        BadRule if one can't be taken; Problem 409 if a name stands for something else."""
        now_ms = clock.now_ms()
        await self._check([draft.group(1, author.name, now_ms, "api") for draft in drafts])
        made: list[Change] = []
        async with self._database.connection() as connection, connection.transaction():
            # In one order, so that two who make the same groups don't wait for each other for ever.
            for draft in sorted(drafts, key=lambda one: one.name):
                row = await locked(connection, draft.name)
                group = _next(draft, row, author, now_ms)
                if row is not None and not row.deleted:
                    if row.group.origin != "api" or row.digest != content_hash(group):
                        raise Problem(409, f"There is another rule {draft.name!r}, {_told(row)}: change or delete it.")
                    made.append(Change(row.group, "unchanged", await unsent(connection, row.name)))
                    continue
                made.append(Change(group, "created", await put(connection, row, group, author)))
        order = {draft.name: place for place, draft in enumerate(drafts)}
        return sorted(made, key=lambda one: order[one.group.name])

    async def replace(self, draft: GroupDraft, seen: Seen, author: Author) -> Change:
        """Put `draft` in the place of the group of its name, or make it new.

        BadRule if it can't be taken; Problem 409, 412 or 428 if it is not to replace what is there."""
        now_ms = clock.now_ms()
        await self._check([draft.group(1, author.name, now_ms, "api")])
        async with self._database.connection() as connection, connection.transaction():
            row = await locked(connection, draft.name)
            group = _next(draft, row, author, now_ms)
            if row is None or row.deleted:
                if seen.stated:
                    raise _gone(draft.name, row, seen)
                return Change(group, "created", await put(connection, row, group, author))
            _refuse_file(row)
            if row.digest == content_hash(group):
                return Change(row.group, "unchanged", await unsent(connection, row.name))
            if not seen.stated:
                raise Problem(
                    428,
                    f"{row.name!r} is there already, {_told(row)}. To replace it name that version, in the header"
                    f" `If-Match: {etag(row.version)}` or as `version` in the body.",
                )
            _refuse_stale(row, seen)
            return Change(group, "changed", await put(connection, row, group, author))

    async def amend(
        self, name: str, edit: Callable[[RuleGroup], RuleGroup], action: str, seen: Seen, author: Author
    ) -> Change:
        """Change a group to what `edit` makes of it; `action` names it in the audit log. Problem 404, 409 or 412."""
        now_ms = clock.now_ms()
        async with self._database.connection() as connection, connection.transaction():
            row = await _live(connection, name, seen)
            _refuse_file(row)
            edited = edit(row.group)
            if content_hash(edited) == row.digest:
                return Change(row.group, "unchanged", await unsent(connection, name))
            _refuse_stale(row, seen)
            group = edited.model_copy(
                update={"version": row.version + 1, "updated_by": author.name, "updated_at": now_ms}
            )
            if group.enabled and not row.group.enabled:
                try:
                    await self._check([group])
                except BadRule as error:
                    raise Problem(409, f"{name!r} can't be enabled: {error}.") from error
            return Change(group, "changed", await put(connection, row, group, author, action))

    async def delete(self, name: str, author: Author, seen: Seen = NOTHING_SEEN) -> int:
        """Take the group out of force: the outbox row that announces it. Problem 404, 409 or 412."""
        now_ms = clock.now_ms()
        async with self._database.connection() as connection, connection.transaction():
            row = await _live(connection, name, seen)
            _refuse_file(row)
            _refuse_stale(row, seen)
            return await take_out(connection, row, author, now_ms)

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

    async def _sync(self, drafts: dict[str, GroupDraft]) -> str | None:
        """What could not be brought into force, if anything."""
        taken: list[str] = []
        now_ms = clock.now_ms()
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            for name, draft in sorted(drafts.items()):
                row = await locked(connection, name)
                version = 1 if row is None else row.version + 1
                group = canonical(draft.group(version, FILES.name, now_ms, "file"))
                if row is None or row.deleted:
                    await put(connection, row, group, FILES)
                elif row.group.origin != "file":
                    taken.append(name)
                elif row.digest != content_hash(group):
                    await put(connection, row, group, FILES)
            left = await from_files(connection, list(drafts))
            for row in left:
                await take_out(connection, row, FILES, now_ms)
        log.info("rule files are in force", groups=len(drafts) - len(taken), deleted=len(left))
        if not taken:
            return None
        problem = f"groups {', '.join(taken)} of the rule files have the names of rules that were made over HTTP"
        log.error("rule files are not all in force", reason=problem)
        return problem

    async def _check(self, groups: Sequence[RuleGroup]) -> None:
        """BadRule if these groups can't be in force together with the others."""
        in_force = dict(self._in_force)

        def check() -> None:
            for group in groups:
                check_group(group, self._kept_ms)
            check_cycles(groups, in_force)

        # With thousands of rules it takes a moment in which others are to be answered.
        await asyncio.to_thread(check)


def _next(draft: GroupDraft, row: Row | None, author: Author, now_ms: int) -> RuleGroup:
    """The group that follows on `row`; one that is switched off stays so."""
    group = canonical(draft.group(1 if row is None else row.version + 1, author.name, now_ms, "api"))
    enabled = row is None or row.deleted or row.group.enabled
    return group if enabled else group.model_copy(update={"enabled": False})


async def _live(connection: Connection, name: str, seen: Seen) -> Row:
    row = await locked(connection, name)
    if row is None or row.deleted:
        raise _gone(name, row, seen)
    return row


def _gone(name: str, row: Row | None, seen: Seen) -> Problem:
    told = f"There is no rule {name!r}." if row is None else f"There is no rule {name!r} any more: {_told(row)}."
    return Problem(412 if seen.by_header else 404, told)


def _refuse_file(row: Row) -> None:
    if row.group.origin == "file":
        raise Problem(409, f"{row.name!r} comes from a rule file: change it there; api reads its files when it starts.")


def _refuse_stale(row: Row, seen: Seen) -> None:
    if not seen.allows(row.version):
        wanted = ", ".join(map(str, sorted(seen.versions or ()))) or "none of its versions"
        detail = f"{row.name!r} was changed meanwhile: {_told(row)}; the change is about version {wanted}."
        raise Problem(412 if seen.by_header else 409, detail, headers={"ETag": etag(row.version)})


def _told(row: Row) -> str:
    what = "deleted" if row.deleted else "in force"
    return f"version {row.version} is {what}, by {row.updated_by} at {instant_to_text(row.updated_at_ms)}"


def _read(paths: list[Path]) -> tuple[dict[str, GroupDraft], dict[str, str]]:
    """The groups of all rule files, by name, and the file of each. BadRule, naming file and line, if any is no good."""
    drafts: dict[str, GroupDraft] = {}
    files: dict[str, str] = {}
    for path in paths:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise BadRule(f"{path}: can't be read: {error}") from error
        for found in parse_rule_file(text, str(path)):
            if found.name in drafts:
                raise BadRule(f"{path}: there is a group {found.name!r} in an earlier rule file")
            drafts[found.name], files[found.name] = found, str(path)
    return drafts, files
