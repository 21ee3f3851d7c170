"""The application's database: made and filled at the start, then read and written by the application."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from pantau import Pantau
from pantau.asyncpg import measured

from infra.simulator.application import customers
from infra.simulator.routeros.subscribers import Subscriber

SCHEMA = Path(__file__).with_name("schema.sql")
CONNECTIONS = 8
DEADLINE_SECONDS = 30.0

_CUSTOMER = """
SELECT username, router, profile, price, status FROM pppoe_users, pg_sleep($2) WHERE username = $1
"""
_CUSTOMERS_OF = """
SELECT username, status FROM pppoe_users, pg_sleep($2) WHERE router = $1 ORDER BY username
"""
_VOUCHER = "SELECT code, profile, status FROM vouchers, pg_sleep($2) WHERE code = $1"
_PAYMENTS = "SELECT count(*) FROM payments, pg_sleep($2) WHERE payer = $1"
_PAY = """
INSERT INTO payments (payer, kind, method, amount, status, created_at)
SELECT $1::text, $2::text, $3::text, $4::integer, $5::text, $6::timestamptz FROM pg_sleep($7)
"""
_STATUS = "UPDATE pppoe_users SET status = $2 WHERE username = ANY($1::text[])"


async def make_database(server_dsn: str, name: str) -> str:
    """The connection URL of the database `name` on that server, made if it is not there. OSError or PostgresError."""
    connection = await asyncpg.connect(server_dsn, timeout=DEADLINE_SECONDS)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            quoted = name.replace('"', '""')
            await connection.execute(f'CREATE DATABASE "{quoted}"')
    finally:
        await connection.close()
    return urlunsplit(urlsplit(server_dsn)._replace(path=f"/{name}"))


class Books:
    """The tables, through a pool whose queries the SDK times. `slow_seconds` is what each query takes longer."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self.slow_seconds = 0.0

    @classmethod
    async def open(cls, dsn: str, everybody: list[Subscriber], at_ms: int, client: Pantau) -> Self:
        """Make the tables anew and fill them, as they are at `at_ms`. OSError or PostgresError."""
        await _fill(dsn, everybody, at_ms)
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=CONNECTIONS,
            command_timeout=DEADLINE_SECONDS,
            connection_class=measured(client),
            server_settings={"application_name": "billing"},
        )
        return cls(pool)

    async def close(self) -> None:
        """Give up the connections."""
        await self._pool.close()

    async def customer(self, username: str) -> dict[str, Any] | None:
        """The customer and how often they have paid."""
        row = await self._pool.fetchrow(_CUSTOMER, username, self.slow_seconds)
        if row is None:
            return None
        paid = await self._pool.fetchval(_PAYMENTS, username, self.slow_seconds)
        return dict(row) | {"payments": paid}

    async def customers_of(self, router: str) -> list[dict[str, Any]]:
        """The customers of a router."""
        return [dict(row) for row in await self._pool.fetch(_CUSTOMERS_OF, router, self.slow_seconds)]

    async def voucher(self, code: str) -> dict[str, Any] | None:
        """The voucher of that code."""
        row = await self._pool.fetchrow(_VOUCHER, code, self.slow_seconds)
        return None if row is None else dict(row)

    async def pay(self, payer: str, kind: str, method: str, amount: int, status: str, at: datetime) -> None:
        """Note a payment."""
        await self._pool.fetchval(_PAYMENTS, payer, self.slow_seconds)
        await self._pool.execute(_PAY, payer, kind, method, amount, status, at, self.slow_seconds)

    async def set_status(self, usernames: Collection[str], status: str) -> None:
        """Note that these customers are now `active`, or `isolated`."""
        await self._pool.execute(_STATUS, list(usernames), status)


async def _fill(dsn: str, everybody: list[Subscriber], at_ms: int) -> None:
    tables: dict[str, tuple[Sequence[str] | None, Iterable[customers.Row]]] = {
        "admin_users": (None, customers.admin_users()),
        "pppoe_users": (None, customers.pppoe_users(everybody, at_ms)),
        "vouchers": (None, customers.vouchers(everybody, at_ms)),
        "payments": (
            ("payer", "kind", "method", "amount", "status", "created_at"),
            customers.payments(everybody, at_ms),
        ),
    }
    connection = await asyncpg.connect(dsn, timeout=DEADLINE_SECONDS)
    try:
        await connection.execute(SCHEMA.read_text())
        for table, (columns, rows) in tables.items():
            await connection.copy_records_to_table(table, records=rows, columns=columns)
    finally:
        await connection.close()
