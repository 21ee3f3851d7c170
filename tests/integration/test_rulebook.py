"""Rule groups in a real PostgreSQL, changed by two apis at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from services.api.audit import Author
from services.api.core.preconditions import Seen
from services.api.problems import Problem
from services.api.rulebook import Change, Rulebook
from shared.database import Database
from shared.messages.topics import DAY_MS
from shared.rules.files import GroupDraft, parse_rule_file
from shared.settings import DatabaseSettings

SRI, BUDI = Author("sri"), Author("budi")


@pytest.fixture
async def two(database_dsn: str) -> AsyncIterator[tuple[Rulebook, Rulebook]]:
    databases = [Database(DatabaseSettings(dsn=SecretStr(database_dsn)), f"api-{n}") for n in range(2)]
    yield Rulebook(databases[0], {}, 30 * DAY_MS), Rulebook(databases[1], {}, 30 * DAY_MS)
    for database in databases:
        await database.close()


def draft(expr: str, name: str = "g") -> GroupDraft:
    (found,) = parse_rule_file(f"groups: [{{name: {name}, rules: [{{alert: A, expr: '{expr}'}}]}}]", "f")
    return found


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


async def test_of_changes_to_one_version_exactly_one_is_made(two: tuple[Rulebook, Rulebook], database_dsn: str) -> None:
    await two[0].create([draft("m > 0")], SRI)
    for version in range(1, 11):
        seen = Seen(frozenset({version}))
        outcomes = await asyncio.gather(
            *(two[n % 2].replace(draft(f"m > {version * 100 + n}"), seen, (SRI, BUDI)[n % 2]) for n in range(1, 7)),
            return_exceptions=True,
        )
        made = [one for one in outcomes if isinstance(one, Change)]
        refused = [one for one in outcomes if isinstance(one, Problem)]
        assert ([one.group.version for one in made], len(refused)) == ([version + 1], 5)
        assert {one.status_code for one in refused} == {409}
        winner = made[0].group
        assert all(f"version {version + 1} is in force, by {winner.updated_by}" in str(one.detail) for one in refused)
        assert rows(database_dsn, "SELECT version, content -> 'rules' -> 0 ->> 'expr' FROM rule_groups") == [
            (version + 1, winner.rules[0].expr)
        ]
    audit = rows(
        database_dsn, "SELECT (before ->> 'version')::int, (after ->> 'version')::int FROM audit_log ORDER BY 2"
    )
    assert audit == [(None, 1), *((n, n + 1) for n in range(1, 11))]
    outbox = rows(database_dsn, "SELECT convert_from(payload, 'UTF8')::json ->> 'version' FROM outbox"
                  " WHERE topic = 'pantau.rules' ORDER BY id")  # fmt: skip
    assert outbox == [(str(n),) for n in range(1, 12)], "the bus is told all versions in their order"


async def test_of_those_who_make_a_group_one_does(two: tuple[Rulebook, Rulebook], database_dsn: str) -> None:
    outcomes = await asyncio.gather(
        *(two[n % 2].replace(draft(f"m > {n}"), Seen(), SRI) for n in range(8)), return_exceptions=True
    )
    assert len([one for one in outcomes if isinstance(one, Change) and one.kind == "created"]) == 1
    assert [one.status_code for one in outcomes if isinstance(one, Problem)] == [428] * 7
    assert rows(database_dsn, "SELECT version FROM rule_groups") == [(1,)]


async def test_two_who_bring_the_same_groups_do_not_wait_for_each_other(two: tuple[Rulebook, Rulebook]) -> None:
    groups = [draft("m > 1", f"g{n}") for n in range(30)]
    first, second = await asyncio.gather(two[0].create(groups, SRI), two[1].create(groups[::-1], BUDI))
    kinds = [{one.kind for one in changes} for changes in (first, second)]
    assert sorted(kinds, key=str) == [{"created"}, {"unchanged"}]
    assert [one.group.name for one in second] == [f"g{n}" for n in reversed(range(30))]


async def test_all_or_none(two: tuple[Rulebook, Rulebook], database_dsn: str) -> None:
    await two[0].create([draft("m > 1", "taken")], SRI)
    with pytest.raises(Problem, match="taken"):
        await two[1].create([draft("m > 1", "free"), draft("m > 2", "taken")], BUDI)
    assert rows(database_dsn, "SELECT name FROM rule_groups") == [("taken",)]
    assert rows(database_dsn, "SELECT actor FROM audit_log") == [("sri",)]


async def test_deleting_and_changing_at_once(two: tuple[Rulebook, Rulebook], database_dsn: str) -> None:
    await two[0].create([draft("m > 1")], SRI)
    seen = Seen(frozenset({1}))
    outcomes = await asyncio.gather(
        two[0].delete("g", SRI, seen), two[1].replace(draft("m > 2"), seen, BUDI), return_exceptions=True
    )
    assert len([one for one in outcomes if isinstance(one, Problem)]) == 1
    assert rows(database_dsn, "SELECT version FROM rule_groups") == [(2,)]
