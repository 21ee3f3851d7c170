"""What tests share: real servers, a migrated database of one's own, topics, and patience."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from infra.local import ports
from shared.bus import Producer
from tests.scheduling import ByServers, long_ones_first
from tests.servers import kafka_server, postgres_server

DEADLINE_SECONDS = 60.0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServers | None:
    """With `--dist=loadfile`: see there."""
    return ByServers(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Alone, tests run in their order: the quick ones tell first what is wrong."""
    if hasattr(config, "workerinput"):
        long_ones_first(items)


@pytest.fixture(scope="module")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka of this test module's own, without topics."""
    with kafka_server(tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="module")
def topics(kafka_bootstrap: str) -> str:
    """All of Pantau's topics exist there; the bootstrap address."""
    run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka_bootstrap)
    return kafka_bootstrap


@pytest.fixture
def own_topics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka of the test's own with all topics, for what must find nothing of other tests; the bootstrap address."""
    with kafka_server(tmp_path_factory.mktemp("kafka")) as bootstrap:
        run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=bootstrap)
        yield bootstrap


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL for all tests; each takes a database of its own."""
    with postgres_server(tmp_path_factory.mktemp("postgres")) as dsn:
        yield dsn


@pytest.fixture
def empty_database(postgres_dsn: str) -> Iterator[str]:
    """The connection URL of a new, empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(postgres_dsn)._replace(path=f"/{name}"))
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database_dsn(empty_database: str) -> str:
    """The connection URL of a new database with today's schema."""
    run_module("infra.migrations", PANTAU_DATABASE__DSN=empty_database)
    return empty_database


@pytest.fixture
async def producer(topics: str) -> AsyncIterator[Producer]:
    """A producer to a Kafka that has all topics."""
    running = Producer(topics, "test")
    await running.start()
    yield running
    await running.stop()


def run_module(module: str, *arguments: str, **environment: str) -> str:
    """The output of `python -m module`, run to its end. Fails the test with that output unless it exits with 0."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"python -m {module} exited with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def clean_environment(**environment: str) -> dict[str, str]:
    """This process's environment without settings of Pantau, and `environment` on top."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PANTAU_")}
    return kept | environment


def two_ports_in_a_row() -> int:
    """The lower of two free ports, for alerting workers beside the first."""
    candidates = ports.free(50)
    return next(
        one for one in candidates if not ports.conflicts([ports.Listener("", one), ports.Listener("", one + 1)])
    )


T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T | None]], deadline_seconds: float = DEADLINE_SECONDS) -> T:
    """The first truthy answer of `look`, asked again and again; AssertionError with the last one after the deadline."""
    answer: T | None = None
    try:
        async with asyncio.timeout(deadline_seconds):
            while not (answer := await look()):  # noqa: ASYNC110  (what is looked at lies in other processes)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {deadline_seconds:g} s; last answer: {answer!r}") from None
    return answer
