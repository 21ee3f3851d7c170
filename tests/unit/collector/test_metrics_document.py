from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from services import describe
from services.collector.sources import all_metrics
from services.health.core import results


def test_the_document_is_what_the_code_says() -> None:
    assert describe.main(["--check"]) == 0


def test_a_document_that_differs_is_told_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "metrics.md"
    assert describe.main(["--check", str(path)]) == 1
    assert describe.main([str(path)]) == 0
    assert describe.main(["--check", str(path)]) == 0
    path.write_text(path.read_text().replace("system_load1", "system_load2"))
    assert describe.main(["--check", str(path)]) == 1
    assert "run `python -m services.describe`" in capsys.readouterr().err


def test_whatever_is_measured_or_counted_is_in_it() -> None:
    text = describe.document()  # which loads all that counts
    counted = {
        name
        for collector in REGISTRY._collector_to_names
        if isinstance(collector, MetricWrapperBase)
        for name in [f"{family.name}{'_total' * (family.type == 'counter')}" for family in collector.describe()]
        if name.startswith(("pantau_", "http_"))
    }
    collected = {metric.name for metrics in all_metrics().values() for metric in metrics}
    checked = {metric.name for metric in (*results.METRICS, *results.FIGURES)}
    pushed = {"database_query_duration_seconds", "whatsapp_messages_total", "pantau_sdk_dropped_total"}
    for one in counted | collected | checked | pushed:
        assert f"| `{one}` |" in text, one
    assert {"pantau_bus_messages_sent_total", "pantau_history_rows_total", "pantau_api_check_runs_total"} <= counted


# As the specification's exporter and collector have them (§4.1).
SPECIFIED = {
    "http_request_duration_seconds": ("histogram", {"method", "route", "status_code"}),
    "http_requests_total": ("counter", {"method", "route", "status_code"}),
    "database_query_duration_seconds": ("histogram", {"query_type", "table"}),
    "mikrotik_api_latency_seconds": ("histogram", {"method", "endpoint"}),
    "whatsapp_messages_total": ("counter", {"type", "status"}),
    "active_users_total": ("gauge", {"type"}),
    "system_cpu_usage_percent": ("gauge", set[str]()),
    "system_memory_usage_percent": ("gauge", set[str]()),
    "system_disk_usage_percent": ("gauge", set[str]()),
    "whatsapp_queue_size": ("gauge", set[str]()),
    "database_connections_active": ("gauge", set[str]()),
    "database_connections_idle": ("gauge", set[str]()),
    "database_size_bytes": ("gauge", set[str]()),
}


def test_the_specifications_metrics_have_their_names_types_and_labels() -> None:
    rows = [line.split(" | ") for line in describe.document().splitlines() if line.startswith("| `")]
    described = [
        (row[0].strip("| `"), row[1], {one.strip("`") for one in row[3].split(", ")}) for row in rows if row[3:]
    ]
    for name, (kind, labels) in SPECIFIED.items():
        assert any(one == name and of == kind and labels <= its for one, of, its in described), name


def test_the_contents_lead_to_the_sections() -> None:
    text = describe.document()
    anchors = {describe._anchor(line[3:]) for line in text.splitlines() if line.startswith("## ")}
    contents = [line.rpartition("](#")[2].removesuffix(")") for line in text.splitlines() if line.startswith("- [")]
    assert contents
    assert set(contents) == anchors


def test_a_table_is_not_broken_by_what_is_in_it() -> None:
    for line in describe.document().splitlines():
        if line.startswith("| "):
            assert line.replace("\\|", "").count("|") in (4, 6), line
