"""History, wired: retention makes room, then the stream stores what comes."""

from services.history.completeness import Completeness
from services.history.core.series_index import SeriesIndex
from services.history.retention import Retention
from services.history.sample_store import SampleStore
from services.history.settings import Settings
from services.history.stream import Stream
from services.history.writer import CONSUMED, Writer
from shared.bus import Consumer
from shared.database import Database
from shared.service import Program, Runtime

GROUP = "pantau.history"
DAY_MS = 24 * 60 * 60 * 1000


def program(settings: Settings) -> Program:
    """The program that these settings make."""
    history = settings.history

    async def run(runtime: Runtime) -> None:
        runtime.readiness.missing("database", "not reached yet")
        database = Database(settings.database, "history", most_connections=3)
        index = SeriesIndex(history.most_series)
        writer = Writer(database, index, SampleStore(index, history.retention.samples * DAY_MS))
        completeness = Completeness(database, runtime.broker_clock)
        stream = Stream(writer, database, runtime.readiness, completeness, history.most_messages)
        retention = Retention(database, runtime.readiness, history.retention, history.retention_interval_seconds)
        consumer = Consumer(settings.kafka.bootstrap, GROUP, CONSUMED, runtime.producer, stream.locate)
        runtime.lag = lambda: consumer.lag

        async def store() -> None:
            await retention.prepared.wait()
            await consumer.start()
            await stream.run(consumer)

        try:
            await runtime.until_stopped(retention.run(), store())
        finally:
            await consumer.stop()
            await database.close()

    return run
