"""Administrators from a real database on a real bus, and that they outlast the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from services.collector.recipients import Administrators
from services.collector.recipients_settings import AdminsSettings
from shared.bus import Follower, Producer, Received
from shared.messages.access import Recipient
from shared.messages.topics import ACCESS
from shared.postgres.settings import ConnectionSettings
from tests.conftest import DEADLINE_SECONDS, eventually

TABLE = """
CREATE TABLE admin_users (id int, name text, whatsapp text, password text, role text, is_active boolean);
INSERT INTO admin_users VALUES (1, 'Ani', '081299990001', 'x', 'super_admin', true),
    (2, 'Budi', '081299990002', 'x', 'super_admin', true), (3, 'Cici', '081299990003', 'x', 'super_admin', false),
    (4, 'Dodi', '081299990004', 'x', 'operator', true);
"""


class Seen:
    """The recipients on the bus whose numbers begin so."""

    def __init__(self, bootstrap: str, producer: Producer, numbers: str) -> None:
        self._numbers = numbers
        self._by_id: dict[str, Recipient] = {}
        self.follower = Follower(bootstrap, "test", [ACCESS], producer, self._note)

    def _note(self, received: Received) -> None:
        self._by_id.pop(received.key, None)
        if isinstance(received.message, Recipient):
            self._by_id[received.key] = received.message

    @property
    def names(self) -> set[str]:
        """How they are called."""
        return {one.name for one in self._by_id.values() if (one.whatsapp or "").startswith(self._numbers)}

    async def become(self, *names: str) -> None:
        """Wait until it is these."""

        async def look() -> bool:
            return self.names == set(names)

        await eventually(look)


@asynccontextmanager
async def administrators(
    dsn: str, bootstrap: str, producer: Producer, numbers: str = "628129999"
) -> AsyncIterator[tuple[Administrators, Seen]]:
    """Reads them from `dsn` until the block ends."""
    seen = Seen(bootstrap, producer, numbers)
    database = ConnectionSettings.model_validate({"dsn": dsn})
    reading = Administrators(AdminsSettings(), database, bootstrap, producer)
    tasks = [asyncio.create_task(seen.follower.run()), asyncio.create_task(reading.run())]
    try:
        yield reading, seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_administrators_are_known_on_the_bus(empty_database: str, topics: str, producer: Producer) -> None:
    with psycopg.connect(empty_database, autocommit=True) as owner:
        owner.execute(TABLE)
        async with administrators(empty_database, topics, producer) as (reading, seen):
            await seen.become("Ani", "Budi")
            owner.execute("UPDATE admin_users SET name = 'Ani S.' WHERE id = 1; DELETE FROM admin_users WHERE id = 2")
            await reading.read_once()
            await seen.become("Ani S.", "Budi")  # missing once is not gone yet
            await reading.read_once()
            await seen.become("Ani S.")
            owner.execute("UPDATE admin_users SET is_active = false")  # nobody at all: not believed
            await reading.read_once()
            await reading.read_once()
            owner.execute("DROP TABLE admin_users")
            await reading.read_once()
    # Another collector, whose database is down: the bus remembers.
    async with administrators("postgresql://nobody@127.0.0.1:1/none", topics, producer) as (reading, seen):
        await asyncio.wait_for(seen.follower.caught_up.wait(), DEADLINE_SECONDS)
        await reading.read_once()
        assert seen.names == {"Ani S."}


async def test_a_table_of_which_little_may_be_read(empty_database: str, topics: str, producer: Producer) -> None:
    with psycopg.connect(empty_database, autocommit=True) as owner:
        owner.execute(TABLE.replace("9999", "9998"))
        owner.execute("ALTER TABLE admin_users DROP COLUMN name")
        owner.execute("REVOKE ALL ON admin_users FROM CURRENT_USER")
        owner.execute("GRANT SELECT (whatsapp, role, is_active) ON admin_users TO CURRENT_USER")
        async with administrators(empty_database, topics, producer, "628129998") as (_, seen):
            await seen.become("Admin …0001", "Admin …0002")
