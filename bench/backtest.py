"""`./pantau bench backtest`: a day of one-minute samples of 1,000 series, tried over HTTP with typical rules.

Fills the database of a stack of its own, posts the rules, reads the answer to its end; meanwhile somebody else asks
api whether it is ready. Says how long it took, and what the others felt.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import aiohttp
import asyncpg
import numpy as np
from rich.console import Console
from rich.table import Table

from bench._figures import percentile
from bench._stack import Stack, own_stack
from shared import clock
from shared.messages.message import instant_to_text
from shared.messages.series import NAME, key_of

MINUTE_MS = 60_000
DAY_MS = 86_400_000
BACKTEST = "/api/monitoring/alerts/rules/backtest"
PROBE_SECONDS = 0.01
IDLE_SECONDS = 3.0
MOST_SECONDS = 600.0
DISK, REQUESTS = "bench_disk_used_percent", "bench_requests_total"
GROUP: dict[str, Any] = {
    "name": "bench",
    "interval": "1m",
    "rules": [
        {"record": "job:bench_requests:rate5m", "expr": f"sum by (job) (rate({REQUESTS}[5m]))"},
        {"alert": "DiskFull", "expr": f"{DISK} > 90", "for": "5m", "severity": "critical",
         "annotations": {"summary": "{{ $labels.host }} is at {{ $value | humanize }} %"}},
        {"alert": "DiskFillsUp", "expr": f"predict_linear({DISK}[1h], 4 * 3600) > 100", "for": "10m"},
        {"alert": "NoTraffic", "expr": "job:bench_requests:rate5m < 0.1", "for": "5m"},
        {"alert": "Errors", "expr": f'rate({REQUESTS}{{status="500"}}[5m]) > 2', "keep_firing_for": "5m"},
        {"alert": "Gone", "expr": f"absent({DISK})"},
    ],
}  # fmt: skip
CHANGED = GROUP | {
    "rules": [rule | ({"for": "10m"} if rule.get("alert") == "DiskFull" else {}) for rule in GROUP["rules"]]
}

out = Console(highlight=False)


@dataclass
class Figures:
    """What was measured. Seconds, and latencies in ms."""

    whole: list[float] = field(default_factory=list)
    first_line: list[float] = field(default_factory=list)
    compared: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    meanwhile: list[float] = field(default_factory=list)
    queried: list[float] = field(default_factory=list)
    while_queried: list[float] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    """Parse, measure, print."""
    arguments = _parser().parse_args()
    out.print("Starting a stack of its own in a temporary directory, on free ports.")
    with own_stack() as stack:
        figures = asyncio.run(measure(stack, arguments.series, arguments.times))
    report(figures, arguments.series)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pantau bench backtest", description=__doc__)
    parser.add_argument("--series", type=int, default=1_000, help="how many there are (1000)")
    parser.add_argument("--times", type=int, default=5, help="how often the rules are tried (5)")
    return parser


async def measure(stack: Stack, series: int, times: int) -> Figures:
    """Fill the database, then try the rules `times` times."""
    end = clock.now_ms() // MINUTE_MS * MINUTE_MS
    start = end - DAY_MS
    begun = time.perf_counter()
    samples = await _fill(stack.dsn, series, start, end)
    out.print(f"{samples:,} samples of {series:,} series filled in {time.perf_counter() - begun:.1f} s.")
    figures = Figures()
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=MOST_SECONDS)) as session:
        await _probe(session, stack, figures.idle, IDLE_SECONDS)
        body = {"start": instant_to_text(start), "end": instant_to_text(end)}
        for number in range(times):
            probing = asyncio.create_task(_probe(session, stack, figures.meanwhile, MOST_SECONDS))
            first, whole, figures.summary = await _tried(session, stack, body | {"group": GROUP})
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
            figures.first_line.append(first)
            figures.whole.append(whole)
            out.print(f"  {number + 1} of {times}: {whole:.2f} s")
        for _ in range(times):
            probing = asyncio.create_task(_probe(session, stack, figures.while_queried, MOST_SECONDS))
            figures.queried.append(await _query(session, stack, start, end))
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
        await _put_in_force(session, stack)
        _, whole, summary = await _tried(session, stack, body | {"group": CHANGED, "compare": True})
        figures.compared.append(whole)
        figures.summary["comparison"] = summary["comparison"]
    return figures


async def _fill(dsn: str, count: int, start: int, end: int) -> int:
    """Half of the series are disks, half counters of requests. How many samples there are."""
    connection = await asyncpg.connect(dsn)
    chance = np.random.default_rng(1)
    times = np.arange(start - 2 * 3_600_000, end + 1, MINUTE_MS)
    stamps = [np.datetime64(int(one), "ms").item() for one in times]
    try:
        for labels, values in _series(count, len(times), chance):
            number = await connection.fetchval(
                "INSERT INTO series (key, metric, labels) VALUES ($1, $2, $3::text::jsonb) RETURNING id",
                key_of(labels),
                labels[NAME],
                json.dumps({name: text for name, text in labels.items() if name != NAME}),
            )
            rows = [(stamp.replace(tzinfo=UTC), number, value)
                    for stamp, value in zip(stamps, values.tolist(), strict=True)]  # fmt: skip
            await connection.copy_records_to_table("samples", records=rows, columns=["time", "series_id", "value"])
        signs = [("collector/bench", stamp.replace(tzinfo=UTC)) for stamp in stamps]
        await connection.copy_records_to_table("collector_signs", records=signs, columns=["source", "accepted_at"])
        await connection.execute("ANALYZE series, samples")
    finally:
        await connection.close()
    return count * len(times)


def _series(count: int, steps: int, chance: np.random.Generator) -> Iterator[tuple[dict[str, str], Any]]:
    for number in range(count // 2):
        labels = {NAME: DISK, "host": f"host-{number // 4}", "device": f"sd{'abcd'[number % 4]}"}
        yield labels, np.clip(50 + 20 * chance.standard_normal() + np.cumsum(chance.normal(0, 0.8, steps)), 0, 100)
    for number in range(count - count // 2):
        labels = {NAME: REQUESTS, "job": f"job-{number % 10}", "instance": f"i-{number // 2}",
                  "status": "500" if number % 2 else "200"}  # fmt: skip
        yield labels, np.cumsum(chance.poisson(60, steps) * (chance.random(steps) > 0.02)).astype(float)


async def _tried(
    session: aiohttp.ClientSession, stack: Stack, body: dict[str, Any]
) -> tuple[float, float, dict[str, Any]]:
    """Seconds to the first line and to the last, and the summary."""
    begun, first, rest = time.perf_counter(), 0.0, b""
    async with session.post(stack.url + BACKTEST, json=body) as response:
        if response.status != 200:
            raise SystemExit(f"{response.status}: {await response.text()}")
        async for piece in response.content.iter_any():
            first = first or time.perf_counter() - begun
            rest = (rest + piece)[-65_536:]
    whole = time.perf_counter() - begun
    last = json.loads(rest.splitlines()[-1])
    if "summary" not in last:
        raise SystemExit(f"it was not brought to its end: {last}")
    return first, whole, last["summary"]


async def _query(session: aiohttp.ClientSession, stack: Stack, start: int, end: int) -> float:
    """Seconds that a range query over all counters takes, a step a minute."""
    parameters = {"query": f"rate({REQUESTS}[5m])", "start": str(start / 1000), "end": str(end / 1000), "step": "60"}
    begun = time.perf_counter()
    async with session.get(f"{stack.url}/api/v1/query_range", params=parameters) as response:
        await response.read()
        if response.status != 200:
            raise SystemExit(f"the query was answered with {response.status}")
    return time.perf_counter() - begun


async def _probe(session: aiohttp.ClientSession, stack: Stack, found: list[float], seconds: float) -> None:
    """Ask again and again whether api is ready, and note how long each answer took, in ms."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        begun = time.perf_counter()
        async with session.get(f"{stack.url}/health/ready") as response:
            await response.read()
        found.append(1_000 * (time.perf_counter() - begun))
        await asyncio.sleep(PROBE_SECONDS)


