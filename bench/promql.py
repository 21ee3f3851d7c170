"""`./pantau bench promql`: what the query engine costs beside numpy merely summing the same samples.

Two range queries over 10,000 series, 6 h at 15 s, in steps of 60 s; and one evaluation of 1,000 alerting rules over
100,000 series. CPU time of this process, the best of several runs.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

from shared.promql.matching import Matcher
from shared.promql.memory_source import MemorySource
from shared.promql.query import Query, compile_query
from shared.promql.series_sets import Ints, SeriesSet, labels_from
from shared.promql.source import Block, Selection, accepts
from shared.promql.values import Floats

STEP_MS, INTERVAL_MS, HOURS = 60_000, 15_000, 6
SERIES, ROUTES = 10_000, 20
BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
RATE = "sum by (route) (rate(http_requests_total[5m]))"
QUANTILE = "histogram_quantile(0.99, sum by (le, route) (rate(http_request_duration_seconds_bucket[5m])))"
RULES = Path(__file__).resolve().parents[2] / "shared" / "bench" / "rules-1000.yaml"
METRICS, SERIES_PER_METRIC = 100, 1_000

out = Console(highlight=False)


@dataclass(frozen=True)
class Figure:
    """CPU seconds of a query and of the sum, and how many samples both touched."""

    query: float
    total: float
    samples: int

    @property
    def ratio(self) -> float:
        return self.query / self.total


class ArraySource:
    """One block of series that are there as arrays already."""

    def __init__(self, labels: list[dict[str, str]], times: Ints, values: Floats) -> None:
        self._mappings = labels
        series = SeriesSet([labels_from(one) for one in labels])
        self._selection = Selection(series, [Block(np.arange(len(labels)), times, values)])

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """All of them, or nothing."""
        if accepts(matchers, self._mappings[0]):
            return self._selection
        return Selection(SeriesSet(()), [])


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="pantau bench promql", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="runs of each, of which the best counts (5)")
    parser.add_argument("--rules", type=Path, default=RULES, help="Prometheus rule file over app_metric_0..99_total")
    arguments = parser.parse_args()
    if not arguments.rules.exists():
        parser.error(f"there are no rules at {arguments.rules}: name a rule file with --rules")
    random = np.random.default_rng(1)
    times = np.arange(-20, HOURS * 240 + 1, dtype=np.int64) * INTERVAL_MS
    rate = measure_range(RATE, _requests(times, random), arguments.times)
    quantile = measure_range(QUANTILE, _histograms(times, random), arguments.times)
    rules_cpu = measure_rules(arguments.rules, arguments.times)
    report(rate, quantile, rules_cpu)


def _requests(times: Ints, random: np.random.Generator) -> tuple[ArraySource, Floats]:
    labels = [
        {"__name__": "http_requests_total", "job": "app", "instance": f"host-{row}", "route": f"/r{row % ROUTES}"}
        for row in range(SERIES)
    ]
    values = np.cumsum(random.poisson(100, (SERIES, len(times))), axis=1).astype(np.float64)
    for row in range(0, SERIES, 100):  # one in a hundred restarts
        values[row, len(times) // 2 :] -= values[row, len(times) // 2] - 5
    return ArraySource(labels, times, values), values


def _histograms(times: Ints, random: np.random.Generator) -> tuple[ArraySource, Floats]:
    labels = [
        {"__name__": "http_request_duration_seconds_bucket", "instance": f"host-{row // len(BOUNDS)}",
         "route": f"/r{row // len(BOUNDS) % ROUTES}", "le": BOUNDS[row % len(BOUNDS)]}
        for row in range(SERIES)
    ]  # fmt: skip
    observed = random.poisson(10, (SERIES // len(BOUNDS), len(BOUNDS), len(times)))
    values = np.cumsum(np.cumsum(observed, axis=1), axis=2).astype(np.float64).reshape(SERIES, len(times))
    return ArraySource(labels, times, values), values


def measure_range(expr: str, data: tuple[ArraySource, Floats], runs: int) -> Figure:
    """A range query, and the sum of its samples."""
    source, values = data
    query = compile_query(expr)
    end = HOURS * 3_600_000
    answer = query.range(source, 0, end, STEP_MS)
    cost = _best(lambda: query.range(source, 0, end, STEP_MS), runs)
    return Figure(cost, _best(values.sum, runs), answer.samples)


def measure_rules(path: Path, runs: int) -> float:
    """CPU seconds of one evaluation of all rules of the file, in order."""
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    queries = [compile_query(rule["expr"]) for group in groups for rule in group["rules"]]
    source = MemorySource()
    rows = source.rows_of(
        {"__name__": f"app_metric_{metric}_total", "job": "pantau", "instance": f"host-{one}", "route": f"/r{one % 20}"}
        for metric in range(METRICS)
        for one in range(SERIES_PER_METRIC)
    )
    random = np.random.default_rng(2)
    values = np.zeros(len(rows))
    now = 0
    best = float("inf")
    for sample in range(25 + runs):
        values = values + random.poisson(10, len(rows))
        now = sample * INTERVAL_MS
        source.append(rows, np.full(len(rows), now), values)
        source.forget(now - 5 * 60_000 - INTERVAL_MS)
        if sample >= 25:  # each time new samples: nothing of the last evaluation's values is left
            best = min(best, _cpu(lambda at=now: _evaluate(queries, source, at)))  # type: ignore[misc]
    return best


def _evaluate(queries: list[Query], source: MemorySource, now: int) -> None:
    for query in queries:
        query.instant(source, now)


def _best(work: Callable[[], object], runs: int) -> float:
    return min(_cpu(work) for _ in range(runs))


def _cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def report(rate: Figure, quantile: Figure, rules_cpu: float) -> None:
    """A table for people, a line of JSON for machines."""
    table = Table("query", "CPU s", "ns per sample", "numpy sum, CPU s", "ratio")
    for name, figure in ((RATE, rate), (QUANTILE, quantile)):
        table.add_row(
            name,
            f"{figure.query:.3f}",
            f"{figure.query / figure.samples * 1e9:.1f}",
            f"{figure.total:.4f}",
            f"{figure.ratio:.1f}",
        )
    table.add_row(f"{METRICS * 10} rules over {METRICS * SERIES_PER_METRIC} series", f"{rules_cpu:.3f}", "", "", "")
    out.print(table)
    print(
        json.dumps(
            {
                "range_rate_ratio": round(rate.ratio, 2),
                "range_quantile_ratio": round(quantile.ratio, 2),
                "rules_cpu_s": round(rules_cpu, 3),
                "range_rate_ns_per_sample": round(rate.query / rate.samples * 1e9, 2),
                "range_quantile_ns_per_sample": round(quantile.query / quantile.samples * 1e9, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
