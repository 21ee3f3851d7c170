"""Whether PostgreSQL takes a connection and answers a query."""

import asyncpg

from services.health.check import Check, Finding
from services.health.core.redaction import secrets_of
from services.health.settings import Settings


class BadDsn(Exception):
    """The connection URL can't be used. Its text is not shown: it holds the password."""


class DatabaseCheck:
    """A connection of its own each time: a server that is out of connections is not healthy."""

    name = kind = "database"

    def __init__(self, dsn: str, interval_seconds: float, deadline_seconds: float) -> None:
        self._dsn = dsn
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds
        self.secrets = frozenset(secrets_of(dsn))

    async def run(self) -> Finding:
        """`SELECT 1` over a new connection."""
        try:
            connection = await asyncpg.connect(
                self._dsn, timeout=self.deadline_seconds, server_settings={"application_name": "pantau-health"}
            )
        except (ValueError, asyncpg.ClientConfigurationError) as error:
            raise BadDsn("the setting database.dsn is not a connection URL") from error
        try:
            answer = await connection.fetchval("SELECT 1", timeout=self.deadline_seconds)
            version = connection.get_server_version()
            await connection.close(timeout=self.deadline_seconds)
        finally:
            connection.terminate()  # a server that hangs gets no polite farewell; after one this does nothing
        if answer != 1:
            return Finding("unhealthy", {"connected": True, "error": f"SELECT 1 answered {answer!r}"})
        # asyncpg reads 18.6 as 18.0.6, as versions were before PostgreSQL 10.
        return Finding("healthy", {"connected": True, "version": f"{version.major}.{version.micro}"})


def checks(settings: Settings) -> list[Check]:
    """The check that `settings` ask for, if they do."""
    own, check = settings.health, settings.health.database
    dsn = settings.database.dsn.get_secret_value()
    return [DatabaseCheck(dsn, own.interval_of(check), own.deadline_of(check))] if check.enabled else []
