"""Exposition endpoints, scraped as Prometheus does it. They keep their own time: see `services/collector/scraping`."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.collector.core.scrape.status import page
from services.collector.scraping import loop
from services.collector.scraping.job import Job
from services.collector.scraping.loop import Publish, Scraping
from services.collector.scraping.settings import ScrapeSettings
from services.collector.settings import Settings
from services.collector.source import Source
from shared.metrics import Metric

__all__ = ["METRICS", "Scraper", "sources"]

_TARGET = ("job", "instance")
METRICS = (
    Metric(*loop.UP, "", "1 if the target's last scrape succeeded, else 0", _TARGET),
    Metric(*loop.SECONDS, "seconds", "How long the scrape took", _TARGET),
    Metric(*loop.SCRAPED, "", "Samples that the target exposed", _TARGET),
    Metric(*loop.AFTER_RELABELLING, "", "Those that were left after metric relabelling", _TARGET),
    Metric(*loop.ADDED, "", "Series that the scrape before did not have", _TARGET),
    Metric(*loop.ERRORS, "", "Scrapes that failed and samples that were refused, by reason", (*_TARGET, "reason")),
)


def sources(settings: Settings) -> list[Source]:
    """None that are read by the scheduler: targets come and go, and a scrape that fails is not put off."""
    return []


class Scraper:
    """All jobs of the section `scrape`."""

    def __init__(self, host: str, settings: ScrapeSettings) -> None:
        self._host, self._settings = host, settings
        self._jobs: dict[str, Job] = {}

    async def run(self, publish: Publish) -> None:
        """Scrape until cancelled; what each scrape brings goes to `publish`."""
        if not self._settings.jobs:
            return
        slots = asyncio.Semaphore(self._settings.concurrency)
        # One thread: two would only take turns.
        with ThreadPoolExecutor(1, "scrapes") as parsing:
            scraping = Scraping(self._host, publish, slots, parsing)
            self._jobs = {one.job_name: Job(scraping, self._settings, one) for one in self._settings.jobs}
            async with asyncio.TaskGroup() as tasks:
                for job in self._jobs.values():
                    tasks.create_task(job.run())

    def status(self) -> dict[str, Any]:
        """How the targets are, as Prometheus tells it."""
        return page(self._statuses(), {name: job.dropped for name, job in self._jobs.items() if job.dropped})

    def _statuses(self) -> Iterator[Any]:
        for job in self._jobs.values():
            yield from job.statuses
