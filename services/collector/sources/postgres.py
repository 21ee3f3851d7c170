"""PostgreSQL servers: one source, and one connection that is kept open, for each. It never writes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from services.collector.core.cadence import Cadence
from services.collector.core.postgres import metrics as m
from services.collector.core.postgres import queries, readings
from services.collector.core.postgres.executed import Executed
from services.collector.core.postgres.metrics import METRICS
from services.collector.core.postgres.readings import Told
from services.collector.settings import Settings
from services.collector.source import Reading, Source
from shared.messages.samples import Sample
from shared.postgres.connection import KeptConnection
from shared.postgres.errors import OF_STATEMENTS, REASONS, DatabaseError
from shared.postgres.settings import OWN, Part, PostgresSettings

__all__ = ["METRICS", "PostgresSource", "sources"]

log = structlog.get_logger()

# What is left of the deadline is for saying that the server let it pass.
OWN_SHARE = 0.9
# pg_stat_statements keeps 5,000 unless told otherwise.
MOST_STATEMENTS = 20_000
# Before this version of the extension its columns had other names.
OLDEST_EXTENSION = (1, 8)


class PostgresSource:
    """Reads one server, part by part; what can't be read costs only its own samples, unless the connection is lost."""

    metrics = METRICS
    reasons: tuple[str, ...] = (*REASONS, "too_many", "old_extension", "locked")

    def __init__(
        self,
        host: str,
        settings: PostgresSettings,
        name: str,
        arguments: Callable[[], Mapping[str, Any]],
        every_database: bool = True,
    ) -> None:
        """`host` is this machine, whose reading it is; `arguments` say how the server called `name` is reached."""
        self.host, self.name = host, f"postgres/{name}"
        self.origin = f"collector/{host}/{self.name}"
        self.interval_seconds = settings.interval_seconds
        self.deadline_seconds = min(settings.deadline_seconds, settings.interval_seconds)
        self._settings, self._server = settings, name
        self._every_database = every_database
        self._connection = KeptConnection(
            arguments,
            {
                "application_name": "pantau-collector",
                "search_path": "pg_catalog",
                "statement_timeout": f"{settings.statement_timeout_seconds * 1000:.0f}",
                "lock_timeout": f"{settings.lock_timeout_seconds * 1000:.0f}",
            },
        )
        rare = {"statements": settings.statements_interval_seconds}
        rare |= dict.fromkeys(("sizes", "tables"), settings.sizes_interval_seconds)
        self._cadences: dict[Part, Cadence] = {part: Cadence(rare.get(part, 0.0)) for part in settings.parts}
        self._executed = Executed(name, settings.slow_query_seconds, settings.top_statements)
        # Where pg_stat_statements is; None: not there. Looked for again after the next login.
        self._extension: tuple[str, tuple[int, ...]] | None = None
        self._looked = 0
        self._known_problems: set[tuple[str, str]] = set()
        self._failed = ""

    async def read(self, now_ms: int) -> Reading:
        """One reading. It never raises what the server does: a server that is down is a reading too."""
        samples: list[Sample] = []
        problems: list[str] = []
        failure = ""
        try:
            async with asyncio.timeout(OWN_SHARE * self.deadline_seconds):
                await self._state(now_ms, samples, problems)
                for part in self._cadences:
                    await self._part(part, now_ms, samples, problems)
        except TimeoutError:
            self._connection.drop()
            failure = self._fails("timeout", f"no answer within {OWN_SHARE * self.deadline_seconds:g} s")
        except DatabaseError as error:
            failure = self._fails(error.reason, str(error))
        self._failed = failure
        samples.append(m.UP.sample(now_ms, not failure, server=self._server))
        return Reading(samples, tuple(problems), failure)

    def close(self) -> None:
        """Leave the server."""
        self._connection.drop()

    async def _state(self, now_ms: int, samples: list[Sample], problems: list[str]) -> None:
        """The first thing read: a server that doesn't answer this is down."""
        (row,) = await self._connection.again_if_closed(
            self.deadline_seconds,
            lambda: self._connection.rows(queries.SERVER, self._settings.ignored_databases, self._every_database),
        )
        samples += readings.server(self._server, now_ms, row)
        if row["databases"] > self._settings.most_databases:
            text = f"{row['databases']} databases, most_databases is {self._settings.most_databases}"
            self._note("databases", "too_many", text, problems)

    async def _part(self, part: Part, now_ms: int, samples: list[Sample], problems: list[str]) -> None:
        """Read a part that is due, or tell what it said last. What fails in it costs this part alone."""
        cadence = self._cadences[part]
        if not cadence.due(now_ms, self.interval_seconds):
            samples += cadence.again(now_ms)
            return
        cadence.read(now_ms, ())
        try:
            told = await self._readers[part](self, now_ms)
        except DatabaseError as error:
            if error.reason not in OF_STATEMENTS:
                cadence.forget()
                raise
            self._note(part, error.reason, str(error), problems)
            return
        for reason in told.problems:
            self._note(part, reason, "not all is told", problems)
        cadence.read(now_ms, told.samples)
        samples += told.samples

    def _note(self, part: str, reason: str, text: str, problems: list[str]) -> None:
        if (part, reason) not in self._known_problems:  # once, not at every attempt
            self._known_problems.add((part, reason))
            log.warning("part of a database can't be read", server=self._server, part=part, reason=reason, error=text)
        problems.append(reason)

    def _fails(self, reason: str, text: str) -> str:
        if reason != self._failed:
            log.warning("database can't be read", server=self._server, error=text)
        return reason

    async def _rows(self, statement: str, *more: object) -> list[Mapping[str, Any]]:
        """The answer to a statement about the databases that are told."""
        settings = self._settings
        return await self._connection.rows(
            statement, settings.ignored_databases, self._every_database, settings.most_databases, *more
        )

    async def _activity(self, now_ms: int) -> Told:
        rows = await self._rows(queries.ACTIVITY, self._settings.slow_query_seconds)
        return readings.activity(self._server, now_ms, rows)

    async def _databases(self, now_ms: int) -> Told:
        rows = await self._rows(queries.databases(self._connection.version))
        return readings.databases(self._server, now_ms, rows)

    async def _locks(self, now_ms: int) -> Told:
        rows = await self._rows(queries.locks(self._connection.version))
        return readings.locks(self._server, now_ms, rows)

    async def _replication(self, now_ms: int) -> Told:
        replicas = await self._connection.rows(queries.REPLICAS)
        slots = await self._connection.rows(queries.SLOTS)
        standby = await self._connection.rows(queries.STANDBY)
        return readings.replication(self._server, now_ms, replicas, slots, standby)

    async def _statements(self, now_ms: int) -> Told:
        if self._looked != self._connection.logins:
            self._extension = await self._find_extension()
            self._looked = self._connection.logins
        if self._extension is None:
            return Told([])
        schema, version = self._extension
        if version < OLDEST_EXTENSION:
            return Told([], ("old_extension",))
        rows = await self._rows(queries.executed(schema, version), MOST_STATEMENTS + 1)
        visible = [row for row in rows[:MOST_STATEMENTS] if row["queryid"] is not None]
        problems = ["privilege"] * any(row["queryid"] is None for row in rows)
        problems += ["too_many"] * (len(rows) > MOST_STATEMENTS)
        samples = self._executed.samples(now_ms, visible)
        if self._settings.statement_texts:
            if unknown := self._executed.without_text():
                texts = await self._connection.rows(queries.texts(schema), [str(one) for one in unknown])
                self._executed.learn({row["queryid"]: row["query"] for row in texts})
            samples += self._executed.infos(now_ms)
        return Told(samples, tuple(problems))

    async def _find_extension(self) -> tuple[str, tuple[int, ...]] | None:
        found = await self._connection.rows(queries.EXTENSION)
        if not found:
            log.info("database has no pg_stat_statements: no times of statements", server=self._server)
            return None
        return found[0]["schema"], tuple(int(part) for part in found[0]["version"].split("."))

    async def _sizes(self, now_ms: int) -> Told:
        return readings.sizes(self._server, now_ms, await self._rows(queries.SIZES), await self._rows(queries.AGES))

    async def _tables(self, now_ms: int) -> Told:
        rows = await self._connection.rows(queries.TABLES, self._settings.top_tables)
        return readings.tables(self._server, now_ms, rows)

    _readers: dict[Part, Callable[["PostgresSource", int], Awaitable[Told]]] = {
        "activity": _activity,
        "databases": _databases,
        "locks": _locks,
        "replication": _replication,
        "statements": _statements,
        "sizes": _sizes,
        "tables": _tables,
    }


def sources(settings: Settings) -> list[Source]:
    """A source for Pantau's own database, unless it is not wanted, and for each server of the section `postgres`."""
    host, postgres = settings.collector.host, settings.postgres
    own = {"dsn": settings.database.dsn.get_secret_value()}
    found: list[Source] = [PostgresSource(host, postgres, OWN, lambda: own)] if postgres.own else []
    return found + [
        PostgresSource(host, postgres, one.name, one.arguments, one.every_database) for one in postgres.servers
    ]
