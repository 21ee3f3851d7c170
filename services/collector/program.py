"""The collector's wiring: sources -> reader -> backlog -> bus, and the latest values -> exporter."""

import asyncio
from collections import Counter
from functools import partial

import structlog

from services.collector import scheduler
from services.collector.core.batches import batches
from services.collector.core.latest import Latest
from services.collector.core.schedule import first_waits
from services.collector.exporter import Exporter
from services.collector.settings import Settings
from services.collector.source import Source
from services.collector.sources import all_sources
from shared import clock
from shared.bus import Outgoing
from shared.bus.backlog import Backlog
from shared.messages.samples import Sample
from shared.messages.topics import SAMPLES
from shared.service import Program, Runtime

log = structlog.get_logger()

DRAIN_SECONDS = 3.0


def program(settings: Settings) -> Program:
    """The program that collects what `settings` ask for, until it is cancelled."""

    async def run(runtime: Runtime) -> None:
        own = settings.collector
        latest = Latest()
        backlog = Backlog(
            runtime.producer,
            longest_ms=round(own.buffer_seconds * 1000),
            most_bytes=own.buffer_bytes,
            bus_is=partial(runtime.readiness.report, "bus"),
        )

        def publish(source: Source, samples: list[Sample]) -> None:
            latest.put(samples, round(source.interval_seconds * 1000))
            now_ms = clock.now_ms()
            messages = [
                Outgoing(SAMPLES, source.origin, batch, time_ms=now_ms) for batch in batches(source.origin, samples)
            ]
            backlog.put(messages, now_ms)

        sources = all_sources(settings)
        kinds = [(source.name.partition("/")[0], source.interval_seconds) for source in sources]
        metrics = [*scheduler.METRICS, *dict.fromkeys(metric for source in sources for metric in source.metrics)]
        exporter = Exporter(own.exporter, latest, metrics)
        host, port = await exporter.start()
        log.info("collecting", sources=Counter(kind for kind, _ in kinds), exporter=f"http://{host}:{port}/metrics")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(backlog.run())
                for source, wait in zip(sources, first_waits(kinds), strict=True):
                    tasks.create_task(scheduler.Reader(source, publish, own.longest_pause_seconds, wait).run())
        finally:
            await backlog.drain(DRAIN_SECONDS)
            await exporter.stop()

    return run
