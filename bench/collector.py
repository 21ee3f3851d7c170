"""`./pantau bench collector`: a fleet of simulated routers, polled by one process as the collector polls them.

The routers run in processes of their own and speak the real protocol; the sources, their readers and the batches are
the collector's, all but the bus: batches are encoded and counted. The first interval is for the logins; in those after
it every poll of every router is looked at: it is in time if it succeeded before the router's next one was due.
"""

import argparse
import asyncio
import cProfile
import json
import logging
import os
import pstats
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
import structlog
import yaml
from rich.console import Console
from rich.table import Table

from bench._figures import percentile
from bench._polls import Figures, Polls, cpu_of, in_time, waited_for_a_core
from infra.local.places import PROJECT
from services.collector.core.batches import batches
from services.collector.core.latest import Latest
from services.collector.core.schedule import first_waits
from services.collector.scheduler import Reader
from services.collector.settings import Settings
from services.collector.source import Source
from services.collector.sources.mikrotik import sources
from shared import clock
from shared.messages.samples import Sample
from shared.settings import load

out = Console(highlight=False)

STOP_SECONDS = 30.0


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="pantau bench collector", description=__doc__)
    parser.add_argument("--routers", type=int, default=2_000, help="how many (2,000)")
    parser.add_argument("--interval", type=float, default=60.0, help="seconds between polls of a router (60)")
    parser.add_argument("--intervals", type=int, default=2, help="how many are measured, after the first (2)")
    parser.add_argument("--pppoe", type=int, default=100, help="PPPoE subscribers of each, with a queue each (100)")
    parser.add_argument("--hotspot", type=int, default=20, help="hotspot users of each (20)")
    parser.add_argument("--processes", type=int, default=2, help="processes of simulated routers (2)")
    parser.add_argument("--profile", action="store_true", help="print where the time goes; it takes longer then")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the routers' processes end, too
    # A line for each router that is late would bury the figures.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    subscribers = {"pppoe": arguments.pppoe, "hotspot": arguments.hotspot}
    with fleet(arguments.routers, arguments.processes, subscribers) as (routers, processes):
        section = {"routers": routers, "interval_seconds": arguments.interval}
        profile = cProfile.Profile() if arguments.profile else None
        figures = asyncio.run(measure(section, arguments.interval, arguments.intervals, processes, profile))
    report(figures, arguments.routers, arguments.interval)
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    print(json.dumps(figures.summary()))


@contextmanager
def fleet(
    routers: int, processes: int, subscribers: dict[str, int]
) -> Iterator[tuple[list[dict[str, Any]], list[psutil.Process]]]:
    """(entries for `mikrotik.routers`, one for each simulated router; the processes that they run in)."""
    running: list[subprocess.Popen[str]] = []
    try:
        for number in range(processes):
            share = routers // processes + (number < routers % processes)
            command = [sys.executable, "-m", "infra.simulator.routeros", "--routers", str(share), "--seed", str(number)]
            command += [f"--{kind}={count}" for kind, count in subscribers.items()]
            running.append(subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True))
        entries = []
        for number, process in enumerate(running):
            share = routers // processes + (number < routers % processes)
            assert process.stdout is not None
            told = "".join(process.stdout.readline() for _ in range(share + 2))
            for entry in yaml.load(told, yaml.CSafeLoader)["mikrotik"]["routers"]:
                entries.append(entry | {"name": f"p{number}-{entry['name']}"})
        yield entries, [psutil.Process(process.pid) for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(STOP_SECONDS)


async def measure(
    section: dict[str, Any],
    interval: float,
    intervals: int,
    processes: Sequence[psutil.Process] = (),
    profile: cProfile.Profile | None = None,
) -> Figures:
    """Poll the routers of `section` for `intervals` after a first one."""
    settings = load(Settings, {"PANTAU_MIKROTIK": json.dumps(section)}, None)
    latest = Latest()
    made = sources(settings)
    waits = first_waits([("mikrotik", interval)] * len(made))
    began = clock.elapsed()
    polls = {one.name: Polls(began + wait) for one, wait in zip(made, waits, strict=True)}
    samples = 0
    durations: list[float] = []
    measuring = False

    def publish(source: Source, read: list[Sample]) -> None:
        nonlocal samples
        latest.put(read, round(source.interval_seconds * 1000))
        for batch in batches(source.origin, read):
            batch.encode()
        about = {sample.series.partition("{")[0]: sample.value for sample in read}
        if about["pantau_source_up"]:
            polls[source.name].ended.append(clock.elapsed())
        if measuring:
            samples += len(read)
            durations.append(about["pantau_source_duration_seconds"])

    pause = settings.collector.longest_pause_seconds
    tasks = [
        asyncio.create_task(Reader(one, publish, pause, wait).run()) for one, wait in zip(made, waits, strict=True)
    ]
    await asyncio.sleep(interval)
    measuring = True
    begin, cpu, theirs, waited = clock.elapsed(), time.process_time(), cpu_of(processes), waited_for_a_core()
    if profile is not None:
        profile.enable()
    # The last router's first poll comes an interval after the first one's.
    await asyncio.sleep(interval * (intervals + 1))
    if profile is not None:
        profile.disable()
    measuring = False
    end, cpu = clock.elapsed(), time.process_time() - cpu
    theirs, waited = cpu_of(processes) - theirs, waited_for_a_core() - waited
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    due, good = in_time(polls.values(), interval, begin, end)
    return Figures(end - begin, due, good, len(durations), cpu, samples, durations, theirs, waited)


def report(figures: Figures, routers: int, interval: float) -> None:
    """A table for people."""
    told = figures.summary()
    table = Table("what", "figure")
    table.add_row("routers, each polled every", f"{routers:,}, {interval:g} s")
    table.add_row("polls a second", f"{told['polls_per_s']:.1f}")
    table.add_row("CPU of the collecting process a poll", f"{told['cpu_ms_per_poll']:.2f} ms")
    table.add_row("share of one core", f"{100 * figures.cpu_seconds / figures.seconds:.0f} %")
    table.add_row("routers that a core could poll so", f"{1000 * interval / told['cpu_ms_per_poll']:,.0f}")
    table.add_row("samples a poll", f"{figures.samples / max(1, figures.made):.0f}")
    if figures.durations:
        halfway, slowest = percentile(figures.durations, 50), percentile(figures.durations, 99)
        table.add_row("a poll takes, p50 / p99", f"{halfway:.3f} s / {slowest:.3f} s")
    table.add_row("polled within the interval", f"{figures.in_time:,} of {figures.due:,} due")
    table.add_row(
        "CPU of the simulated routers a poll", f"{1000 * figures.targets_cpu_seconds / max(1, figures.made):.2f} ms"
    )
    table.add_row("waited for a core", f"{100 * figures.waited_seconds / figures.seconds:.0f} % of the time")
    out.print(table)
    out.print(f"{os.cpu_count()} cores, shared with the simulated routers and whatever else runs.")


if __name__ == "__main__":
    main()
