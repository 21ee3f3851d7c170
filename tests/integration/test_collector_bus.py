"""The collector as a program: what comes out on a real bus and on its exporter, also when the bus was away."""

from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from aiokafka import ConsumerRecord
from prometheus_client import parser

from infra.local import ports
from services.collector import scheduler
from services.collector.sources.system import METRICS
from shared.messages.cloudevents import attributes
from shared.messages.samples import SampleBatch
from shared.messages.series import labels_of
from shared.messages.topics import HEARTBEATS, SAMPLES
from tests.conftest import eventually, run_module
from tests.integration.programs import RestartableKafka, page, records, running

NAMES = {metric.name for metric in (*METRICS, *scheduler.METRICS)}


def environment(bootstrap: str) -> tuple[dict[str, str], int, int]:
    """(settings, port of the exporter, port of the admin pages)"""
    exporter, admin = ports.free(2)
    return (
        {
            "PANTAU_KAFKA__BOOTSTRAP": bootstrap,
            "PANTAU_COLLECTOR__HOST": "web-1",
            "PANTAU_COLLECTOR__INTERVAL_SECONDS": "1",
            "PANTAU_COLLECTOR__EXPORTER__PORT": str(exporter),
            "PANTAU_POSTGRES__OWN": "false",
            "PANTAU_COLLECTOR__ADMIN__PORT": str(admin),
        },
        exporter,
        admin,
    )


def batch_of(record: ConsumerRecord[bytes, bytes]) -> SampleBatch:
    assert record.value is not None
    return SampleBatch.decode(record.value)


def time_of(record: ConsumerRecord[bytes, bytes]) -> int:
    """The one time of a batch."""
    (time_ms,) = {sample.time_ms for sample in batch_of(record).samples()}
    return time_ms


async def test_readings_arrive_as_the_contract_says(topics: str, tmp_path: Path) -> None:
    settings, exporter, admin = environment(topics)
    with running("services.collector", tmp_path / "collector.log", **settings):

        async def three() -> list[ConsumerRecord[bytes, bytes]]:
            found = await records(topics, SAMPLES)
            return found if len(found) >= 3 else []

        found = await eventually(three)
        status, text = await page(f"http://127.0.0.1:{exporter}/metrics")
        _, open_text = await page(
            f"http://127.0.0.1:{exporter}/metrics", Accept="application/openmetrics-text;version=1.0.0"
        )
        ready, _ = await page(f"http://127.0.0.1:{admin}/health/ready")
        assert await eventually(lambda: records(topics, HEARTBEATS))

    for record in found:
        batch = batch_of(record)
        assert (record.key, batch.source) == (b"collector/web-1", "collector/web-1")
        assert {labels_of(series)["__name__"] for series in batch.series} == NAMES
        assert {labels_of(series)["host"] for series in batch.series} == {"web-1"}
        assert attributes(dict(record.headers))["type"] == "pantau.samples"
        time_of(record)
    values = {sample.series: sample.value for sample in batch_of(found[-1]).samples()}
    assert values['system_memory_total_bytes{host="web-1"}'] == psutil.virtual_memory().total
    assert values['pantau_source_up{host="web-1",source="system"}'] == 1.0

    assert (status, ready) == (200, 200)
    exposed = {sample.name for family in parser.text_string_to_metric_families(text) for sample in family.samples}
    assert exposed == NAMES
    assert open_text.endswith("# EOF\n")


def test_a_port_in_use_is_told_with_the_way_out(topics: str) -> None:
    settings, _, admin = environment(topics)
    settings["PANTAU_COLLECTOR__EXPORTER__PORT"] = str(admin)  # taken by its own pages
    with pytest.raises(AssertionError, match="PANTAU_COLLECTOR__EXPORTER__PORT"):
        run_module("services.collector", **settings)


async def test_what_was_read_while_the_bus_was_away_comes_with_its_own_time(tmp_path: Path) -> None:
    kafka = RestartableKafka(tmp_path / "kafka")
    settings, _, admin = environment(kafka.bootstrap)

    async def kept_three() -> bool:
        _, text = await page(f"http://127.0.0.1:{admin}/metrics")
        return any(
            sample.value >= 3
            for family in parser.text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "pantau_backlog_messages"
        )

    async def arrived(more_than: int) -> list[ConsumerRecord[bytes, bytes]]:
        found = await records(kafka.bootstrap, SAMPLES)
        return found if len(found) > more_than else []

    with running("services.collector", tmp_path / "collector.log", **settings):
        await eventually(kept_three)  # it was started before the bus
        status, text = await page(f"http://127.0.0.1:{admin}/health/ready")
        assert (status, "bus" in text) == (503, True)
        with kafka.there():
            run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
            before = await eventually(lambda: arrived(3))
        await eventually(kept_three)
        with kafka.there():
            after = await eventually(lambda: arrived(len(before) + 3))

            async def ready() -> bool:
                return (await page(f"http://127.0.0.1:{admin}/health/ready"))[0] == 200

            await eventually(ready)

    first: dict[int, ConsumerRecord[bytes, bytes]] = {}
    for record in after:  # what was under way when the bus went may be there twice
        first.setdefault(time_of(record), record)
    times = list(first)
    assert times == sorted(times), "readings came out of order"
    # All of them: one a second, but for those that the collector itself says it missed.
    missed = {sample.series: sample.value for sample in batch_of(after[-1]).samples()}[
        'pantau_source_errors_total{host="web-1",reason="missed",source="system"}'
    ]
    span = round((times[-1] - times[0]) / 1000)
    assert len(times) + missed == span + 1, [later - earlier for earlier, later in pairwise(times)]
    waited = [record for record in first.values() if record.timestamp - time_of(record) > 1_500]
    assert len(waited) >= 3, "nothing was kept while the bus was away"
