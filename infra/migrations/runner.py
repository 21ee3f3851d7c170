"""Brings a database's schema up to date, one migration a transaction, one runner at a time."""

from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from infra.migrations.files import BadMigration, Flavour, Migration, pending, read

FOLDER = Path(__file__).parent
# Any number will do as long as nobody else's advisory lock has it: "pantau" in ASCII.
LOCK = 0x70616E746175
LOCK_SECONDS = 120
CONNECT_SECONDS = 10

Tell = Callable[[str], None]


def migrate(dsn: str, tell: Tell, folder: Path = FOLDER) -> list[str]:
    """Apply what the database at `dsn` lacks; the names of the files that were applied. `tell` is given
    lines of progress.

    BadMigration if the database can't be reached, a file was changed after it was applied, or one fails: the files
    before it stay applied, the failed one leaves nothing.
    """
    migrations = read(folder)
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            _lock(connection, tell)
            flavour = _flavour(connection, tell)
            todo = pending(migrations, _applied(connection), flavour)
            for number, migration in enumerate(todo, 1):
                tell(f"applying {migration.name} ({number} of {len(todo)})")
                _apply(connection, migration)
            tell(f"schema is up to date ({len(todo)} applied, {_described(flavour)})")
            return [migration.name for migration in todo]
    except psycopg.OperationalError as error:
        raise BadMigration(
            f"{_place(dsn)}: {_first_line(error)}. Is the server running, and is PANTAU_DATABASE__DSN (database.dsn in "
            "pantau.yaml) right?"
        ) from error


def _lock(connection: psycopg.Connection, tell: Tell) -> None:
    """Wait until no other runner is at work. The lock goes away with the connection."""
    taken = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    if taken == (True,):
        return
    tell("another migration is running; waiting for it")
    try:
        connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(f"{LOCK_SECONDS}s")))
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute("RESET lock_timeout")
    except psycopg.errors.LockNotAvailable as error:
        raise BadMigration(
            f"another migration has been running for {LOCK_SECONDS} s; who holds its advisory lock is in pg_locks"
        ) from error


def _flavour(connection: psycopg.Connection, tell: Tell) -> Flavour:
    """What kind of database this is. Decided at the first migration and then kept: the tables are of that kind."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        "name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = connection.execute("SELECT name FROM schema_migrations").fetchall()
    available = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
    if any(name.endswith(".postgres.sql") for (name,) in rows):
        if available:
            tell("TimescaleDB is available, but this database was made without it and stays so")
        return "postgres"
    if not available:
        if any(name.endswith(".timescale.sql") for (name,) in rows):
            raise BadMigration("this database needs the extension timescaledb, which its server no longer offers")
        return "postgres"
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except psycopg.Error as error:
        raise BadMigration(
            f"extension timescaledb is there but can't be used: {_first_line(error)}. It must be in the server's "
            "shared_preload_libraries, and the first migration needs a role that may create it"
        ) from error
    return "timescale"


def _applied(connection: psycopg.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, checksum FROM schema_migrations").fetchall())


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)", (migration.name, migration.checksum)
            )
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise BadMigration(f"{_line(migration, error)}: {_first_line(error)}") from error


def _line(migration: Migration, error: psycopg.Error) -> str:
    """`file:line` where the server says that the error is, else the file."""
    position = error.diag.statement_position
    if position is None:
        return migration.name
    return f"{migration.name}:{migration.sql[: int(position)].count(chr(10)) + 1}"


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _described(flavour: Flavour) -> str:
    return "TimescaleDB" if flavour == "timescale" else "plain PostgreSQL"


def _place(dsn: str) -> str:
    """The server in `dsn`, without the password."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    return f"PostgreSQL at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}, database {parts.get('dbname')!r}"
