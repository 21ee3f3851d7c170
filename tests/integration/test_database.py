"""The pool: says when the server is away, gives connections back, and reads and writes JSON."""

import asyncio

import pytest
from pydantic import SecretStr

from infra.local import ports
from shared.database import Database, DatabaseUnavailable
from shared.settings import DatabaseSettings


def database(dsn: str, most_connections: int = 2) -> Database:
    return Database(DatabaseSettings(dsn=SecretStr(dsn)), "test", most_connections)


async def test_json_comes_and_goes_as_python_values(empty_database: str) -> None:
    pool = database(empty_database)
    value = {"a": [1, 2.5, None, "ü"], "b": {}}
    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT $1::jsonb", value) == value
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SHOW application_name") == "pantau-test"
    await pool.close()


async def test_a_server_that_is_not_there_is_said_so() -> None:
    pool = database(f"postgresql://pantau:s3cret@127.0.0.1:{ports.free()[0]}/pantau")
    with pytest.raises(DatabaseUnavailable) as caught:
        async with pool.connection():
            pass
    assert "s3cret" not in str(caught.value)
    await pool.close()


async def test_a_connection_that_breaks_during_the_work_is_said_so_and_the_next_works(empty_database: str) -> None:
    pool = database(empty_database)
    with pytest.raises(DatabaseUnavailable):
        async with pool.connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


async def test_when_all_connections_are_taken_the_deadline_holds(empty_database: str) -> None:
    pool = database(empty_database, most_connections=1)
    async with pool.connection():
        with pytest.raises(DatabaseUnavailable):
            async with pool.connection(deadline_seconds=0.2):
                pass
    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


async def test_cancelled_work_gives_its_connection_back(empty_database: str) -> None:
    pool = database(empty_database, most_connections=1)
    begun = asyncio.Event()

    async def work() -> None:
        async with pool.connection() as connection:
            begun.set()
            await connection.execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(work())
    await begun.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with pool.connection(deadline_seconds=30) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


async def test_our_own_mistake_is_not_called_an_absence(empty_database: str) -> None:
    import asyncpg

    pool = database(empty_database)
    with pytest.raises(asyncpg.UndefinedTableError):
        async with pool.connection() as connection:
            await connection.execute("SELECT * FROM no_such_table")
    await pool.close()
