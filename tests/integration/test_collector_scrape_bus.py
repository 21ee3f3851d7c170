"""The collector as a program that scrapes: what is on a real bus, on its exporter, and in the targets' status."""

import json
from pathlib import Path

from aiokafka import AIOKafkaProducer
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from shared import clock
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import SAMPLES
from tests.conftest import eventually
from tests.integration.programs import page, records, running
from tests.integration.scrape_targets import endpoint, says
from tests.integration.test_collector_bus import environment
from tests.integration.test_collector_scrape import is_marker

EXPOSED = """\
# HELP orders_total Orders that were placed
# TYPE orders_total counter
orders_total{kind="voucher"} 7
# TYPE took_seconds histogram
took_seconds_bucket{le="1"} 2
took_seconds_bucket{le="+Inf"} 3
took_seconds_sum 4
took_seconds_count 3
"""


async def push(bootstrap: str, samples: list[Sample]) -> None:
    """As api puts on the bus what people push."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        batch = SampleBatch.of("push/3", samples)
        await producer.send_and_wait(SAMPLES.name, batch.encode(), key=b"push/3")
    finally:
        await producer.stop()


async def test_scraped_and_pushed_samples_on_the_bus_and_on_the_exporter(topics: str, tmp_path: Path) -> None:
    settings, exporter, _ = environment(topics)
    config = tmp_path / "pantau.yaml"
    settings["PANTAU_CONFIG"] = str(config)
    async with endpoint(says(EXPOSED)) as target:
        config.write_text(
            f"scrape:\n  jobs: [{{job_name: shop, scrape_interval: 1s, targets: ['{target.address}']}}]\n"
        )
        own = f'instance="{target.address}",job="shop"'
        with running("services.collector", tmp_path / "collector.log", **settings):

            async def shown() -> dict[str, float]:
                now = clock.now_ms()  # again and again: it is followed from when the exporter has found the bus
                await push(
                    topics,
                    [
                        Sample("pushed_jobs_total", now, 5, "counter"),
                        Sample('pushed_seconds_bucket{le="+Inf"}', now, 2, "histogram"),
                        Sample("pushed_seconds_count", now, 2, "histogram"),
                        Sample("pushed_seconds_sum", now, 0.5, "histogram"),
                    ],
                )
                _, text = await page(f"http://127.0.0.1:{exporter}/metrics")
                values = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in text.splitlines()}
                wanted = (f'orders_total{{{own.split(",")[0]},job="shop",kind="voucher"}}', "pushed_jobs_total")
                return {name: float(values[name]) for name in wanted} if all(one in values for one in wanted) else {}

            found = await eventually(shown)
            _, text = await page(f"http://127.0.0.1:{exporter}/metrics")
            _, strict = await page(
                f"http://127.0.0.1:{exporter}/metrics", Accept="application/openmetrics-text;version=1.0.0"
            )
            _, status = await page(f"http://127.0.0.1:{exporter}/api/v1/targets")
            target.answer = says("other 1\n")

            async def marked() -> list[Sample]:
                batches = [SampleBatch.decode(one.value or b"") for one in await records(topics, SAMPLES)]
                ours = [batch for batch in batches if batch.source == f"collector/web-1/scrape/shop/{target.address}"]
                samples = [sample for batch in ours for sample in batch.samples()]
                return samples if any(is_marker(sample.value) for sample in samples) else []

            samples = await eventually(marked)

    assert list(found.values()) == [7, 5]
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    assert (families["orders"].type, families["orders"].documentation) == ("counter", "Orders that were placed")
    assert (families["took_seconds"].type, families["pushed_seconds"].type) == ("histogram", "histogram")
    assert families["up"].documentation == "1 if the target's last scrape succeeded, else 0"
    found_strictly = openmetrics_parser.text_string_to_metric_families(strict)  # type: ignore[no-untyped-call]
    assert {family.name for family in found_strictly} >= {"took_seconds", "pushed_seconds", "pushed_jobs", "orders"}
    (told,) = json.loads(status)["data"]["activeTargets"]
    assert (told["health"], told["labels"], told["lastError"]) == (
        "up",
        {"instance": target.address, "job": "shop"},
        "",
    )
    types = {sample.series: sample.type for sample in samples}
    assert types[f'took_seconds_bucket{{{own},le="1"}}'] == "histogram"
    ended = {sample.series.partition("{")[0] for sample in samples if is_marker(sample.value)}
    assert ended == {"orders_total", "took_seconds_bucket", "took_seconds_sum", "took_seconds_count"}
