"""`./pantau bench targets`: thousands of targets, scraped by one process as the collector scrapes them.

The targets are in processes of their own and answer over HTTP; the loops, the parsing and the batches are the
collector's, all but the bus: batches are encoded and counted. The first interval is for the connections; in those after
it every scrape is looked at: it is in time if it succeeded before the target's next one was due.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
import structlog
from rich.console import Console
from rich.table import Table

from bench._figures import percentile
from bench._polls import Figures, Polls, cpu_of, in_time, waited_for_a_core
from infra.local.places import PROJECT
from services.collector.core.latest import Latest
from services.collector.core.scrape.targets import offset_ms
from services.collector.scraping.loop import Scraped, TargetLoop
from services.collector.scraping.settings import ScrapeSettings
from services.collector.sources.prometheus import Scraper
from shared import clock

out = Console(highlight=False)

HOST = "bench"
STOP_SECONDS = 30.0


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="pantau bench targets", description=__doc__)
    parser.add_argument("--targets", type=int, default=2_000, help="how many (2,000)")
    parser.add_argument("--series", type=int, default=200, help="series of each (200)")
    parser.add_argument("--interval", type=float, default=15.0, help="seconds between scrapes of a target (15)")
    parser.add_argument("--intervals", type=int, default=4, help="how many are measured, after the first (4)")
    parser.add_argument("--processes", type=int, default=2, help="processes of targets (2)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the targets' processes end, too
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with targets(given.targets, given.series, given.processes) as (addresses, processes):
        figures = asyncio.run(Measurement(addresses, given.interval).run(given.intervals, processes))
    report(figures, given.targets, given.interval)
    print(json.dumps(figures.summary()))


@contextmanager
def targets(count: int, series: int, processes: int) -> Iterator[tuple[list[str], list[psutil.Process]]]:
    """(the addresses of so many targets, the processes that they are in)."""
    running: list[subprocess.Popen[str]] = []
    try:
        for number in range(processes):
            share = count // processes + (number < count % processes)
            command = [sys.executable, "-m", "bench._targets", f"--targets={share}", f"--series={series}"]
            running.append(subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True))
        addresses: list[str] = []
        for process in running:
            assert process.stdout is not None
            addresses += json.loads(process.stdout.readline())
        yield addresses, [psutil.Process(process.pid) for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(STOP_SECONDS)


class Measurement:
    """Scrapes targets and looks at each scrape."""

    def __init__(self, addresses: Sequence[str], interval: float) -> None:
        self._interval = interval
        jobs = [{"job_name": "bench", "static_configs": [{"targets": addresses}]}]
        every = f"{interval * 1000:.0f}ms"
        self._settings = ScrapeSettings.model_validate({"interval": every, "timeout": every, "jobs": jobs})
        self._latest = Latest()
        self._polls: dict[object, Polls] = {}
        self._durations: list[float] = []
        self._samples = 0

    async def run(self, intervals: int, processes: Sequence[psutil.Process]) -> Figures:
        """The figures of so many intervals after the first."""
        scraping = asyncio.create_task(Scraper(HOST, self._settings).run(self._publish))
        await asyncio.sleep(self._interval)
        self._durations, self._samples = [], 0
        begin, cpu, theirs, waited = now(), time.process_time(), cpu_of(processes), waited_for_a_core()
        await asyncio.sleep(self._interval * (intervals + 1))
        end, cpu = now(), time.process_time() - cpu
        theirs, waited = cpu_of(processes) - theirs, waited_for_a_core() - waited
        durations, samples = self._durations, self._samples
        scraping.cancel()
        await asyncio.gather(scraping, return_exceptions=True)
        due, good = in_time(self._polls.values(), self._interval, begin, end)
        return Figures(end - begin, due, good, len(durations), cpu, samples, durations, theirs, waited)

    def _publish(self, scraped: Scraped) -> None:
        assert isinstance(scraped.target, TargetLoop)
        if scraped.ended:
            return
        self._latest.hold(scraped.target, scraped.batches, clock.now_ms(), scraped.interval_ms)
        for batch in scraped.batches:
            batch.encode()
        about = {sample.series.partition("{")[0]: sample.value for sample in scraped.batches[-1].samples()}
        if about["up"]:
            first = offset_ms(scraped.target.target, HOST) / 1000
            self._polls.setdefault(scraped.target, Polls(first)).ended.append(now())
        self._samples += sum(map(len, scraped.batches))
        self._durations.append(about["scrape_duration_seconds"])


def now() -> float:
    """Seconds by the clock that targets' grids are laid on."""
    return clock.now_ms() / 1000


def report(figures: Figures, count: int, interval: float) -> None:
    """A table for people."""
    told = figures.summary()
    table = Table("what", "figure")
    table.add_row("targets, each scraped every", f"{count:,}, {interval:g} s")
    table.add_row("scrapes a second", f"{told['polls_per_s']:.1f}")
    table.add_row("samples a second", f"{figures.samples / figures.seconds:,.0f}")
    table.add_row("CPU of the collecting process a scrape", f"{told['cpu_ms_per_poll']:.2f} ms")
    table.add_row("share of one core", f"{100 * figures.cpu_seconds / figures.seconds:.0f} %")
    if figures.durations:
        halfway, slowest = percentile(figures.durations, 50), percentile(figures.durations, 99)
        table.add_row("a scrape takes, p50 / p99", f"{halfway:.3f} s / {slowest:.3f} s")
    table.add_row("scraped within the interval", f"{figures.in_time:,} of {figures.due:,} due")
    table.add_row("CPU of the targets a scrape", f"{1000 * figures.targets_cpu_seconds / max(1, figures.made):.2f} ms")
    table.add_row("waited for a core", f"{100 * figures.waited_seconds / figures.seconds:.0f} % of the time")
    out.print(table)
    out.print(f"{os.cpu_count()} cores, shared with the targets and whatever else runs.")


if __name__ == "__main__":
    main()
