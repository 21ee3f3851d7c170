"""Room for what comes, and an end to what is over: partitions, rows, and on TimescaleDB the policies."""

import asyncio
from datetime import datetime

import asyncpg
import structlog

from services.history.connection import Connection
from services.history.core.partitions import PARTITIONED, WHOLE, Partition, Plan, plan
from services.history.measures import DROPPED
from services.history.settings import RetentionSettings
from services.history.trouble import described
from shared import clock
from shared.database import Database, DatabaseUnavailable
from shared.service import Readiness

log = structlog.get_logger()

LOCK = 0x70616E7461755F72  # "pantau_r": one instance at a time
AFTER_FAILURE_SECONDS = 2.0
ROWS_AT_A_TIME = 10_000
# Rather try again later than have queries queue up behind us.
PATIENCE = "SET LOCAL lock_timeout = '5s'"

_PARTITIONS = """
SELECT child.relname FROM pg_inherits
JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = to_regclass($1)
"""
_POLICIES = """
SELECT hypertable_name::text AS name, (config ->> 'drop_after')::interval = make_interval(days => $2) AS right
FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' AND hypertable_name = ANY($1::text[])
"""


class Retention:
    """Does its work at the start and every `interval_seconds` from then on."""

    def __init__(
        self, database: Database, readiness: Readiness, keep: RetentionSettings, interval_seconds: float
    ) -> None:
        self._database, self._readiness, self._interval_seconds = database, readiness, interval_seconds
        # A sample without the signs of its time can't be judged, nor signs without samples.
        self._keep: dict[str, int] = keep.model_dump() | {"collector_signs": keep.samples}
        self._last_trouble: str | None = None
        self.prepared = asyncio.Event()
        """Set once there is room for what comes."""

    async def run(self) -> None:
        """Work until cancelled; what fails is tried again."""
        while True:
            wait = self._interval_seconds
            try:
                await self.once(clock.now())
                self.prepared.set()
                self._last_trouble = None
            except (DatabaseUnavailable, asyncpg.PostgresError) as error:
                self._trouble(described(error))
                wait = min(wait, AFTER_FAILURE_SECONDS)
            await asyncio.sleep(wait)

    def _trouble(self, why: str) -> None:
        if not self.prepared.is_set():
            self._readiness.missing("database", why)
        if why != self._last_trouble:  # said once, not at every try
            log.warning("retention could not do its work, it is tried again", reason=why)
        self._last_trouble = why

    async def once(self, now: datetime) -> None:
        """Make the partitions around `now`, remove what is older than the settings say, or set the policies that do."""
        async with self._database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                return  # another instance is at it
            try:
                if await connection.fetchval("SELECT relkind = 'p' FROM pg_class WHERE oid = 'samples'::regclass"):
                    for table, column in PARTITIONED.items():
                        existing = [row["relname"] for row in await connection.fetch(_PARTITIONS, table)]
                        await _carry_out(connection, column, plan(table, existing, self._keep[table], now), table)
                else:
                    for table in PARTITIONED:
                        await _set_policy(connection, table, self._keep[table])
                for table, column in WHOLE.items():
                    before = plan(table, (), self._keep[table], now).delete_before
                    await _delete(connection, table, column, before)
            finally:
                if not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def _carry_out(connection: Connection, column: str, todo: Plan, table: str) -> None:
    for partition in todo.make:
        await _make(connection, partition, column)
    for partition in todo.drop:
        async with connection.transaction():
            await connection.execute(PATIENCE)
            await connection.execute(f'DROP TABLE "{partition.name}"')
        DROPPED.labels(table, "partition").inc()
        log.info("dropped a partition whose time is over", partition=partition.name)
    await _delete(connection, f"{table}_default", column, todo.delete_before)


async def _make(connection: Connection, partition: Partition, column: str) -> None:
    """Make a partition and move into it what the default partition has kept for that day."""
    default = f'"{partition.table}_default"'
    span = f"'{partition.start.isoformat()}'", f"'{partition.end.isoformat()}'"
    async with connection.transaction():
        await connection.execute(PATIENCE)
        await connection.execute(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
        # Made apart and attached: CREATE ... PARTITION OF would lock out everybody who reads the table.
        await connection.execute(
            f'CREATE TABLE "{partition.name}" (LIKE "{partition.table}" INCLUDING ALL EXCLUDING IDENTITY)'
        )
        await connection.execute(
            f'WITH moved AS (DELETE FROM {default} WHERE "{column}" >= {span[0]} AND "{column}" < {span[1]} '  # noqa: S608
            f'RETURNING *) INSERT INTO "{partition.name}" SELECT * FROM moved'
        )
        await connection.execute(
            f'ALTER TABLE "{partition.table}" ATTACH PARTITION "{partition.name}" '
            f"FOR VALUES FROM ({span[0]}) TO ({span[1]})"
        )


async def _delete(connection: Connection, table: str, column: str, before: datetime) -> None:
    """Delete rows from before that instant, few at a time, so that nobody waits for long."""
    while True:
        status = await connection.execute(
            f'DELETE FROM "{table}" WHERE ctid = ANY(ARRAY('  # noqa: S608  (names are our own)
            f'SELECT ctid FROM "{table}" WHERE "{column}" < $1 LIMIT {ROWS_AT_A_TIME}))',
            before,
        )
        count = int(status.rsplit(" ", 1)[1])
        DROPPED.labels(table, "row").inc(count)
        if count < ROWS_AT_A_TIME:
            return


async def _set_policy(connection: Connection, table: str, days: int) -> None:
    """Have TimescaleDB drop chunks of `table` after `days`."""
    policies = await connection.fetch(_POLICIES, [table], days)
    if any(policy["right"] for policy in policies):
        return
    async with connection.transaction():
        await connection.execute("SELECT remove_retention_policy($1::text::regclass, if_exists => TRUE)", table)
        await connection.execute(
            "SELECT add_retention_policy($1::text::regclass, make_interval(days => $2))", table, days
        )
    log.info("retention policy set", table=table, days=days)
