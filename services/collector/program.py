"""The collector's wiring: sources and scrapes -> backlog -> bus, and the latest values -> exporter."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial

import structlog

from services.collector import scheduler
from services.collector.core.batches import batches
from services.collector.core.latest import Latest
from services.collector.core.schedule import first_waits
from services.collector.exporter import Exporter, Helps
from services.collector.following import follower
from services.collector.recipients import Administrators
from services.collector.scraping.loop import Scraped
from services.collector.settings import Settings
from services.collector.source import Source
from services.collector.sources import all_sources
from services.collector.sources.prometheus import METRICS as SCRAPE_METRICS
from services.collector.sources.prometheus import Scraper
from shared import clock
from shared.bus import Outgoing
from shared.bus.backlog import Backlog
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import SAMPLES
from shared.service import Program, Runtime

log = structlog.get_logger()

DRAIN_SECONDS = 3.0


def program(settings: Settings) -> Program:
    """The program that collects what `settings` ask for, until it is cancelled."""

    async def run(runtime: Runtime) -> None:
        own = settings.collector
        latest = Latest(own.exporter.most_followed_series)
        backlog = Backlog(
            runtime.producer,
            longest_ms=round(own.buffer_seconds * 1000),
            most_bytes=own.buffer_bytes,
            bus_is=partial(runtime.readiness.report, "bus"),
        )

        def send(origin: str, made: Sequence[SampleBatch]) -> None:
            now_ms = clock.now_ms()
            backlog.put([Outgoing(SAMPLES, origin, batch, time_ms=now_ms) for batch in made], now_ms)

        def publish(source: Source, samples: list[Sample]) -> None:
            latest.put(samples, round(source.interval_seconds * 1000))
            send(source.origin, batches(source.origin, samples))

        def publish_scrape(scraped: Scraped) -> None:
            if scraped.ended:
                latest.release(scraped.target)
                helps.forget(scraped.target)
            else:
                latest.hold(scraped.target, scraped.batches, clock.now_ms(), scraped.interval_ms)
                helps.told(scraped.target, scraped.helps)
            send(scraped.origin, scraped.batches)

        sources = all_sources(settings)
        kinds = [(source.name.partition("/")[0], source.interval_seconds) for source in sources]
        metrics = [*scheduler.METRICS, *SCRAPE_METRICS, *(metric for source in sources for metric in source.metrics)]
        helps = Helps(metrics)
        scraper = Scraper(own.host, settings.scrape)
        exporter = Exporter(own.exporter, latest, helps, scraper.status)
        host, port = await exporter.start()
        log.info(
            "collecting",
            sources=Counter(kind for kind, _ in kinds),
            jobs=len(settings.scrape.jobs),
            exporter=f"http://{host}:{port}/metrics",
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(backlog.run())
                tasks.create_task(scraper.run(publish_scrape))
                if own.exporter.follow_bus:
                    tasks.create_task(follower(settings.kafka.bootstrap, runtime.producer, latest).run())
                if (administrators := read_administrators(settings, runtime)) is not None:
                    tasks.create_task(administrators.run())
                for source, wait in zip(sources, first_waits(kinds), strict=True):
                    tasks.create_task(scheduler.Reader(source, publish, own.longest_pause_seconds, wait).run())
        finally:
            await backlog.drain(DRAIN_SECONDS)
            await exporter.stop()

    return run


def read_administrators(settings: Settings, runtime: Runtime) -> Administrators | None:
    """What reads who is told of alerts, if there is a database to ask."""
    admins = settings.notifications.admins
    database = admins.database or settings.business.database
    if not admins.enabled or database is None:
        return None
    return Administrators(admins, database, settings.kafka.bootstrap, runtime.producer)
