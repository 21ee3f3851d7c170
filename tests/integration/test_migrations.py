"""The migrations on a real database: once, one at a time, all or nothing."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from infra.migrations.files import BadMigration, read
from infra.migrations.runner import FOLDER, migrate
from tests.conftest import clean_environment, run_module

SPECIFIED = {
    "metrics": "id metric_name metric_type value labels timestamp",
    "performance_snapshots": "id snapshot_time cpu_usage memory_usage memory_total memory_used disk_usage disk_total"
    " disk_used network_rx network_tx load_average uptime_seconds process_count",
    "api_performance_logs": "id method route status_code response_time_ms request_size response_size user_agent"
    " ip_address timestamp",
    "health_check_results": "id service_name status response_time_ms details checked_at",
    "alert_logs": "id alert_type severity message details resolved_at created_at",
}


def quiet(_: str) -> None:
    pass


def columns(dsn: str, table: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " ORDER BY ordinal_position",
            (table,),
        ).fetchall()
    return [name for (name,) in rows]


def test_the_specifications_tables_have_its_columns(database_dsn: str) -> None:
    for table, names in SPECIFIED.items():
        wanted = names.split()
        assert columns(database_dsn, table)[: len(wanted)] == wanted, table


def test_the_second_run_does_nothing_and_both_tell_what_they_do(empty_database: str) -> None:
    first = run_module("infra.migrations", PANTAU_DATABASE__DSN=empty_database)
    assert "applying 0001_series.sql (1 of " in first
    second = run_module("infra.migrations", PANTAU_DATABASE__DSN=empty_database)
    assert "applying" not in second
    assert "schema is up to date (0 applied" in second


def test_two_at_once_apply_each_file_once(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(empty_database, quiet), range(4)))
    assert sorted(map(bool, applied)) == [False, False, False, True]


def test_a_changed_file_is_refused_by_name(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a ();")
    migrate(empty_database, quiet, tmp_path)
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a (); -- and a word")
    with pytest.raises(BadMigration, match=r"^0001_a\.sql: was changed after it was applied"):
        migrate(empty_database, quiet, tmp_path)


def test_a_file_that_fails_leaves_nothing_and_says_where(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a ();")
    (tmp_path / "0002_b.sql").write_text("CREATE TABLE b ();\n\nCREATE TABEL c ();\n")
    with pytest.raises(BadMigration, match=r"^0002_b\.sql:3: syntax error"):
        migrate(empty_database, quiet, tmp_path)
    assert columns(empty_database, "schema_migrations")
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT to_regclass('a') IS NOT NULL, to_regclass('b') IS NULL").fetchone() == (
            True,
            True,
        )
    (tmp_path / "0002_b.sql").write_text("CREATE TABLE b ();")
    assert migrate(empty_database, quiet, tmp_path) == ["0002_b.sql"]


def test_no_server_is_a_sentence_without_the_password() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.migrations"],
        env=clean_environment(PANTAU_DATABASE__DSN="postgresql://pantau:secret-word@127.0.0.1:1/pantau"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("migrations: PostgreSQL at 127.0.0.1:1, database 'pantau': ")
    assert "PANTAU_DATABASE__DSN" in done.stderr
    assert "secret-word" not in done.stderr
    assert "Traceback" not in done.stderr


def test_series_keys_longer_than_an_index_entry_are_told_apart(database_dsn: str) -> None:
    long = 'm{a="' + "x" * 50_000 + '\\\\é"}'
    with psycopg.connect(database_dsn) as connection:
        insert = "INSERT INTO series (key, metric) VALUES (%s, 'm') ON CONFLICT (digest) DO NOTHING RETURNING id"
        assert connection.execute(insert, (long,)).fetchone()
        assert connection.execute(insert, (long + " ",)).fetchone()
        assert connection.execute(insert, (long,)).fetchone() is None


def test_every_file_of_the_project_is_read() -> None:
    assert len(read(FOLDER)) == len(list(FOLDER.glob("*.sql")))
