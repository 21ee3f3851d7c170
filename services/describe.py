"""Writes `docs/metrics.md` from the descriptions in the code: `python -m services.describe [--check] [FILE]`.

It is the one module that looks into several services; none of them knows it, so they still meet only on the bus.
"""

import argparse
import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from prometheus_client.metrics import MetricWrapperBase

from services.api.core import heartbeats
from services.collector import scheduler
from services.collector import sources as source_modules
from services.collector.sources import all_metrics
from services.health.core import results
from services.own_metrics import counted_in, described, held_by, modules_below
from shared.metrics import Metric
from shared.whatsapp.metrics import RECEIVED

TREE = Path(__file__).resolve().parents[1]
DOCUMENT = TREE / "docs" / "metrics.md"
RULES = TREE / "infra" / "rules"
SDK = TREE / "sdk"
# By service, where its own pages answer unless the settings say otherwise.
SERVICES = {"collector": 18081, "health": 18082, "alerting": 18083, "history": 18084, "notifier": 18085, "api": 8080}
# Whose batches are not named for the source and what is read.
ORIGINS = {"system": "", "prometheus": "/scrape/<job>/<instance>"}
# What the api counts of its traffic goes to the bus, too.
ON_THE_BUS = ("http_",)

HEADER = """\
# Metrics

<!-- Written by `python -m services.describe`; don't edit it by hand. -->

The metrics that Pantau itself takes, by where they come from. All but the [last section](#pantaus-own-services) lie on
the topic `pantau.samples`, in the history, and can be used in rules and queries; those of the collector are also on its
Prometheus exporter (port 9090). What you push or scrape keeps the names you gave it. Counters only grow, and begin anew
with the program that counts: use `rate` or `increase`.

"""


def document() -> str:
    """The text of `docs/metrics.md`."""
    sections = [
        *_of_sources(),
        _of_checks(),
        *_of_what_calls(),
        *_of_applications(),
        _of_rules(),
        _of_services(),
    ]
    contents = "\n".join(f"- [{_title(one)}](#{_anchor(_title(one))})" for one in sections)
    return HEADER + contents + "\n\n" + "\n".join(sections)


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


def _of_sources() -> Iterator[str]:
    for source, metrics in all_metrics().items():
        about = (
            (importlib.import_module(f"{source_modules.__name__}.{source}").__doc__ or "").strip().partition("\n\n")[0]
        )
        origin = ORIGINS.get(source, f"/{source}/<name>")
        text = f"{' '.join(about.split())} In batches named `collector/<host>{origin}`."
        yield _section(f"Collector: source `{source}`", text, _table(metrics))
    yield _section(
        "Collector: every source",
        "In the batch of each reading, also of one that failed: "
        f"reasons are {', '.join(f'`{reason}`' for reason in scheduler.KNOWN_REASONS)}, `bad_sample`, "
        "`duplicate_sample`, and a source's own such as `disk_deadline` and `disk_error`.",
        _table(scheduler.METRICS),
    )


def _of_checks() -> str:
    return _section(
        "Health checks",
        "In batches named `health/<host>`; the label `service` is the check, e.g. `database` or `http:portal`. "
        "[The checks](checks.md) say how rules use them.",
        _table(results.METRICS) + "\nWhat some kinds of checks measure beside that:\n\n" + _table(results.FIGURES),
    )


def _of_what_calls() -> Iterator[str]:
    where = "In batches named `api/<instance>`; see"
    yield _section("Webhooks of WhatsApp gateways", f"{where} [WhatsApp](whatsapp.md).", _table(RECEIVED))
    yield _section("Heartbeats of jobs", f"{where} [heartbeats](heartbeats.md).", _table(heartbeats.METRICS))


def _of_applications() -> Iterator[str]:
    sys.path.append(str(SDK))  # a distribution of its own, which need not be installed here
    from pantau import Pantau, Settings

    metrics = held_by(Pantau(Settings(service="any"), others=()).registry)
    yield _section(
        "Monitored Python applications",
        "Pushed by [the SDK](sdk.md), with the application's own metrics; `job` is the service.",
        _table(described(one, ("job", "instance")) for one in metrics),
    )
    own = [described(one, ("instance",)) for one in counted_in(modules_below("services.api"))]
    yield _section(
        "The API's own traffic",
        "Every 15 s; [what counts](api.md#its-own-traffic).",
        _table(one for one in _each_once(own) if one.name.startswith(ON_THE_BUS)),
    )


def _of_rules() -> str:
    rows = ["| metric | what it is | rule file |", "|---|---|---|"]
    for file in sorted(RULES.glob("*.yaml")):
        if file.name.endswith(".test.yaml"):
            continue
        for group in yaml.safe_load(file.read_text())["groups"]:
            rows += [
                f"| `{rule['record']}` | `{_cell(' '.join(str(rule['expr']).split()))}` | `{file.name}` |"
                for rule in group["rules"]
                if "record" in rule
            ]
    rows += [
        "| `ALERTS` | 1 for each alert that is pending or firing, with its labels, `alertname` and `alertstate` | any |"
    ]
    return _section("Alerting", "Recorded by the [rules](rules.md) that come with Pantau.", "\n".join(rows) + "\n")


def _of_services() -> str:
    parts = ["Not on the bus: on `/metrics` of each service.\n"]
    seen = set(counted_in(modules_below("shared")))
    parts.append("### In every service that does it\n\n" + _table(map(described, _in_order(seen))))
    for service, port in SERVICES.items():
        own = set(counted_in(modules_below(f"services.{service}"))) - seen
        seen |= own
        rows = [one for one in map(described, _in_order(own)) if not one.name.startswith(ON_THE_BUS)]
        if rows:
            parts.append(f"### {service}, port {port}\n\n" + _table(rows))
    return _section("Pantau's own services", *parts)


def _in_order(metrics: Iterable[MetricWrapperBase]) -> list[MetricWrapperBase]:
    return sorted(metrics, key=lambda metric: described(metric).name)


def _each_once(metrics: Iterable[Metric]) -> list[Metric]:
    return sorted(dict.fromkeys(metrics), key=lambda metric: metric.name)


def _title(section: str) -> str:
    return section.partition("\n")[0].removeprefix("## ")


def _anchor(title: str) -> str:
    """As GitHub and others name a heading: lower case, without punctuation, hyphens for spaces."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(title: str, *parts: str) -> str:
    return "\n".join([f"## {title}\n", *(f"{part.rstrip()}\n" for part in parts)])


def _table(metrics: Iterable[Metric]) -> str:
    rows = [
        f"| `{one.name}` | {one.type} | {one.unit or '-'} | {', '.join(f'`{label}`' for label in one.labels) or '-'} "
        f"| {_cell(one.help)} |"
        for one in metrics
    ]
    return "\n".join(["| metric | type | unit | labels | what |", "|---|---|---|---|---|", *rows, ""])


if __name__ == "__main__":
    raise SystemExit(main())
