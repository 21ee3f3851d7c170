"""Targets on loopback that a test tells what to say, and a job that scrapes them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from services.collector.scraping.job import Job
from services.collector.scraping.loop import Scraped, Scraping
from services.collector.scraping.settings import ScrapeSettings
from shared.messages.samples import Sample
from shared.messages.series import NAME, labels_of

CLASSIC = "text/plain; version=0.0.4; charset=utf-8"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(text: str | bytes, content_type: str = CLASSIC, status: int = 200, **headers: str) -> Answer:
    """An endpoint that always answers so."""
    body = text.encode() if isinstance(text, str) else text

    async def answer(_: web.Request) -> web.StreamResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers={"Content-Type": content_type, **given})

    return answer


@dataclass
class Endpoint:
    """A server that answers as it was last told."""

    address: str
    answer: Answer
    requests: list[web.Request] = field(default_factory=list)


@asynccontextmanager
async def endpoint(answer: Answer, port: int = 0, tls: Any = None) -> AsyncIterator[Endpoint]:
    """It listens as long as the block lasts."""
    made = Endpoint("", answer)

    async def handle(request: web.Request) -> web.StreamResponse:
        made.requests.append(request)
        return await made.answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    made.address = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


class Published:
    """What scrapes brought."""

    def __init__(self) -> None:
        self.scrapes: list[Scraped] = []

    def __call__(self, scraped: Scraped) -> None:
        self.scrapes.append(scraped)

    def of(self, instance: str) -> list[list[Sample]]:
        """The samples of each scrape of a target."""
        return [
            [sample for batch in one.batches for sample in batch.samples()]
            for one in self.scrapes
            if one.origin.endswith(f"/{instance}")
        ]

    def last(self, instance: str) -> dict[str, float]:
        """The last scrape's values by name, and by name and reason; empty if there was none."""
        scrapes = self.of(instance)
        if not scrapes:
            return {}
        found = {}
        for sample in scrapes[-1]:
            labels = labels_of(sample.series)
            found[labels[NAME] + (f"/{labels['reason']}" if "reason" in labels else "")] = sample.value
        return found


@asynccontextmanager
async def job(section: dict[str, Any], concurrency: int = 100, **own: Any) -> AsyncIterator[tuple[Job, Published]]:
    """A job that scrapes as long as the block lasts, every second unless told otherwise."""
    given = {"job_name": "shop", "scrape_interval": "1s", "scrape_timeout": "1s", **own}
    settings = ScrapeSettings.model_validate({**section, "jobs": [given]})
    published = Published()
    with ThreadPoolExecutor(1) as parsing:
        scraping = Scraping("web-1", published, asyncio.Semaphore(concurrency), parsing)
        made = Job(scraping, settings, settings.jobs[0])
        task = asyncio.create_task(made.run())
        try:
            yield made, published
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled() and (error := task.exception()):
        raise error


def names(samples: Sequence[Sample]) -> dict[str, float]:
    """Values by series."""
    return {sample.series: sample.value for sample in samples}
