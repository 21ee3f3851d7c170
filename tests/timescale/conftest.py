"""A TimescaleDB without Docker: the WebAssembly build, through Node. One connection at a time, and no COPY."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest

from infra.local import node, ports
from infra.local.errors import LocalStackError
from infra.local.processes import Program, child
from tests.conftest import run_module

HERE = Path(__file__).parent
INSTALL_SECONDS = 300


@pytest.fixture(scope="session")
def node_programs() -> Path:
    """The folder of a Node whose packages for this are installed from the lock file."""
    try:
        found = node.find()
    except LocalStackError as error:
        pytest.skip(str(error))
    installed, lock = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run(
            [str(found.npm), "ci", "--ignore-scripts"],
            cwd=HERE,
            env=found.environment(),
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"npm ci failed in {HERE}:\n{done.stdout}{done.stderr}"
    return found.programs


@pytest.fixture
def timescale_dsn(node_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The connection URL of a new TimescaleDB with today's schema."""
    (port,) = ports.free()
    dsn = f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres?sslmode=disable"
    program = Program(
        "timescale",
        [str(node_programs / "node"), str(HERE / "server.mjs"), str(port)],
        environment={"PATH": f"{node_programs}:{os.environ.get('PATH', '')}"},
    )
    with child(program, tmp_path / "timescale.log", lambda: ports.answers(port)):
        run_module("infra.migrations", PANTAU_DATABASE__DSN=dsn)
        # Every connection is the same session there: what one prepared is in the way of the next, and RESET ALL, which
        # the pool sends when a connection is given back, takes the schema `public` out of the search path.
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            connection.execute("DEALLOCATE ALL")
        monkeypatch.setattr(asyncpg.Connection, "get_reset_query", lambda _: "SET search_path TO public")
        yield dsn
