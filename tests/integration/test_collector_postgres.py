"""The postgres source against a real server: every value is compared with the server's own answer."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.collector.sources.postgres import PostgresSource
from tests.conftest import eventually
from tests.integration.watched_postgres import Values, connected, truth, watched_server, watching

NOW = 1_790_000_000_000


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with watched_server(tmp_path_factory.mktemp("watched"), deadlock_timeout="20ms", wal_level="logical") as running:
        with connected(running) as connection:
            connection.execute("CREATE ROLE monitor LOGIN")
            connection.execute("GRANT pg_monitor TO monitor")
            connection.execute("CREATE ROLE plain LOGIN")
            connection.execute("CREATE ROLE app LOGIN")
        yield running


@pytest.fixture
def database(port: int) -> Iterator[str]:
    """A new database with pg_stat_statements in it."""
    name = f"billing_{threading.get_native_id()}"
    with connected(port) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        with connected(port, name) as own:
            own.execute("CREATE EXTENSION pg_stat_statements")
            own.execute("GRANT CREATE ON SCHEMA public TO app")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def source(tmp_path: Path, port: int, database: str) -> AsyncIterator[PostgresSource]:
    async with watching(tmp_path, port, database) as made:
        yield made


async def read(source: PostgresSource, now_ms: int = NOW) -> Values:
    """A reading in which all went well."""
    values = Values(await source.read(now_ms))
    assert (values.reading.failure, values.reading.problems) == ("", ())
    assert values.one("database_up", server="billing") == 1
    return values


@contextmanager
def in_background(port: int, database: str, statement: str) -> Iterator[None]:
    """Somebody executes `statement` for as long as the block lasts."""
    with connected(port, database) as connection:
        pid = connection.info.backend_pid

        def execute() -> None:
            with pytest.raises(psycopg.Error):
                connection.execute(statement)

        thread = threading.Thread(target=execute)
        thread.start()
        try:
            yield
        finally:
            truth(port, f"SELECT pg_terminate_backend({pid})")
            thread.join()


async def seen(port: int, condition: str) -> None:
    """Wait until there is a session of which `condition` is true."""

    async def look() -> bool:
        return bool(truth(port, f"SELECT count(*) FROM pg_stat_activity WHERE {condition}"))

    await eventually(look)


async def test_the_server(source: PostgresSource, port: int) -> None:
    values = await read(source)
    version, in_recovery = truth(port, "SELECT current_setting('server_version'), pg_is_in_recovery()")
    assert values.all("database_info", "version") == {version: 1}
    assert values.one("database_in_recovery") == in_recovery == 0
    # 100 of which 3 are for superusers.
    assert values.one("database_connections_max") == 97
    up = "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8"
    before = truth(port, up)
    assert before <= (await read(source)).one("database_uptime_seconds") <= truth(port, up)


async def test_connections(source: PostgresSource, port: int, database: str) -> None:
    with (
        connected(port, database),
        connected(port, database),
        connected(port, database) as within,
        connected(port, database, "app") as owner,
        in_background(port, database, "SELECT pg_sleep(60)"),
    ):
        within.execute("BEGIN")
        owner.execute("CREATE TABLE t (a int)")
        owner.execute("BEGIN")
        owner.execute("LOCK t IN EXCLUSIVE MODE")
        with in_background(port, database, "INSERT INTO t VALUES (1)"):
            await seen(port, f"datname = '{database}' AND wait_event_type = 'Lock'")
            await seen(
                port,
                f"datname = '{database}' AND query LIKE '%pg_sleep(60)%' AND query_start < now() - '0.6 s'::interval",
            )
            values = await read(source)
    of = {"server": "billing", "database": database}
    assert values.one("database_connections", **of) == 6
    assert values.one("database_connections_active", **of) == 2
    assert values.one("database_connections_idle", **of) == 2
    assert values.one("database_connections_idle_in_transaction", **of) == 2
    assert values.one("database_connections_blocked", **of) == 1
    assert 0.6 <= values.one("database_longest_query_seconds", **of) < 60
    assert 0.6 <= values.one("database_longest_transaction_seconds", **of) < 60
    assert 0 < values.one("database_longest_idle_in_transaction_seconds", **of) < 60
    assert values.one("database_connections_slow", **of) >= 1
    # Nobody is connected to it, and it is told all the same.
    assert values.one("database_connections", server="billing", database="pantau") == 0
    assert set(values.all("database_connections", "database")) == {"postgres", "pantau", database}


async def test_locks(source: PostgresSource, port: int, database: str) -> None:
    with connected(port, database, "app") as owner:
        owner.execute("CREATE TABLE t (a int)")
        owner.execute("INSERT INTO t VALUES (1)")
        owner.execute("BEGIN")
        owner.execute("UPDATE t SET a = 2")
        with in_background(port, database, "UPDATE t SET a = 3"):
            # It waits for the other's transaction, a lock that belongs to no database.
            await seen(
                port,
                f"datname = '{database}' AND wait_event = 'transactionid' AND state_change < now() - '0.1 s'::interval",
            )
            values = await read(source)
            held = dict(
                owner.execute(
                    "SELECT mode, count(*)::int FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE granted AND "
                    "locktype <> 'virtualxid' AND datname = current_database() AND pid <> pg_backend_pid() GROUP BY 1"
                ).fetchall()
            )
    of = {"server": "billing", "database": database}
    # The owner's own: the table for writing, its transaction.
    held["RowExclusiveLock"] = held.get("RowExclusiveLock", 0) + 1
    held["ExclusiveLock"] = held.get("ExclusiveLock", 0) + 1
    told = values.all("database_locks", "mode", **of)
    assert {mode: count for mode, count in told.items() if count} == held
    assert len(told) == 8, "modes that nobody holds are told, too"
    assert values.one("database_locks_waiting", **of) == 1
    assert 0.1 <= values.one("database_lock_wait_longest_seconds", **of) < 60
    assert values.one("database_locks_waiting", server="billing", database="postgres") == 0


COUNTERS = {
    "database_transactions_total": {"commit": "xact_commit", "rollback": "xact_rollback"},
    "database_rows_total": {one: f"tup_{one}" for one in ("returned", "fetched", "inserted", "updated", "deleted")},
    "database_sessions_lost_total": {one: f"sessions_{one}" for one in ("abandoned", "fatal", "killed")},
    "database_blocks_hit_total": {"": "blks_hit"},
    "database_blocks_read_total": {"": "blks_read"},
    "database_deadlocks_total": {"": "deadlocks"},
    "database_conflicts_total": {"": "conflicts"},
    "database_temporary_files_total": {"": "temp_files"},
    "database_temporary_bytes_total": {"": "temp_bytes"},
    "database_checksum_failures_total": {"": "checksum_failures"},
}
LABELS = {
    "database_transactions_total": "outcome",
    "database_rows_total": "operation",
    "database_sessions_lost_total": "cause",
}


async def test_counters(source: PostgresSource, port: int, database: str) -> None:
    with connected(port, database) as connection:
        connection.execute("CREATE TABLE t (a int PRIMARY KEY)")
        connection.execute("INSERT INTO t SELECT generate_series(1, 10000)")
        connection.execute("UPDATE t SET a = -a WHERE a <= 70")
        connection.execute("DELETE FROM t WHERE a > 9000")
        connection.execute("SET work_mem = '64kB'")
        connection.execute("SELECT count(*) FROM (SELECT a FROM t ORDER BY a % 1000, a) s")
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / 0")
    deadlock(port, database)
    columns = [(metric, label, column) for metric, of in COUNTERS.items() for label, column in of.items()]
    select = (
        f"SELECT {', '.join(column for _, _, column in columns)} FROM pg_stat_database WHERE datname = '{database}'"
    )

    async def written() -> bool:  # sessions tell what they did when they end
        return bool(
            truth(port, f"SELECT temp_files > 0 AND deadlocks > 0 FROM pg_stat_database WHERE datname = '{database}'")
        )

    await eventually(written)
    before = truth(port, select)
    values = await read(source)
    after = truth(port, select)
    for (metric, label, column), low, high in zip(columns, before, after, strict=True):
        where = {LABELS[metric]: label} if label else {}
        value = values.one(metric, server="billing", database=database, **where)
        assert low <= value <= high, (metric, column)
    at_least = {"tup_inserted": 10_000, "tup_updated": 70, "tup_deleted": 1_000, "deadlocks": 1, "xact_rollback": 2}
    for (_, _, column), low in zip(columns, before, strict=True):
        assert low >= at_least.get(column, 0)


def deadlock(port: int, database: str) -> None:
    """Make one."""
    with connected(port, database) as one, connected(port, database) as other:
        one.execute("CREATE TABLE d (a int); INSERT INTO d VALUES (1), (2)")
        one.execute("BEGIN")
        other.execute("BEGIN")
        one.execute("UPDATE d SET a = 1 WHERE a = 1")
        other.execute("UPDATE d SET a = 2 WHERE a = 2")
        failed: list[psycopg.Error] = []

        def cross(connection: psycopg.Connection[Any], number: int) -> None:
            try:
                connection.execute(f"UPDATE d SET a = {number} WHERE a = {number}")
            except psycopg.errors.DeadlockDetected as error:
                failed.append(error)
            finally:
                connection.execute("ROLLBACK")

        thread = threading.Thread(target=cross, args=(one, 2))
        thread.start()
        cross(other, 1)
        thread.join()
    assert len(failed) == 1


async def test_statements(source: PostgresSource, port: int, database: str) -> None:
    of = {"server": "billing", "database": database}
    with connected(port, database) as connection:
        connection.execute("CREATE TABLE vouchers (code text)")
        first = await read(source)
        assert first.one("database_queries_total", **of) == 0, "counting begins now"
        assert first.all("database_slow_statements", "database") == {}
        for code in range(7):
            connection.execute(f"INSERT INTO vouchers VALUES ('{code}'), ('secret')")
        connection.execute("SELECT pg_sleep(0.6), count(*) FROM vouchers -- by month")
        connection.execute("ALTER ROLE app PASSWORD 'hush-hush'")
        values = await read(source, NOW + 60_000)
        calls, seconds, rows, query_id = truth(
            port,
            "SELECT calls, total_exec_time / 1000, rows, queryid::text FROM pg_stat_statements "
            "WHERE query LIKE 'INSERT INTO vouchers%'",
            database,
        )
    assert (calls, rows) == (7, 14)
    statement = {**of, "query_id": query_id}
    assert values.one("database_statement_calls_total", **statement) == 7
    assert values.one("database_statement_rows_total", **statement) == 14
    assert values.one("database_statement_seconds_total", **statement) == pytest.approx(seconds)
    assert values.one("database_statement_info", query="INSERT INTO vouchers VALUES ($1), ($2)", **statement) == 1
    assert values.one("database_queries_total", **of) >= 9
    assert values.one("database_query_seconds_total", **of) >= 0.6
    assert values.one("database_slow_statements", **of) == 1
    texts = " ".join(values.all("database_statement_info", "query"))
    assert "SELECT pg_sleep($1), count(*) FROM vouchers" in texts
    assert "hush" not in texts
    assert "secret" not in texts


async def test_a_server_that_forgets_its_statements_makes_no_counter_fall(
    source: PostgresSource, port: int, database: str
) -> None:
    of = {"server": "billing", "database": database}
    with connected(port, database) as connection:
        await read(source)
        for _ in range(40):
            connection.execute("SELECT 1")
        before = (await read(source, NOW + 60_000)).one("database_queries_total", **of)
        assert before >= 40
        connection.execute("SELECT pg_stat_statements_reset()")
        connection.execute("SELECT 1")
        after = (await read(source, NOW + 120_000)).one("database_queries_total", **of)
    assert before < after < before + 40


async def test_sizes_and_tables(source: PostgresSource, port: int, database: str) -> None:
    with connected(port, database) as connection:
        connection.execute("CREATE TABLE small (a int)")
        connection.execute("CREATE TABLE payments (month int, note text) PARTITION BY LIST (month)")
        for month in (1, 2):
            connection.execute(f"CREATE TABLE payments_{month} PARTITION OF payments FOR VALUES IN ({month})")
        connection.execute("CREATE INDEX ON payments (note)")
        connection.execute(
            "INSERT INTO payments SELECT 1 + i % 2, repeat(i::text, 100) FROM generate_series(1, 2000) i"
        )
        connection.execute("DELETE FROM payments WHERE month = 1 AND note < '5'")
        connection.execute("CREATE TABLE parent (a int)")
        connection.execute("CREATE TABLE child (b int) INHERITS (parent)")
        connection.execute("INSERT INTO child SELECT i, i FROM generate_series(1, 500) i")
        connection.execute("SELECT pg_stat_force_next_flush()")
        connection.execute("SELECT 1")
        values = await read(source)

        def of(*tables: str) -> tuple[Any, ...]:
            row = connection.execute(
                "SELECT sum(pg_total_relation_size(relid))::float8, sum(n_live_tup)::float8, sum(n_dead_tup)::float8 "
                "FROM pg_stat_user_tables WHERE relname = ANY(%s)",
                (list(tables),),
            ).fetchone()
            assert row is not None
            return tuple(row)

        expected = {
            "small": of("small"),
            "payments": of("payments_1", "payments_2"),
            "parent": of("parent", "child"),
        }
        sizes = dict(
            connection.execute("SELECT datname, pg_database_size(datname)::float8 FROM pg_database").fetchall()
        )
        ages = dict(connection.execute("SELECT datname, age(datfrozenxid)::float8 FROM pg_database").fetchall())
    metrics = ("database_table_size_bytes", "database_table_rows", "database_table_dead_rows")
    told = {
        table: tuple(
            values.one(one, server="billing", database=database, schema="public", table=table) for one in metrics
        )
        for table in expected
    }
    assert told == expected
    assert told["payments"][2] > 400
    assert set(values.all(metrics[0], "table")) == set(expected)
    assert values.all("database_size_bytes", "database") == {
        name: size for name, size in sizes.items() if not name.startswith("template")
    }
    assert values.all("database_wraparound_age_transactions", "database") == ages
    percent = values.all("database_wraparound_usage_percent", "database")
    assert percent[database] == pytest.approx(100 * ages[database] / 2**31)


async def test_sizes_are_read_every_five_minutes_and_told_in_between(
    source: PostgresSource, port: int, database: str
) -> None:
    with connected(port, database) as connection:
        connection.execute("CREATE TABLE t (a int)")
        before = await read(source)
        connection.execute("INSERT INTO t SELECT generate_series(1, 10000)")
        size = truth(port, "SELECT pg_total_relation_size('t')", database)
    for later in (30_000, 270_000):
        again = await read(source, NOW + later)
        assert again.all("database_table_size_bytes", "table") == before.all("database_table_size_bytes", "table")
        assert {sample.time_ms for sample in again.reading.samples} == {NOW + later}
    assert (await read(source, NOW + 300_000)).one("database_table_size_bytes", table="t") == size


async def test_a_table_that_is_locked_is_left_out_and_makes_nobody_wait(
    source: PostgresSource, port: int, database: str
) -> None:
    with connected(port, database) as connection, connected(port, database) as other:
        for table in ("a", "b", "c"):
            connection.execute(f"CREATE TABLE {table} (a int PRIMARY KEY)")
        connection.execute("BEGIN; LOCK a")
        other.execute("BEGIN; REINDEX INDEX b_pkey")
        values = Values(await source.read(NOW))
    assert (values.reading.failure, values.reading.problems) == ("", ("locked",))
    assert values.all("database_table_size_bytes", "table").keys() == {"c"}


async def test_only_the_own_database_and_not_what_is_ignored(tmp_path: Path, port: int, database: str) -> None:
    async with watching(tmp_path, port, database, more={"every_database": False}) as source:
        values = await read(source)
    assert set(values.all("database_connections", "database")) == {database}
    assert set(values.all("database_wraparound_usage_percent", "database")) == {database}
    async with watching(tmp_path, port, database, ignored_databases=["pantau"]) as source:
        values = await read(source)
    assert set(values.all("database_size_bytes", "database")) == {database, "postgres"}
    async with watching(tmp_path, port, database, most_databases=1) as source:
        values = Values(await source.read(NOW))
    assert values.reading.problems == ("too_many",)
    assert set(values.all("database_size_bytes", "database")) == {database}, "the one we are connected to comes first"


async def test_parts_that_are_not_wanted_are_not_read(tmp_path: Path, port: int, database: str) -> None:
    async with watching(tmp_path, port, database, parts=["sizes"]) as source:
        names = (await read(source)).names()
    assert {"database_size_bytes", "database_wraparound_usage_percent"} <= names
    assert not names & {"database_connections", "database_locks", "database_table_rows", "database_queries_total"}
