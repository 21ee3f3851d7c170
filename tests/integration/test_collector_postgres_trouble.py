"""What the postgres source makes of servers that are away, hang, refuse or hide something."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local import ports, postgres
from infra.local.database_account import account, give
from infra.local.processes import Program, child, group_of
from services.collector.sources.postgres import PostgresSource
from shared.postgres.errors import DatabaseError
from tests.conftest import eventually
from tests.integration.watched_postgres import ACCESS, Values, answers, connected, truth, watched_server, watching

NOW = 1_790_000_000_000


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def port(directory: Path) -> Iterator[int]:
    with watched_server(directory) as running:
        # This role must show a password, all others needn't.
        hba = directory / "cluster" / "pg_hba.conf"
        hba.write_text(f"host all careful 127.0.0.1/32 scram-sha-256\n{ACCESS}")
        with connected(running) as connection:
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE ROLE careful LOGIN PASSWORD 'open sesame' IN ROLE pg_monitor")
            connection.execute("CREATE ROLE monitor LOGIN IN ROLE pg_monitor")
            connection.execute("CREATE ROLE plain LOGIN")
            connection.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
            connection.execute("CREATE EXTENSION pg_stat_statements")
        yield running


async def test_a_role_without_rights_is_told_what_it_may_see(tmp_path: Path, port: int) -> None:
    with connected(port, "pantau"):
        async with watching(tmp_path, port, "postgres", username="plain") as source:
            values = Values(await source.read(NOW))
    assert values.reading.failure == ""
    assert set(values.reading.problems) == {"privilege"}
    assert values.one("database_up") == 1
    assert values.one("database_connections", server="billing", database="pantau") == 1
    assert "pantau" not in values.all("database_connections_active", "database"), "rather nothing than something wrong"
    assert values.one("database_deadlocks_total", server="billing", database="pantau") == 0
    assert values.one("database_wraparound_age_transactions", server="billing", database="pantau") > 0


async def test_a_server_without_pg_stat_statements_lacks_nothing_else(tmp_path: Path, port: int) -> None:
    async with watching(tmp_path, port, "pantau") as source:
        values = Values(await source.read(NOW))
        assert (values.reading.failure, values.reading.problems) == ("", ())
        assert "database_queries_total" not in values.names()
        assert {"database_connections", "database_size_bytes"} <= values.names()
        with connected(port, "pantau") as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        source.close()
        values = Values(await source.read(NOW + 60_000))
    assert "database_queries_total" in values.names(), "it is looked for after each login"


async def test_what_a_role_may_not_do_costs_only_that_part(tmp_path: Path, port: int) -> None:
    with connected(port) as connection:
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_total_relation_size(regclass) FROM PUBLIC")
        try:
            async with watching(tmp_path, port, "postgres") as source:
                values = Values(await source.read(NOW))
                again = Values(await source.read(NOW + 30_000))
        finally:
            connection.execute("GRANT EXECUTE ON FUNCTION pg_total_relation_size(regclass) TO PUBLIC")
    assert (values.reading.failure, values.reading.problems) == ("", ("privilege",))
    assert {"database_size_bytes", "database_locks"} <= values.names()
    assert "database_table_rows" not in values.names()
    assert again.reading.problems == (), "it is tried again when it is due"


async def test_a_statement_that_takes_too_long_is_ended_and_costs_only_its_part(tmp_path: Path, port: int) -> None:
    with connected(port) as connection:
        connection.execute("ALTER FUNCTION pg_database_size(oid) RENAME TO real_database_size")
        connection.execute(
            "CREATE FUNCTION pg_catalog.pg_database_size(oid) RETURNS int8 LANGUAGE sql AS "
            "'SELECT 1::int8 FROM (SELECT pg_sleep(60)) s'"
        )
        try:
            async with watching(tmp_path, port, "postgres", statement_timeout_seconds=0.5) as source:
                values = Values(await source.read(NOW))
        finally:
            connection.execute("DROP FUNCTION pg_catalog.pg_database_size(oid)")
            connection.execute("ALTER FUNCTION real_database_size(oid) RENAME TO pg_database_size")
    assert (values.reading.failure, values.reading.problems) == ("", ("statement_timeout",))
    assert "database_size_bytes" not in values.names()
    assert {"database_queries_total", "database_replicas"} <= values.names()


@asynccontextmanager
async def tcp(answer: bytes | None) -> AsyncIterator[int]:
    """A server that answers this to whatever it is told, or (None) nothing at all; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            if answer is not None:
                writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def failure(source: PostgresSource) -> str:
    """Why it can't be read; then nothing is told but that."""
    values = Values(await source.read(NOW))
    assert values.all("database_up", "server") == {"billing": 0}
    return values.reading.failure


