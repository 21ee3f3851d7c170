"""A TimescaleDB without Docker: the WebAssembly build, through Node. One connection at a time, and no COPY."""

import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest

from infra.local import ports
from infra.local.processes import Program, child
from tests.conftest import run_module
from tests.node_packages import installed

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node_programs() -> Path:
    """The folder of a Node whose packages for this are installed from the lock file."""
    return installed(HERE).programs


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
