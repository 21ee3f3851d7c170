"""What an api that was away for long knows of jobs."""

from pydantic import SecretStr

from services.api.core.heartbeats import Board, Job
from services.api.heartbeat_history import recall
from shared.database import Database
from shared.settings import DatabaseSettings
from tests.integration.stored_samples import store

NOW = 1_790_000_000_000
HOUR, DAY = 3_600_000, 86_400_000


async def test_history_remembers_what_the_bus_no_longer_says(database_dsn: str) -> None:
    def key(metric: str, job: str = "invoices", instance: str = "a") -> str:
        return f'heartbeat_{metric}{{heartbeat="{job}",instance="{instance}"}}'

    store(
        database_dsn,
        {
            key("last_success_timestamp_seconds"): [(NOW - 9 * HOUR, 1_000), (NOW - 8 * HOUR, 2_000)],
            key("last_success_timestamp_seconds", instance="b"): [(NOW - 7 * HOUR, 1_500)],
            key("watched_since_timestamp_seconds"): [(NOW - 8 * HOUR, 900)],
            key("last_success_timestamp_seconds", job="gone"): [(NOW - HOUR, 3_000)],
            key("last_success_timestamp_seconds", job="backup"): [(NOW - 8 * DAY, 3_000)],
        },
    )
    board = Board([Job("invoices", 60, 60), Job("backup", 60, 60)], "a")
    database = Database(DatabaseSettings(dsn=SecretStr(database_dsn)), "test", 1)
    try:
        for told in await recall(database, list(board.jobs), NOW):
            board.recall(told)
    finally:
        await database.close()
    assert (board.known["invoices"].success_ms, board.known["invoices"].since_ms) == (2_000_000, 900_000)
    assert board.known["backup"].success_ms is None, "that is too long ago"


async def test_without_a_database_nothing_is_known_and_nothing_fails(empty_database: str) -> None:
    for dsn in ("postgresql://pantau@127.0.0.1:1/pantau", empty_database):
        database = Database(DatabaseSettings(dsn=SecretStr(dsn)), "test", 1)
        try:
            assert await recall(database, ["invoices"], NOW) == []
        finally:
            await database.close()