async def test_why_a_server_cant_be_read_is_told_apart(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (nobody,) = ports.free(1)
    expected: list[tuple[str, int, str, dict[str, Any]]] = [
        ("refused", nobody, "postgres", {}),
        ("no_database", port, "nowhere", {}),
        ("login", port, "postgres", {"username": "careful", "password": "open barley"}),
        ("login", port, "postgres", {"username": "nobody-we-know"}),
        ("too_many_connections", port, "postgres", {"username": "crowded"}),
        ("unreachable", port, "postgres", {"host": "nowhere.invalid"}),
        ("tls", port, "postgres", {"tls": {"mode": "require"}}),
    ]
    for reason, at, database, more in expected:
        async with watching(tmp_path, at, database, more=more) as source:
            assert await failure(source) == reason, more
    async with tcp(b"HTTP/1.1 400 Bad Request\r\n\r\n") as web, watching(tmp_path, web, "x") as source:
        assert await failure(source) in ("closed", "tls", "query")
    async with tcp(None) as hanging, watching(tmp_path, hanging, "x", deadline_seconds=0.3) as source:
        assert await failure(source) == "timeout"
    assert "barley" not in capsys.readouterr().out


async def test_a_password_is_read_at_each_login(tmp_path: Path, port: int) -> None:
    secret = tmp_path / "secret"
    secret.write_text("open barley\n")
    more = {"username": "careful", "password_file": str(secret)}
    async with watching(tmp_path, port, "postgres", more=more) as source:
        assert await failure(source) == "login"
        secret.write_text("open sesame\n")
        assert Values(await source.read(NOW)).one("database_up") == 1
        secret.unlink()
        assert Values(await source.read(NOW)).one("database_up") == 1, "it is logged in"


async def test_one_connection_is_kept_and_made_anew_when_it_breaks(tmp_path: Path, port: int) -> None:
    ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pantau-collector' AND state IS NOT NULL"
    async with watching(tmp_path, port, "postgres") as source:
        await source.read(NOW)
        first = truth(port, ours)
        await source.read(NOW)
        assert truth(port, ours) == first
        truth(port, f"SELECT pg_terminate_backend({first})")
        assert Values(await source.read(NOW)).one("database_up") == 1
        assert truth(port, ours) != first


async def test_nothing_can_be_written_over_it(tmp_path: Path, port: int) -> None:
    async with watching(tmp_path, port, "postgres") as source:
        await source.read(NOW)
        with pytest.raises(DatabaseError, match=r"^writes: "):
            await source._connection.rows("CREATE TABLE t (a int)")


@pytest.fixture
def standby(directory: Path, port: int) -> Iterator[int]:
    """A standby of the server, with a slot there; its port."""
    copy, (own,) = directory / "standby", ports.free(1)
    user = account()
    copy.mkdir(mode=0o700)
    give(copy, user)
    program = str(postgres.binaries() / "pg_basebackup")
    where = f"host=127.0.0.1 port={port} user=postgres application_name=jakarta"
    subprocess.run(
        [program, "-d", where, "-D", str(copy), "-R", "-X", "stream", "-c", "fast", "-C", "-S", "jakarta"],
        check=True,
        user=user,
        group=group_of(user),
        extra_groups=[] if user else None,
        cwd="/",
        timeout=60,
    )
    with (copy / "postgresql.conf").open("a") as settings:
        settings.write(f"port = {own}\n")
    running = Program(
        "standby",
        [str(postgres.binaries() / "postgres"), "-D", str(copy)],
        user=user,
        stop_signal=postgres.FAST_SHUTDOWN,
    )
    with child(running, directory / "standby.log", lambda: answers(own)):
        yield own
    truth(port, "SELECT pg_drop_replication_slot('jakarta')")
    shutil.rmtree(copy)


async def test_replication(tmp_path: Path, port: int, standby: int) -> None:
    async def streaming() -> bool:
        return bool(truth(port, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"))

    await eventually(streaming)
    async with watching(tmp_path, port, "postgres") as source, watching(tmp_path, standby, "postgres") as copy:
        with connected(standby) as replica, connected(port) as primary:
            primary.execute("CREATE TABLE written (a int)")

            async def level() -> Values | None:
                if truth(standby, "SELECT pg_last_xact_replay_timestamp() IS NULL"):
                    return None
                values = Values(await source.read(NOW))
                return values if values.all("database_replication_lag_bytes", "replica") == {"jakarta": 0} else None

            values = await eventually(level)
            assert values.one("database_replication_lag_seconds", server="billing", replica="jakarta") == 0
            assert values.one("database_replicas") == 1
            assert values.one("database_replication_slot_active", server="billing", slot="jakarta") == 1
            assert values.one("database_in_recovery") == 0
            assert "database_replay_delay_seconds" not in values.names()

            values = Values(await copy.read(NOW))
            assert (values.reading.failure, values.reading.problems) == ("", ())
            assert values.one("database_in_recovery") == 1
            assert values.one("database_replication_receiving") == 1
            assert values.one("database_wraparound_age_transactions", server="billing", database="postgres") > 0

            replica.execute("SELECT pg_wal_replay_pause()")
            primary.execute("INSERT INTO written SELECT generate_series(1, 10000)")

            async def behind() -> bool:
                now, then = primary.execute(
                    "SELECT pg_current_wal_lsn() = flush_lsn, replay_lag > '0.2 s' FROM pg_stat_replication"
                ).fetchone() or (False, False)
                return bool(now and then)

            await eventually(behind)
            lag = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float8 FROM pg_stat_replication"
            low, values, high = truth(port, lag), Values(await source.read(NOW)), truth(port, lag)
            where = {"server": "billing", "replica": "jakarta", "address": "127.0.0.1"}
            assert 100_000 < low <= values.one("database_replication_lag_bytes", **where) <= high
            assert 0.2 < values.one("database_replication_lag_seconds", **where) < 60
            assert 0 < Values(await copy.read(NOW)).one("database_replay_delay_seconds") < 60
            replica.execute("SELECT pg_wal_replay_resume()")