async def _put_in_force(session: aiohttp.ClientSession, stack: Stack) -> None:
    async with session.post(f"{stack.url}/api/monitoring/alerts/rules", json=GROUP) as response:
        if response.status >= 300:
            raise SystemExit(f"the group was not taken: {response.status} {await response.text()}")


def report(figures: Figures, series: int) -> None:
    """Print the table, and the line of JSON."""
    seconds, summary = percentile(figures.whole, 50), figures.summary
    table = Table("", "", box=None, pad_edge=False, show_header=False)
    table.add_row("samples read, series", f"{summary['samples']:,}, {summary['series']:,}")
    table.add_row("evaluations of a rule", f"{summary['evaluations']:,}")
    table.add_row("transitions, notifications", f"{sum(summary['transitions'].values()):,}, "
                  f"{summary['notifications']['firing'] + summary['notifications']['resolved']:,}")  # fmt: skip
    table.add_row("a backtest, p50 (s)", f"{seconds:.2f}")
    table.add_row("  until its first line (history is read)", f"{percentile(figures.first_line, 50):.2f}")
    table.add_row("with comparison (s)", f"{percentile(figures.compared, 50):.2f}")
    table.add_row("faster than the day took", f"{DAY_MS / 1000 / seconds:,.0f} times")
    table.add_row("a range query over half of it, p50 (s)", f"{percentile(figures.queried, 50):.2f}")
    latencies = {"idle": figures.idle, "while trying": figures.meanwhile, "while querying": figures.while_queried}
    for name, found in latencies.items():
        table.add_row(
            f"/health/ready {name}, p50 / p99 (ms)", f"{percentile(found, 50):.1f} / {percentile(found, 99):.1f}"
        )
    out.print(table)
    told = {
        "seconds": round(seconds, 2),
        "read_seconds": round(percentile(figures.first_line, 50), 2),
        "compare_seconds": round(percentile(figures.compared, 50), 2),
        "times_real_time": round(DAY_MS / 1000 / seconds),
        "samples_per_s": round(summary["samples"] / seconds),
        "query_seconds": round(percentile(figures.queried, 50), 2),
        "idle_ready_p99_ms": round(percentile(figures.idle, 99), 1),
        "ready_p99_ms": round(percentile(figures.meanwhile, 99), 1),
        "ready_while_querying_p99_ms": round(percentile(figures.while_queried, 99), 1),
        "series": series,
        "samples": summary["samples"],
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
