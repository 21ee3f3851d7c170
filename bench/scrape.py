"""`./pantau bench scrape`: what a large target costs, against prometheus_client's own parser.

One page of many series, its values new each time. Of each the CPU time of one thread counts, the best of several runs:
prometheus_client's parser alone; a first scrape (each line is read, labels get those of the target, the key of the
series is made); the scrapes after it, while series stay as they are; those in which one series of a hundred has
changed; what is added by making messages of it. And the exporter's page of the same samples, against
prometheus_client's writer.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from services.collector.core.exposition import exposition
from services.collector.core.scrape.labelling import LabelLimits, Labelling
from services.collector.core.scrape.relabel import Relabelling
from services.collector.core.scrape.session import Session, Terms
from services.collector.core.scrape.taken import Taken, batches
from shared.messages.samples import Sample

out = Console(highlight=False)

NOW = 1_790_000_000_000
STEP = 15_000
OF_A_FAMILY = 100


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="pantau bench scrape", description=__doc__)
    parser.add_argument("--series", type=int, default=100_000, help="series of the target (100,000)")
    parser.add_argument("--times", type=int, default=5, help="runs of each, of which the best counts (5)")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    table = Table("format", "what", "ms", "of prometheus_client's parser")
    for name, openmetrics in (("classic", False), ("openmetrics", True)):
        measured = measure(arguments.series, arguments.times, openmetrics)
        theirs = measured["parser"]
        for what, seconds in measured.items():
            table.add_row(name, what, f"{seconds * 1000:.0f}", f"{seconds / theirs:.3f}")
            if what != "parser":
                figures[f"{name}_{what.replace(' ', '_')}_ratio"] = round(seconds / theirs, 4)
        figures[f"{name}_parser_ms"] = round(theirs * 1000, 1)
    ours, theirs = pages(arguments.series, arguments.times)
    table.add_row(
        "classic", "exporter's page, of prometheus_client's writer", f"{ours * 1000:.0f}", f"{ours / theirs:.3f}"
    )
    out.print(f"{arguments.series:,} series".replace(",", " "))
    out.print(table)
    figures |= {"series": arguments.series, "page_ratio": round(ours / theirs, 4)}
    print(json.dumps(figures))


def measure(series: int, times: int, openmetrics: bool) -> dict[str, float]:
    """CPU seconds of each kind of work, the best of `times`."""
    pages = [page(series, run, openmetrics) for run in range(times + 1)]
    changed = [page(series, run, openmetrics, other=run + 1) for run in range(times)]
    parse: Callable[[str], Iterable[Any]] = (
        openmetrics_parser.text_string_to_metric_families if openmetrics else text_string_to_metric_families
    )
    texts = [one.decode() for one in pages]
    theirs = best(times, lambda run: sum(len(family.samples) for family in parse(texts[run])), series)
    first = best(times, lambda run: len(session().take(pages[run], openmetrics, NOW).keys), series)
    target = session()
    target.take(pages[-1], openmetrics, NOW)
    taken: list[Taken] = []

    def again(run: int) -> int:
        taken.append(target.take(pages[run], openmetrics, NOW + (run + 1) * STEP))
        return len(taken[-1].keys)

    later = best(times, again, series)
    messages = best(times, lambda run: sum(len(one) for one in packed(taken[run])), series)
    churned = best(times, lambda run: len(target.take(changed[run], openmetrics, NOW + run * STEP).keys), series)
    return {
        "parser": theirs,
        "first scrape": first,
        "later scrapes": later,
        "changed series": churned,
        "messages": messages,
    }


def packed(taken: Taken) -> Iterator[Any]:
    """The messages of a scrape, encoded."""
    for batch in batches("bench", taken):
        batch.encode()
        yield batch


def best(times: int, work: Callable[[int], int], expected: int) -> float:
    """The least CPU seconds that `work(run)` took; it says how many samples it made."""
    least = float("inf")
    for run in range(times):
        begun = time.thread_time()
        made = work(run)
        least = min(least, time.thread_time() - begun)
        if made != expected:
            raise SystemExit(f"{made} samples instead of {expected}")
    return least


def session() -> Session:
    """A target with the labels that each has."""
    labels = {"instance": "10.20.30.40:9100", "job": "bench"}
    return Session(Terms(Labelling(labels, False, Relabelling([]), LabelLimits())))


def page(series: int, seed: int, openmetrics: bool, other: int = 0) -> bytes:
    """An exposition of so many series. With `other`, one in a hundred is one that no other page has."""
    chance = random.Random(seed)
    lines: list[str] = []
    for number in range(series):
        family, member = divmod(number, OF_A_FAMILY)
        if not member:
            name = f"application_http_requests_{family}" + ("" if openmetrics else "_total")
            lines += [f"# HELP {name} Requests by route and status", f"# TYPE {name} counter"]
        extra = f'pod="{other}",' if other and member == 0 else ""
        labels = f'{extra}method="GET",route="/api/customers/{member}/invoices",status="200"'
        lines.append(f"application_http_requests_{family}_total{{{labels}}} {chance.random() * 1e6}")
    return ("\n".join(lines) + ("\n# EOF\n" if openmetrics else "\n")).encode()


def pages(series: int, times: int) -> tuple[float, float]:
    """CPU seconds for the exporter's page, and for prometheus_client's of the same."""
    taken = session().take(page(series, 1, False), False, NOW)
    samples = [Sample(key, NOW, value, "counter") for key, value in zip(taken.keys, taken.values.tolist(), strict=True)]
    metrics = list(text_string_to_metric_families(page(series, 1, False).decode()))

    class Fixed:
        def collect(self) -> list[Metric]:
            return metrics

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Fixed())
    length = len(exposition(samples, {}, False))
    ours = best(times, lambda _: len(exposition(samples, {}, False)), length)
    theirs = best(times, lambda _: generate_latest(registry).count(b"\n"), series + 2 * (series // OF_A_FAMILY))
    return ours, theirs


if __name__ == "__main__":
    main()
