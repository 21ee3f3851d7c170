"""A PostgreSQL to be watched: its superuser is ours, it counts statements, and it may be replicated."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import yaml

from infra.local import ports, postgres
from infra.local.processes import child
from services.collector.settings import Settings
from services.collector.source import Reading
from services.collector.sources import all_sources
from services.collector.sources.postgres import PostgresSource
from shared.messages.series import labels_of
from shared.settings import load

SUPERUSER = "postgres"
# It is on the loopback address only, and everybody is who they say they are.
ACCESS = "host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"


@contextmanager
def watched_server(directory: Path, **extra: str) -> Iterator[int]:
    """Such a server for as long as the block lasts; its port."""
    directory.mkdir(parents=True, exist_ok=True)
    (port,) = ports.free(1)
    settings = {**postgres.THROWAWAY, "shared_preload_libraries": "pg_stat_statements", **extra}
    program = postgres.prepare(directory / "cluster", directory / "dsn", port, extra=settings)
    (directory / "cluster" / "pg_hba.conf").write_text(ACCESS)
    with child(program, directory / "postgres.log", lambda: ports.answers(port) and answers(port)):
        yield port


def answers(port: int) -> bool:
    """Whether the server there takes connections."""
    try:
        with connected(port):
            return True
    except psycopg.OperationalError:
        return False


def connected(port: int, database: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection[Any]:
    """A connection to the server there, each statement a transaction of its own."""
    return psycopg.connect(host="127.0.0.1", port=port, dbname=database, user=user, autocommit=True, connect_timeout=5)


def settings(path: Path, **sections: Mapping[str, object]) -> Settings:
    """What the collector reads from a `pantau.yaml` with these sections; it is the machine `mon-1`."""
    document = {"collector": {"host": "mon-1"}} | {name: dict(of) for name, of in sections.items()}
    path.write_text(yaml.safe_dump(document))
    return load(Settings, {}, path)


def truth(port: int, statement: str, database: str = "postgres") -> Any:
    """The one row that `statement` answers; the value, if that is all it holds."""
    with connected(port, database) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


@asynccontextmanager
async def watching(
    path: Path, port: int, database: str, username: str = "monitor", more: Any = None, **section: object
) -> AsyncIterator[PostgresSource]:
    """The source for the server there."""
    entry = {"name": "billing", "host": "127.0.0.1", "port": port, "database": database, "username": username}
    # The statements of a test are no costlier than those of the source itself: all are told.
    section = {"own": False, "servers": [entry | (more or {})], "top_statements": 500, **section}
    (made,) = [one for one in all_sources(settings(path / "pantau.yaml", postgres=section)) if "postgres" in one.name]
    assert isinstance(made, PostgresSource)
    yield made
    made.close()


class Values:
    """The samples of a reading, by metric and labels."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._values = {sample.series: sample.value for sample in reading.samples}
        assert len(self._values) == len(reading.samples)

    def all(self, metric: str, *labels: str, **where: str) -> dict[Any, float]:
        """The values of `metric` whose labels are `where`, by these labels (one: its value, several: a tuple)."""
        found: dict[Any, float] = {}
        for series, value in self._values.items():
            of = labels_of(series)
            if of["__name__"] == metric and all(of.get(label, "") == text for label, text in where.items()):
                key = tuple(of.get(label, "") for label in labels)
                found[key[0] if len(key) == 1 else key] = value
        return found

    def one(self, metric: str, **where: str) -> float:
        """The only value of `metric` with these labels."""
        (value,) = self.all(metric, "__name__", *where, **where).values()
        return value

    def names(self) -> set[str]:
        """The metrics there are."""
        return {labels_of(series)["__name__"] for series in self._values}
