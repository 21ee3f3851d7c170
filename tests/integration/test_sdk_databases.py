"""Queries on a real PostgreSQL, timed by the SDK through each of the libraries."""

import asyncio
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
from pantau import Pantau, Settings
from pantau.asyncpg import measured as measured_connection
from pantau.asyncpg import watch as watch_asyncpg
from pantau.psycopg import measured as measured_cursor
from pantau.psycopg import watch as watch_psycopg
from pantau.sqlalchemy import watch as watch_sqlalchemy
from psycopg import sql
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import eventually


@pytest.fixture
def pantau() -> Pantau:
    return Pantau(Settings("billing", slow_query_seconds=0.05), others=())


def count(pantau: Pantau, query_type: str, table: str) -> float:
    labels = {"query_type": query_type, "table": table}
    return pantau.registry.get_sample_value("database_query_duration_seconds_count", labels) or 0.0


async def counted(pantau: Pantau, query_type: str, table: str, expected: float) -> None:
    async def look() -> bool:
        return count(pantau, query_type, table) == expected

    await eventually(look)


async def test_asyncpg_in_a_pool(pantau: Pantau, empty_database: str, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncpg.create_pool(
        empty_database, min_size=1, max_size=1, connection_class=measured_connection(pantau)
    ) as pool:
        await pool.execute("CREATE TABLE vouchers (code text)")
        await pool.executemany("INSERT INTO vouchers VALUES ($1)", [("a",), ("b",)])
        for _ in range(2):  # the connection has been back in the pool in between
            assert await pool.fetchval("SELECT count(*) FROM vouchers WHERE code <> $1", "x") == 2
        with pytest.raises(asyncpg.UndefinedTableError):
            await pool.fetch("SELECT * FROM nowhere")
        await pool.fetch("SELECT pg_sleep(0.06) FROM vouchers LIMIT 1")
        await counted(pantau, "create", "none", 1)
        await counted(pantau, "insert", "vouchers", 1)
        await counted(pantau, "select", "vouchers", 3)
        await counted(pantau, "select", "nowhere", 1)
    assert [one for one in caplog.messages if one.startswith("slow query: select on vouchers took ")]


async def test_asyncpg_on_a_connection(pantau: Pantau, empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    watch_asyncpg(connection, pantau)
    assert await connection.fetchval("SELECT 1") == 1
    await counted(pantau, "select", "none", 1)
    await connection.close()


def test_psycopg(pantau: Pantau, empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        watch_psycopg(connection, pantau)
        connection.execute("CREATE TABLE payments (amount int)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO payments VALUES (%s)", [(1,), (2,)])
            cursor.execute(sql.SQL("SELECT sum(amount) FROM {}").format(sql.Identifier("payments")))
            assert cursor.fetchone() == (3,)
            cursor.execute(b"SELECT 1")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("DELETE FROM nowhere")
    assert count(pantau, "insert", "payments") == 1
    assert count(pantau, "select", "payments") == 1
    assert count(pantau, "select", "none") == 1
    assert count(pantau, "delete", "nowhere") == 1
    assert pantau.registry.get_sample_value("pantau_sdk_errors_total", {"where": "query"}) is None


async def test_psycopg_async_with_a_cursor_of_ones_own(pantau: Pantau, empty_database: str) -> None:
    class Own(psycopg.AsyncCursor[Any]):
        """As applications have them."""

    async with await psycopg.AsyncConnection.connect(
        empty_database, cursor_factory=measured_cursor(Own, pantau)
    ) as connection:
        cursor = await connection.execute("SELECT 7")
        assert isinstance(cursor, Own)
        assert await cursor.fetchone() == (7,)
    assert count(pantau, "select", "none") == 1


async def test_sqlalchemy(pantau: Pantau, empty_database: str) -> None:
    def synchronous() -> None:
        engine = sqlalchemy.create_engine(empty_database.replace("postgresql://", "postgresql+psycopg://"))
        watch_sqlalchemy(engine, pantau)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE sessions (name text)"))
            connection.execute(sqlalchemy.text("INSERT INTO sessions VALUES (:name)"), [{"name": "a"}, {"name": "b"}])
        with pytest.raises(sqlalchemy.exc.ProgrammingError), engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT * FROM nowhere"))
        engine.dispose()

    await asyncio.to_thread(synchronous)
    assert count(pantau, "insert", "sessions") == 1
    assert count(pantau, "select", "nowhere") == 1

    engine = create_async_engine(empty_database.replace("postgresql://", "postgresql+asyncpg://"))
    watch_sqlalchemy(engine, pantau)
    async with engine.connect() as connection:
        await connection.execute(sqlalchemy.text("SELECT name FROM sessions"))
    await engine.dispose()
    assert count(pantau, "select", "sessions") == 1
