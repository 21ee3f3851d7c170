"""`./pantau bench alerting`: one alerting worker under load, on a Kafka of its own.

100,000 active series at 100,000 samples/s while 1,000 rules run on their 15 s grid: the time from a sample's
acknowledgement to its alert event for 100 further immediate rules, and once more with 100 samples/s; memory per series;
recovery after SIGKILL; the highest rate that the worker sustains. Generator, Kafka and worker share this machine.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench import _rules
from bench._bus import Bus, own_bus
from bench._figures import percentile
from bench._plateaus import highest_sustained
from bench._probes import Told
from bench._recovery import recovery_seconds
from bench._scene import Scene, scene
from bench._worker import Shares

out = Console(highlight=False)


@dataclass
class Figures:
    """What was measured."""

    loaded: list[Told] = field(default_factory=list)
    floor: list[Told] = field(default_factory=list)
    bytes_per_series: float | None = None
    samples_per_s: float | None = None
    recovery_s: float | None = None


def main() -> None:
    """Parse, measure, print."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, too
    with own_bus() as bus:
        figures = asyncio.run(measure(bus, arguments))
    report(figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pantau bench alerting", description=__doc__)
    parser.add_argument("--series", type=_positive, default=100_000, help="active series (100,000)")
    parser.add_argument("--rate", type=_positive, default=100_000, help="samples a second (100,000)")
    parser.add_argument("--floor", type=_positive, default=100, help="samples a second for the floor (100)")
    parser.add_argument("--rules", type=_positive, default=1_000, help="rules on the grid (1,000)")
    parser.add_argument("--probes", type=_positive, default=100, help="immediate rules beside them (100)")
    parser.add_argument("--seconds", type=_positive, default=60, help="how long each latency is measured (60)")
    parser.add_argument("--history", type=_positive, default=300, help="seconds of samples before the rules (300)")
    parser.add_argument("--plateau", type=_positive, default=30, help="seconds at each rate that is tried (30)")
    parser.add_argument(
        "--without", nargs="*", choices=("floor", "recovery", "rate"), default=[], help="leave these out"
    )
    parser.add_argument("--rule-file", type=Path, default=_rules.SHARED, help="where the rules on the grid are")
    parser.add_argument(
        "--profile", type=Path, help="write to this file where the worker's CPU time goes (looking slows it)"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


async def measure(bus: Bus, arguments: argparse.Namespace) -> Figures:
    """All phases, one after another."""
    figures = Figures()
    async with scene(bus, arguments, out.print) as stage:
        figures.loaded = await latency(stage, arguments.rate, arguments.seconds)
        grown = stage.worker.resident_bytes() - stage.empty_bytes
        figures.bytes_per_series = grown / arguments.series
        out.print(f"Memory: {grown / 2**20:,.0f} MB more than empty, {figures.bytes_per_series:,.0f} bytes a series")
        if "floor" not in arguments.without:
            figures.floor = await latency(stage, arguments.floor, arguments.seconds)
        if "recovery" not in arguments.without:
            stage.load.set_rate(arguments.rate)
            figures.recovery_s = await recovery_seconds(stage, out.print)
        if "rate" not in arguments.without:
            figures.samples_per_s = await highest_sustained(stage, arguments.rate, arguments.plateau, out.print)
        for line in stage.worker.warnings()[-10:]:
            out.print(line, style="yellow")
    return figures


async def latency(stage: Scene, rate: float, seconds: float) -> list[Told]:
    """Toggle probes at random moments at a rate of samples."""
    stage.load.set_rate(rate)
    await stage.settled()
    before, pace = await stage.worker.metrics(), stage.pace()
    shares = Shares(worker=psutil.Process(stage.worker.pid), kafka=stage.bus.process)
    told = await stage.probes.many(max(300, round(5 * seconds)), seconds)
    used, after = shares.so_far(), await stage.worker.metrics()
    evaluated = after.get(EVALUATIONS, 0) - before.get(EVALUATIONS, 0)
    out.print(
        f"{pace.so_far():,.0f} samples/s for {seconds:.0f} s, {evaluated:,.0f} evaluations; processors: "
        + ", ".join(f"{name} {share:.2f}" for name, share in used.items())
        + f"; load average {os.getloadavg()[0]:.1f}; sent at most {stage.load.behind_ms:.0f} ms late"
    )
    out.print("  " + ", ".join(f"p{one} {_ms(told, one):.0f} ms" for one in (50, 90, 99, 100)))
    return told


EVALUATIONS = "pantau_alerting_evaluations_total"


def _ms(told: Sequence[Told], percent: float) -> float:
    return 1_000 * percentile([one.seconds for one in told], percent)


def report(figures: Figures) -> None:
    """Print the table, and the line of JSON."""
    table = Table("ms from acknowledgement to event", "", "events", "p50", "p99", "max", box=None, pad_edge=False)
    for name, all_told in (("under load", figures.loaded), ("floor", figures.floor)):
        for state in ("firing", "resolved"):
            told = [one for one in all_told if one.state == state]
            if told:
                row = (f"{_ms(told, percent):.0f}" for percent in (50, 99, 100))
                table.add_row(name, state, str(len(told)), *row)
    out.print(table)
    print(json.dumps(summary(figures)), flush=True)


def summary(figures: Figures) -> dict[str, float | None]:
    """The figures by the names that they go by; firing and resolved together, None for what was left out."""
    return {
        "p50_ms": round(_ms(figures.loaded, 50), 1),
        "p99_ms": round(_ms(figures.loaded, 99), 1),
        "floor_p99_ms": round(_ms(figures.floor, 99), 1) if figures.floor else None,
        "samples_per_s": None if figures.samples_per_s is None else round(figures.samples_per_s),
        "bytes_per_series": None if figures.bytes_per_series is None else round(figures.bytes_per_series),
        "recovery_s": None if figures.recovery_s is None else round(figures.recovery_s, 2),
    }


if __name__ == "__main__":
    main()
