"""One sample, all the way: rule, sample, event, delivery, history, API; and back."""

import json
from typing import Any

import aiohttp
import asyncpg
import jsonschema
import psutil
from aiokafka import AIOKafkaConsumer
from prometheus_client.parser import text_string_to_metric_families

from shared import clock
from tests.conftest import eventually
from tests.e2e.conftest import GARBAGE_KEY, PROJECT, Client, Recorder, Stack


async def events_of(stack: Stack, rule: str) -> list[dict[str, Any]]:
    """The events of a rule on the topic, read with a stock consumer, each valid against the published schema."""
    schema = json.loads((PROJECT / "shared/messages/schemas/pantau.alerts.events.json").read_text())
    valid = jsonschema.validators.validator_for(schema)(schema)
    consumer = AIOKafkaConsumer("pantau.alerts.events", bootstrap_servers=stack.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found = []
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=3_000)
            for record in (record for records in batches.values() for record in records):
                if record.key == GARBAGE_KEY:  # the bad-input tests share this stack
                    continue
                event = json.loads(record.value)
                if event["rule"] == rule:  # tens of thousands are of the tests before
                    valid.validate(event)
                    found.append(event)
        return found
    finally:
        await consumer.stop()


async def test_a_posted_sample_fires_resolves_and_fires_again(stack: Stack, client: Client, recorder: Recorder) -> None:
    await client.rule("custom_alert", "custom_metric > 100")
    await client.sample("custom_metric", 123, type="business")
    await eventually(lambda: _count(recorder, "custom_alert", 1))
    (alert,) = await eventually(lambda: client.active("custom_alert"))
    assert alert["status"] == "firing"
    assert alert["value"] == 123
    assert alert["labels"]["type"] == "business"

    await client.sample("custom_metric", 50, type="business")
    await eventually(lambda: _count(recorder, "custom_alert", 2))

    async def gone() -> bool:
        return not await client.active("custom_alert")

    await eventually(gone)
    await client.sample("custom_metric", 123, type="business")
    await eventually(lambda: _count(recorder, "custom_alert", 3))
    (again,) = await eventually(lambda: client.active("custom_alert"))

    assert recorder.states("custom_alert") == ["firing", "resolved", "firing"]
    assert again["id"] != alert["id"], "a new episode"
    assert again["alert_id"] == alert["alert_id"], "of the same alert"
    events = [event for event in await events_of(stack, "custom_alert") if event["state"] in ("firing", "resolved")]
    assert [event["state"] for event in events] == ["firing", "resolved", "firing"]
    assert len({event["id"] for event in events}) == 3

    connection = await asyncpg.connect(stack.dsn)
    try:

        async def episodes() -> list[asyncpg.Record]:
            rows = await connection.fetch(
                "SELECT * FROM alert_logs WHERE alert_type = 'custom_alert' ORDER BY created_at"
            )
            return rows if len(rows) == 2 and rows[0]["resolved_at"] else []

        first, second = await eventually(episodes)
        assert first["resolved_at"] is not None
        assert second["resolved_at"] is None
        values = await connection.fetch(
            "SELECT value FROM metrics WHERE metric_name = 'custom_metric' ORDER BY timestamp"
        )
        assert [float(row["value"]) for row in values] == [123, 50, 123]
    finally:
        await connection.close()


async def test_the_metrics_are_this_machines(stack: Stack, client: Client) -> None:
    async def measured() -> dict[str, Any] | None:
        system = (await client.get("/api/monitoring/metrics"))["system"]
        return system if system["memory_usage"] is not None and system["disk_usage"] is not None else None

    system = await eventually(measured)
    memory, disk = psutil.virtual_memory(), psutil.disk_usage("/")
    assert system["memory_total"] == memory.total
    assert abs(system["memory_usage"] - memory.percent) < 10
    assert system["disk_total"] == disk.total
    assert abs(system["disk_usage"] - disk.percent) < 2
    assert 0 <= system["cpu_usage"] <= 100
    assert system["process_count"] > 0
    assert abs(system["uptime_seconds"] - (clock.now_ms() / 1000 - psutil.boot_time())) < 120


async def test_the_health_checks_say_how_things_are(client: Client) -> None:
    async def all_checked() -> dict[str, Any] | None:
        health = await client.get("/api/monitoring/health")
        return health if {"database", "disk_space", "memory", "kafka"} <= set(health["checks"]) else None

    health = await eventually(all_checked)
    assert health["checks"]["database"]["status"] == "healthy"
    assert health["checks"]["kafka"]["status"] == "healthy"
    expected = "healthy" if psutil.disk_usage("/").percent <= 80 else None
    assert expected is None or health["checks"]["disk_space"]["status"] == expected


async def test_both_exports_are_prometheus_text(stack: Stack) -> None:
    async with aiohttp.ClientSession() as session:
        for url, wanted in (
            (f"{stack.url}/metrics", "http_requests"),
            (stack.exporter_url, "system_cpu_usage_percent"),
        ):

            async def families(url: str = url, wanted: str = wanted) -> set[str] | None:
                async with session.get(url) as response:
                    assert response.status == 200
                    names = {family.name for family in text_string_to_metric_families(await response.text())}
                    return names if wanted in names else None

            await eventually(families)


async def _count(recorder: Recorder, rule: str, count: int) -> bool:
    return len(recorder.states(rule)) >= count
