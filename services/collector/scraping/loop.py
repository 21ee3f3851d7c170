"""Scrapes one target for ever."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import NamedTuple

import structlog

from services.collector.core.scrape import negotiation, taken
from services.collector.core.scrape.errors import BadScrape
from services.collector.core.scrape.negotiation import Protocol
from services.collector.core.scrape.session import Session, Terms
from services.collector.core.scrape.status import TargetStatus
from services.collector.core.scrape.taken import Taken
from services.collector.core.scrape.targets import Target, offset_ms
from services.collector.scraping.fetching import Fetcher
from shared import clock
from shared.grid import instants_passed, next_on_grid
from shared.messages.samples import Sample, SampleBatch

log = structlog.get_logger()

# A longer body is read beside the event loop.
SMALL_BYTES = 32 * 1024

UP = ("up", "gauge")
SECONDS = ("scrape_duration_seconds", "gauge")
SCRAPED = ("scrape_samples_scraped", "gauge")
AFTER_RELABELLING = ("scrape_samples_post_metric_relabeling", "gauge")
ADDED = ("scrape_series_added", "gauge")
REPORTS = (UP, SECONDS, SCRAPED, AFTER_RELABELLING, ADDED)
ERRORS = ("pantau_scrape_errors_total", "counter")


class Scraped(NamedTuple):
    """What a scrape has to say."""

    origin: str
    target: object
    """Stands for the target: what it said before is replaced."""
    batches: list[SampleBatch]
    """In the order in which they are to be sent."""
    interval_ms: int
    helps: Mapping[str, str]
    """Help texts by metric family, as the target names it."""
    ended: bool = False
    """The target is gone."""


Publish = Callable[[Scraped], None]


@dataclass(frozen=True)
class Scraping:
    """What all scrapes share."""

    host: str
    publish: Publish
    slots: asyncio.Semaphore
    """Bounds how many scrapes are under way."""
    parsing: Executor


class TargetLoop:
    """One target: scraped on its grid, published, and ended with staleness markers when it is gone."""

    def __init__(
        self,
        scraping: Scraping,
        job: str,
        target: Target,
        terms: Terms,
        fetcher: Fetcher,
        fallback: Protocol | None,
    ) -> None:
        self._scraping, self._fetcher, self._fallback = scraping, fetcher, fallback
        self._session = Session(terms)
        self._labels = dict(target.labels)
        self._origin = f"collector/{scraping.host}/scrape/{job}/{self._labels['instance']}"
        self._errors: Counter[str] = Counter()
        self._reported: dict[str, str] = {}
        self._parsing: asyncio.Future[Taken] | None = None
        self._failed = ""
        self.status = TargetStatus(job, target)
        self.forced = ""
        """Why this target is not to be scraped; it then counts as failed, with the reason `target_limit`."""

    @property
    def target(self) -> Target:
        """What is scraped."""
        return self.status.target

    async def run(self) -> None:
        """Scrape without end. An instant that comes while the scrape before it is under way is left out."""
        interval = self.target.interval_ms / 1000
        wait = (offset_ms(self.target, self._scraping.host) - clock.now_ms()) % self.target.interval_ms
        first = due = clock.elapsed() + wait / 1000
        while True:
            await asyncio.sleep(max(0.0, due - clock.elapsed()))
            async with self._scraping.slots:
                await self.scrape_once()
            now = clock.elapsed()
            missed = instants_passed(first, interval, due, now)
            if missed:
                self._errors["missed"] += missed
            due = next_on_grid(first, interval, now)

    async def scrape_once(self) -> None:
        """One scrape, published with what is told about it. It never raises what the target does."""
        at_ms, began = clock.now_ms(), clock.elapsed()
        try:
            found = await self._read(at_ms)
        except BadScrape as error:
            found = self._session.failed(error.reason, str(error))
        except Exception as error:
            log.exception("scraping a target failed unexpectedly", job=self.status.job)
            found = self._session.failed("error", repr(error))
        seconds = clock.elapsed() - began
        self._note(found)
        self.status = replace(
            self.status, health="down" if found.failure else "up", error=found.error, at_ms=at_ms, seconds=seconds
        )
        about = self._reports(found, at_ms, seconds)
        batches = [
            *taken.batches(self._origin, found),
            *taken.markers(self._origin, found.stale, at_ms),
            SampleBatch.of(self._origin, about),
        ]
        self._publish(batches)

    async def end(self) -> None:
        """The target is gone: its series end. To be called once `run` has ended."""
        if self._parsing is not None:
            await asyncio.wait({self._parsing})
        gone = self._session.ended() + sorted(self._reported.items())
        self._publish(taken.markers(self._origin, gone, clock.now_ms()), ended=True)

    async def _read(self, at_ms: int) -> Taken:
        if self.forced:
            raise BadScrape("target_limit", self.forced)
        body, content_type = await self._fetcher.fetch(self.target.url, self.target.timeout_ms / 1000)
        openmetrics = negotiation.is_openmetrics(content_type, self._fallback)
        if len(body) <= SMALL_BYTES:
            return self._session.take(body, openmetrics, at_ms)
        loop = asyncio.get_running_loop()
        self._parsing = loop.run_in_executor(self._scraping.parsing, self._session.take, body, openmetrics, at_ms)
        return await asyncio.shield(self._parsing)

    def _note(self, found: Taken) -> None:
        """Count what went wrong, and say it once, not at every scrape."""
        where = {"job": self.status.job, "instance": self._labels["instance"]}
        for reason, count in found.refused.items():
            if not self._errors[reason]:
                log.warning("samples of a target are refused", reason=reason, count=count, **where)
        self._errors.update(found.refused)
        if found.failure:
            self._errors[found.failure] += 1
            if found.failure != self._failed:
                log.warning("target can't be scraped", reason=found.failure, error=found.error, **where)
        elif self._failed:
            log.info("target is scraped again", **where)
        self._failed = found.failure

    def _reports(self, found: Taken, at_ms: int, seconds: float) -> list[Sample]:
        values = (not found.failure, seconds, found.scraped, found.post_relabelling, found.added)
        about = [
            taken.report(self._labels, *metric, at_ms, value) for metric, value in zip(REPORTS, values, strict=True)
        ]
        about += [
            taken.report({**self._labels, "reason": reason}, *ERRORS, at_ms, count)
            for reason, count in sorted(self._errors.items())
        ]
        self._reported = {sample.series: sample.type for sample in about}
        return about

    def _publish(self, batches: list[SampleBatch], ended: bool = False) -> None:
        told = Scraped(self._origin, self, batches, self.target.interval_ms, self._session.helps, ended)
        self._scraping.publish(told)
