"""Writes `docs/metrics.md` from the descriptions in the code: `python -m services.describe [--check] [FILE]`.

It is the one module that looks into several services; none of them knows it, so they still meet only on the bus.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from prometheus_client.metrics import MetricWrapperBase

from services.collector import following, scheduler
from services.collector.scraping import discovery, job
from services.collector.sources import all_metrics
from services.health import runner
from services.health.core import results
from shared import service
from shared.bus import backlog, producer, received
from shared.metrics import Metric

DOCUMENT = Path(__file__).parent.parent / "docs" / "metrics.md"

HEADER = """\
# Metrics

<!-- Written by `python -m services.describe`; don't edit it by hand. -->

The metrics that Pantau itself takes. They lie on the topic `pantau.samples`, in the history, and can be used in rules
and queries; those of the collector are also on its Prometheus exporter (port 9090). What you push or scrape keeps the
names you gave it. The `http_*` metrics of the API's own traffic are described [with it](api.md#its-own-traffic).
"""


def document() -> str:
    """The text of `docs/metrics.md`."""
    parts = [HEADER]
    for source, metrics in all_metrics().items():
        parts.append(
            _section(f"Collector: source `{source}`", f"Batches named `collector/<host>{_more(source)}`.", metrics)
        )
    parts.append(
        _section(
            "Collector: about each source",
            "In the batch of each reading, also of one that failed: "
            f"reasons are {', '.join(f'`{reason}`' for reason in scheduler.KNOWN_REASONS)}, `bad_sample`, "
            "`duplicate_sample`, and a source's own such as `disk_deadline` and `disk_error`.",
            scheduler.METRICS,
        )
    )
    parts.append(
        _section(
            "Health: every check", "Batches named `health/<host>`; the label `service` is the check.", results.METRICS
        )
    )
    parts.append(
        _section(
            "Of the programs themselves",
            "Not on the bus: on `/metrics` of each service's own pages (collector 18081, health 18082, ...).",
            own_metrics(service, producer, received, backlog, following, discovery, job, runner),
        )
    )
    return "\n".join(parts)


def own_metrics(*modules: ModuleType) -> Iterator[Metric]:
    """What the modules count in prometheus_client's registry."""
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, MetricWrapperBase):
                family = next(iter(value.describe()))
                name = f"{family.name}_total" if family.type == "counter" else family.name
                yield Metric(name, family.type, "", family.documentation, tuple(value._labelnames))


def main(arguments: list[str] | None = None) -> int:
    """Write the document, or with `--check` say whether it is what the code says: 0, or 1 with the way out."""
    parser = argparse.ArgumentParser(prog="python -m services.describe", description="Describes the metrics.")
    parser.add_argument("--check", action="store_true", help="only compare; exit with 1 if the file differs")
    parser.add_argument("file", nargs="?", type=Path, default=DOCUMENT)
    given = parser.parse_args(arguments)
    text = document()
    if not given.check:
        given.file.parent.mkdir(parents=True, exist_ok=True)
        given.file.write_text(text)
    elif not given.file.exists() or given.file.read_text() != text:
        print(f"{given.file} differs from the code: run `python -m services.describe`", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _more(source: str) -> str:
    own = {"system": "", "prometheus": "/scrape/<job>/<instance>"}
    return own.get(source, f"/{source}/<name>")


def _section(title: str, text: str, metrics: Iterable[Metric]) -> str:
    rows = [
        f"| `{one.name}` | {one.type} | {one.unit or '-'} | {', '.join(f'`{label}`' for label in one.labels) or '-'} "
        f"| {one.help} |"
        for one in metrics
    ]
    return "\n".join(
        [f"## {title}\n", f"{text}\n", "| metric | type | unit | labels | what |", "|---|---|---|---|---|", *rows, ""]
    )


if __name__ == "__main__":
    raise SystemExit(main())
