"""One job: what discovery finds becomes targets, each with a loop of its own."""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog
from prometheus_client import Gauge

from services.collector.core.scrape import targets
from services.collector.core.scrape.labelling import LabelLimits, Labelling
from services.collector.core.scrape.session import Terms
from services.collector.core.scrape.status import TargetStatus
from services.collector.core.scrape.targets import BadTarget, Defaults, Group, Target
from services.collector.scraping import discovery
from services.collector.scraping.discovery import Provider
from services.collector.scraping.fetching import Fetcher
from services.collector.scraping.job_settings import JobSettings
from services.collector.scraping.loop import Scraping, TargetLoop
from services.collector.scraping.relabel_settings import relabelling
from services.collector.scraping.settings import ScrapeSettings
from shared.promql.durations import duration_text

log = structlog.get_logger()

TARGETS = Gauge("pantau_scrape_targets", "Targets of a job: active, dropped by relabelling, refused", ["job", "state"])

# How long an idle connection is kept beyond an interval; servers often end theirs sooner.
KEEP_SECONDS = 15.0
LONGEST_KEEP_SECONDS = 300.0


class Job:
    """The targets of one job. While it runs they come and go as discovery says."""

    def __init__(self, scraping: Scraping, section: ScrapeSettings, settings: JobSettings) -> None:
        self._scraping, self._settings = scraping, settings
        self._limit = settings.target_limit or section.target_limit
        self._sample_limit = settings.sample_limit or section.sample_limit
        self._defaults = Defaults(
            job=settings.job_name,
            scheme=settings.scheme,
            path=settings.metrics_path,
            interval=duration_text(section.interval_of(settings)),
            timeout=duration_text(section.timeout_of(settings)),
            params=tuple((name, tuple(values)) for name, values in settings.params.items()),
        )
        self._relabelling = relabelling(settings.relabel_configs)
        self._metric_relabelling = relabelling(settings.metric_relabel_configs)
        self._fetcher = Fetcher(
            settings,
            settings.body_size_limit or section.body_size_limit,
            section.allow_redirects_to_other_hosts,
            min(section.interval_of(settings) / 1000 + KEEP_SECONDS, LONGEST_KEEP_SECONDS),
        )
        self._found: dict[tuple[int, str], Sequence[Group]] = {}
        self._loops: dict[object, tuple[TargetLoop, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()
        self._complaints: set[str] = set()
        self.dropped = 0
        """Targets that relabelling dropped."""

    @property
    def statuses(self) -> list[TargetStatus]:
        """How the targets are."""
        return [loop.status for loop, _ in self._loops.values()]

    async def run(self) -> None:
        """Find targets and scrape them, until cancelled."""
        own = self._settings
        providers: list[Provider] = [
            *(discovery.Files(own.job_name, one) for one in own.file_sd_configs),
            *(discovery.Names(own.job_name, one) for one in own.dns_sd_configs),
        ]
        self._tell(0, "", [discovery.group(one) for one in own.groups])
        async with self._fetcher:
            try:
                async with asyncio.TaskGroup() as tasks:
                    for number, provider in enumerate(providers, start=1):
                        tasks.create_task(provider.run(partial(self._tell, number)))
                    while True:
                        await self._changed.wait()
                        self._changed.clear()
                        await self._apply()
            finally:
                await _cancelled([task for _, task in self._loops.values()])

    def _tell(self, provider: int, name: str, found: Sequence[Group]) -> None:
        self._found[provider, name] = found
        self._changed.set()

    async def _apply(self) -> None:
        """Begin what is new, end what is gone, leave the others alone."""
        wanted = self._targets()
        gone = [self._loops.pop(key) for key in list(self._loops) if key not in wanted]
        await _cancelled([task for _, task in gone])
        for loop, _ in gone:
            await loop.end()
        forced = f"the job has {len(wanted)} targets: at most {self._limit}" if len(wanted) > self._limit else ""
        for number, (key, target) in enumerate(wanted.items()):
            if key not in self._loops and number < self._limit:
                loop = self._loop(target)
                self._loops[key] = loop, asyncio.create_task(loop.run())
        for loop, _ in self._loops.values():
            loop.forced = forced
        if forced:
            self._complain(forced)
        TARGETS.labels(self._settings.job_name, "active").set(len(self._loops))

    def _targets(self) -> dict[object, Target]:
        wanted: dict[object, Target] = {}
        self.dropped = refused = 0
        for groups in self._found.values():
            for labels in (labels for group in groups for labels in targets.discovered(group, self._defaults)):
                try:
                    target = targets.target(labels, self._defaults, self._relabelling)
                except BadTarget as error:
                    refused += 1
                    self._complain(str(error))
                    continue
                if target is None:
                    self.dropped += 1
                else:
                    wanted.setdefault(target.identity, target)
        TARGETS.labels(self._settings.job_name, "dropped").set(self.dropped)
        TARGETS.labels(self._settings.job_name, "refused").set(refused)
        return wanted

    def _complain(self, text: str) -> None:
        """Once, not at every change."""
        if text not in self._complaints and len(self._complaints) < 1_000:
            self._complaints.add(text)
            log.warning("target is refused", job=self._settings.job_name, error=text)

    def _loop(self, target: Target) -> TargetLoop:
        own = self._settings
        limits = LabelLimits(own.label_limit, own.label_name_length_limit, own.label_value_length_limit)
        labelling = Labelling(dict(target.labels), own.honor_labels, self._metric_relabelling, limits)
        terms = Terms(labelling, own.honor_timestamps, own.track_timestamps_staleness, self._sample_limit)
        return TargetLoop(self._scraping, own.job_name, target, terms, self._fetcher, own.fallback_scrape_protocol)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
