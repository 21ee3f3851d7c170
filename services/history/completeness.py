"""Up to when history is complete, also while nothing comes: told to the database beside the offsets."""

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from services.history.core.instants import at
from services.history.offsets import note_complete
from shared import clock
from shared.bus import BrokerClock, Consumer
from shared.database import Database, DatabaseUnavailable

log = structlog.get_logger()

LOOK_SECONDS = 2.0


class Completeness:
    """Where everything that the broker has is stored, everything accepted before it was asked is.

    The instant is the broker's own, as its answers to our heartbeats tell, taken before the question: our clock plays
    no part, and a broker that does not answer moves nothing.
    """

    def __init__(self, database: Database, broker_clock: BrokerClock) -> None:
        self._database, self._broker_clock = database, broker_clock
        self._looked_at = clock.elapsed() - LOOK_SECONDS
        self._trouble: str | None = None

    async def look(self, consumer: Consumer) -> None:
        """Ask the broker for the ends of our partitions, at most every two seconds."""
        now_ms = self._broker_clock.now_ms()
        if not now_ms or clock.elapsed() < self._looked_at + LOOK_SECONDS:
            return
        self._looked_at = clock.elapsed()
        try:
            ends = await consumer.ends()
            if ends:
                async with self._database.connection() as connection:
                    # Others may be accepted in the same millisecond.
                    await note_complete(connection, ends, at(now_ms - 1))
            self._trouble = None
        except (KafkaError, TimeoutError, DatabaseUnavailable, asyncpg.PostgresError) as error:
            why = str(error) or type(error).__name__
            if why != self._trouble:  # said once, not at every look
                log.info("how far history is complete can't be told now", reason=why)
            self._trouble = why
