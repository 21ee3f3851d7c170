"""The application's administrators from its database to `pantau.access`: there they outlast that database."""

import asyncio

import structlog
from prometheus_client import Counter, Gauge

from services.collector.core.recipients import Known, Read, default_query, recipients
from services.collector.recipients_settings import AdminsSettings
from shared import clock
from shared.bus import BusUnavailable, Follower, Outgoing, Producer, Received
from shared.deadlines import Hanging, OneAtATime
from shared.messages.access import Recipient
from shared.messages.message import content_id
from shared.messages.topics import ACCESS
from shared.postgres.connection import KeptConnection, Row
from shared.postgres.errors import DatabaseError
from shared.postgres.settings import ConnectionSettings

log = structlog.get_logger()

KNOWN = Gauge("pantau_recipients", "The application's administrators that are known, who can be told of alerts")
READ = Gauge("pantau_recipients_last_read_timestamp_seconds", "When they were last read from its database")
FAILED = Counter(
    "pantau_recipients_errors_total",
    "What could not be used, by reason: empty (nobody was found, which is not believed), bad_number, no_address, "
    "bad_zone, too_many, bus, or what the database said",
    ["reason"],
)
CONNECT_SECONDS = 5.0
LONGEST_FIRST_WAIT_SECONDS = 30.0
MOST_ROWS = 1_000
# Of the columns that we understand, those that are there and that we may read: an application need not have all.
COLUMNS_QUERY = """
SELECT attname::text AS name FROM pg_attribute
WHERE attrelid = to_regclass('admin_users') AND attnum > 0 AND NOT attisdropped
  AND has_column_privilege(attrelid, attnum, 'SELECT')
"""


class Administrators:
    """Reads them periodically and writes what changed."""

    def __init__(self, settings: AdminsSettings, database: ConnectionSettings, bootstrap: str, producer: Producer):
        self._settings, self._producer, self._known = settings, producer, Known()
        self._connection = KeptConnection(
            database.arguments, {"application_name": "pantau-collector", "lock_timeout": "1000"}
        )
        self._asking = OneAtATime("administrators")
        self._follower = Follower(bootstrap, "collector", [ACCESS], producer, self._note)
        self._failed = ""

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follower.run())
            await self._follower.caught_up.wait()
            while True:
                await self.read_once()
                await asyncio.sleep(self._pause_seconds())

    async def read_once(self) -> None:
        """Read, and write what changed. What goes wrong is counted, and said once."""
        try:
            rows = await self._asking.run(self._rows, 2 * (CONNECT_SECONDS + self._settings.statement_timeout_seconds))
            if len(rows) > MOST_ROWS:
                raise DatabaseError("too_many", f"more than {MOST_ROWS} rows")
        except (DatabaseError, TimeoutError, Hanging) as error:
            self._fail(error.reason if isinstance(error, DatabaseError) else "timeout", str(error))
            return
        read = recipients(rows, self._settings.country_code, self._settings.language)
        for problem in read.problems:
            FAILED.labels(problem).inc()
        await self._write(read)

    async def _write(self, read: Read) -> None:
        changes = self._known.changes(read.recipients)
        if changes.doubtful:
            self._fail("empty", f"nobody was found, though {len(self._known)} are known, who stay so")
            return
        messages = [_outgoing(one.id, one) for one in changes.put] + [_outgoing(key, None) for key in changes.gone]
        try:
            await self._producer.send_all(messages)
        except BusUnavailable as error:
            self._fail("bus", str(error))
            return
        # Noted here too, for the follower may be behind when the next answer comes.
        for message in messages:
            self._known.note(message.key, message.message)
        self._failed = ""
        KNOWN.set(len(self._known))
        READ.set(clock.now_ms() / 1000)
        if messages:
            log.info("administrators changed", known=len(self._known), put=len(changes.put), gone=len(changes.gone))

    async def _rows(self) -> list[Row]:
        try:
            return await self._connection.again_if_closed(CONNECT_SECONDS, self._ask)
        finally:
            self._connection.drop()  # until the next time it would only take up one of the server's places

    async def _ask(self) -> list[Row]:
        seconds = self._settings.statement_timeout_seconds
        query = self._settings.query
        if query is None:
            columns = [row["name"] for row in await self._connection.rows_read_only(COLUMNS_QUERY, seconds)]
            if not columns:
                raise DatabaseError("query", "there is no table admin_users that we may read: name a query")
            query = default_query(columns)
        limited = f"SELECT * FROM (\n{query.rstrip().rstrip(';')}\n) AS answer LIMIT {MOST_ROWS + 1}"  # noqa: S608  # the operator's own
        return await self._connection.rows_read_only(limited, seconds)

    def _pause_seconds(self) -> float:
        """After a failure earlier: an application that starts with us is there in a moment."""
        interval = self._settings.interval_seconds
        return min(interval, LONGEST_FIRST_WAIT_SECONDS) if self._failed else interval

    def _fail(self, reason: str, text: str) -> None:
        FAILED.labels(reason).inc()
        if reason != self._failed:  # once, not at every attempt
            log.warning("administrators are not read; those that are known stay", reason=reason, error=text)
        self._failed = reason

    def _note(self, received: Received) -> None:
        self._known.note(received.key, received.message)
        KNOWN.set(len(self._known))


def _outgoing(key: str, recipient: Recipient | None) -> Outgoing:
    now_ms = clock.now_ms()
    said = recipient.encode() if recipient else b"gone"
    return Outgoing(ACCESS, key, recipient, content_id(ACCESS.name, key, said, str(now_ms)), time_ms=now_ms)
