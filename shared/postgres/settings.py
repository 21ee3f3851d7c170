"""Settings of watched databases: how one is reached, and the section `postgres` of `pantau.yaml`."""

import ssl
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.secret_values import secret_in
from shared.settings import Section
from shared.tls import trusting

Part = Literal["activity", "databases", "locks", "replication", "statements", "sizes", "tables"]
PARTS: tuple[Part, ...] = ("activity", "databases", "locks", "replication", "statements", "sizes", "tables")
OWN = "pantau"

Interval = Annotated[float, Field(ge=1, le=86_400)]
Seconds = Annotated[float, Field(gt=0, le=3_600)]


class PostgresTlsSettings(Section):
    """Whether and how the connection is encrypted. The modes are libpq's."""

    mode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    """`require` trusts any certificate, `verify-ca` a trusted authority's, `verify-full` that of its host."""
    ca_file: Path | None = None
    """Certificates that are trusted, instead of the system's."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        self.argument()
        return self

    def argument(self) -> ssl.SSLContext | str | bool:
        """What asyncpg is to be told as `ssl`. ValueError naming what is no good."""
        if self.mode == "disable":
            return False
        if self.mode == "prefer":
            return "prefer"
        context = trusting(self.ca_file, anybody=self.mode == "require")
        context.check_hostname = self.mode == "verify-full"
        return context


class ConnectionSettings(Section):
    """Where a database is and how we log in: either `dsn`, or `host`, `database` and `username`."""

    dsn: SecretStr | None = None
    """`postgresql://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=…]`."""
    host: Annotated[str, Field(min_length=1)] | None = None
    """Its address or host name."""
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Absent: 5432."""
    database: Annotated[str, Field(min_length=1)] | None = None
    """The database's name."""
    username: Annotated[str, Field(min_length=1)] | None = None
    """The role."""
    password: SecretStr | None = None
    """This, `password_file`, or one in the dsn."""
    password_file: Path | None = None
    """A file that holds the password; it is read at each login, so that it may be renewed."""
    tls: PostgresTlsSettings | None = None
    """Absent: what the dsn says, else encrypted where the server can."""

    @field_validator("dsn")
    @classmethod
    def _is_url(cls, dsn: SecretStr | None) -> SecretStr | None:
        try:
            parts = urlsplit(dsn.get_secret_value()) if dsn else None
            good = parts is None or (parts.scheme in ("postgresql", "postgres") and (parts.port or 1) > 0)
        except ValueError:
            good = False
        if not good:  # without its text, which may hold the password
            raise ValueError("is not of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        return dsn

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        parts = {"host": self.host, "port": self.port, "database": self.database, "username": self.username}
        given = [name for name, value in parts.items() if value is not None]
        if self.dsn is not None and given:
            raise ValueError(f"only one of dsn and {', '.join(given)}")
        if self.dsn is None and (missing := {"host", "database", "username"} - set(given)):
            raise ValueError(f"without a dsn, {', '.join(sorted(missing))} must be said")
        in_dsn = self.dsn is not None and urlsplit(self.dsn.get_secret_value()).password is not None
        if (self.password is not None) + (self.password_file is not None) + in_dsn > 1:
            raise ValueError("only one of password, password_file and a password in the dsn")
        self.arguments()  # what can't be read is said at the start
        return self

    def arguments(self) -> dict[str, Any]:
        """What asyncpg.connect needs. ValueError naming the file if one can't be read."""
        found: dict[str, Any] = {
            "dsn": self.dsn.get_secret_value() if self.dsn else None,
            "host": self.host,
            "port": self.port or (None if self.dsn else 5432),
            "database": self.database,
            "user": self.username,
            "password": self._password(),
            "ssl": self.tls.argument() if self.tls else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _password(self) -> str | None:
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_file is None:
            return None
        return secret_in("password_file", self.password_file)


class WatchedServerSettings(ConnectionSettings):
    """One PostgreSQL server, seen from one of its databases."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """The label `server`."""
    every_database: bool = True
    """Whether the server's other databases are told too; of tables, only those of the database we are connected to."""


class PostgresSettings(Section):
    """The PostgreSQL servers that are watched."""

    own: bool = True
    """Whether Pantau's own database (section `database`) is one of them, under the name `pantau`."""
    interval_seconds: Interval = 30.0
    """How often connections, transactions, locks and replication are read."""
    statements_interval_seconds: Interval = 60.0
    """How often pg_stat_statements is read."""
    sizes_interval_seconds: Interval = 300.0
    """How often the sizes of databases and tables, dead rows and the age for wraparound are read; told with each
    reading in between as they were."""
    deadline_seconds: Seconds = 20.0
    """How long a reading of one server may take; never longer than its interval."""
    statement_timeout_seconds: Seconds = 5.0
    """How long the server may work on one of our statements. The sizes of many tables take longest."""
    lock_timeout_seconds: Seconds = 1.0
    """How long one of our statements may wait for a lock."""
    parts: list[Part] = list(PARTS)
    """What is read beside the server's state."""
    slow_query_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.5
    """From which duration on a query counts as slow."""
    top_statements: Annotated[int, Field(ge=0, le=500)] = 20
    """How many statements of a server are told one by one: those on which it spent most time."""
    statement_texts: bool = True
    """Whether their texts are told, without constants, shortened."""
    top_tables: Annotated[int, Field(ge=0, le=500)] = 20
    """How many tables are told: the largest so many and those with the most dead rows."""
    ignored_databases: list[str] = []
    """Databases that are not told."""
    most_databases: Annotated[int, Field(ge=1, le=1_000)] = 100
    """What a server has beyond these is left out, and counted as the error `too_many`."""
    servers: Annotated[list[WatchedServerSettings], Field(max_length=5_000)] = []
    """The servers themselves."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = Counter([one.name for one in self.servers] + ([OWN] if self.own else []))
        if twice := [name for name, count in names.items() if count > 1]:
            own = f"; {OWN} is Pantau's own database unless `own: false`" if self.own and OWN in twice else ""
            raise ValueError(f"two servers are called {', '.join(twice)}{own}")
        return self
