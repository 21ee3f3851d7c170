"""What the HTTP API answers, from the bus and the database, once and live. On a real Kafka and PostgreSQL."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent, CurrentAlert, alert_id, episode_id, event_id
from shared.messages.health import HealthResult
from shared.messages.requests import RequestLogBatch
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, HEALTH, REQUESTS, SAMPLES
from tests.conftest import eventually
from tests.integration.api_process import Api, is_problem, make_tokens, new_database, next_event, running_api
from tests.integration.programs import records

METRICS = "/api/monitoring/metrics"
ALL_RULES = "/api/monitoring/alerts/rules"


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    return new_database(postgres_dsn)


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str, dsn: str) -> AsyncIterator[Api]:
    directory = tmp_path_factory.mktemp("api")
    web = directory / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html><title>Pantau</title>")
    (web / "assets" / "index-1.js").write_text("1")
    settings = {"PANTAU_API__WEB": str(web), "PANTAU_API__MOST_STREAM_CLIENTS": "3"}
    async with running_api(directory, topics, dsn, make_tokens(dsn), **settings) as api:
        await api.known()
        yield api


# What comes from the bus


def alert(now: int, state: str, transition: int) -> tuple[AlertEvent, CurrentAlert | None]:
    """An event, and the state after it."""
    alert = alert_id("g", "disk_full", {"host": "web-1"})
    common: dict[str, Any] = {
        "alert_id": alert,
        "fingerprint": "f",
        "group": "g",
        "rule": "disk_full",
        "rule_version": "v",
        "episode": now,
        "labels": {"host": "web-1"},
        "severity": "critical",
        "message": "Disk is full",
        "value": 95.5,
        "expr": "disk_usage > 90",
        "fired_at": now,
    }
    identity = event_id(alert, now, transition)
    event = AlertEvent.model_validate(
        common
        | {"id": identity, "transition": transition, "state": state, "previous_state": "inactive"}
        | {"instant": now + transition}
    )
    if state == "resolved":
        return event, None
    return event, CurrentAlert.model_validate(
        common | {"state": state, "since": now, "last_event_id": identity, "last_transition": transition}
    )


async def send_alert(producer: Producer, now: int, state: str, transition: int) -> None:
    event, current = alert(now, state, transition)
    await producer.send(Outgoing(ALERT_EVENTS, event.alert_id, event, event.id))
    await producer.send(Outgoing(ALERT_STATE, event.alert_id, current))


async def test_alerts_from_firing_to_resolved(api: Api, producer: Producer, dsn: str) -> None:
    now = clock.now_ms()
    alert = alert_id("g", "disk_full", {"host": "web-1"})
    async with api.session.get(
        f"{api.url}/api/monitoring/stream", headers={"Authorization": f"Bearer {api.tokens['viewer']}"}
    ) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        await stream.content.readuntil(b"live")
        await send_alert(producer, now, "firing", 1)
        shown = await next_event(stream.content, "alert")
        assert (shown["id"], shown["status"]) == (episode_id(alert, now), "firing")

        async def active() -> list[Any]:
            found: list[Any] = (await api.get("/api/monitoring/alerts?status=active&severity=critical")).body
            return found

        (listed,) = await eventually(active)
        assert listed == {**shown, "muted_by": []}  # event `muting` says what mutes it
        assert listed["value"] == 95.5
        assert (await api.get("/api/monitoring/alerts?status=active&severity=info")).body == []

        await send_alert(producer, now, "resolved", 2)
        assert (await next_event(stream.content, "alert"))["resolved_at"] is not None

    async def none_left() -> bool:
        return await active() == []

    await eventually(none_left)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO alert_logs (alert_type, severity, message, created_at, resolved_at, episode_id, alert_id,"
            " episode, group_name, labels, expr, value) VALUES ('disk_full', 'critical', 'Disk is full', now(), now(),"
            " %s, %s, now(), 'g', '{\"host\": \"web-1\"}', 'disk_usage > 90', 'NaN')",
            (episode_id(alert, now), alert),
        )
    for status in ("resolved", "all"):
        (over,) = (await api.get(f"/api/monitoring/alerts?status={status}")).body
        assert (over["id"], over["status"], over["value"]) == (episode_id(alert, now), "resolved", None)
        assert over["labels"] == {"host": "web-1"}


async def test_health_and_metrics_live(api: Api, producer: Producer) -> None:
    now = clock.now_ms()
    async with api.session.get(
        f"{api.url}/api/monitoring/stream", headers={"Authorization": f"Bearer {api.tokens['viewer']}"}
    ) as stream:
        await stream.content.readuntil(b"live")
        result = HealthResult(
            check="database",
            kind="database",
            status="degraded",
            response_time_ms=12.5,
            details={"connections": 3},
            checked_at=now,
            valid_until=now + 600_000,
        )
        await producer.send(Outgoing(HEALTH, "database", result))
        streamed = await next_event(stream.content, "health")
        batch = SampleBatch.of(
            "collector/web-1",
            [
                Sample('system_cpu_usage_percent{host="web-1"}', now, 12.5),
                Sample('system_memory_usage_percent{host="web-1"}', now, 40),
            ],
        )
        await producer.send(Outgoing(SAMPLES, batch.source, batch))
        snapshot = (await next_event(stream.content, "metrics"))["system"]

    asked = (await api.get("/api/monitoring/health", "viewer")).body
    assert asked["checks"] == streamed["checks"]
    assert asked["status"] == "degraded"
    assert asked["checks"]["database"]["response_time"] == 12.5
    assert snapshot["cpu_usage"] == 12.5
    assert (await api.get(f"{METRICS}?host=web-1")).body["system"] == snapshot
    assert (await api.get(f"{METRICS}?host=elsewhere")).body["system"] is None
    assert (await api.get(f"{METRICS}?host=%00")).status == 422


async def test_a_client_that_does_not_read_is_cut_off(api: Api, producer: Producer) -> None:
    cut = 'pantau_api_stream_ended_total{reason="slow"}'
    before = await api.counter(cut.replace("{", r"\{"))
    reader, writer = await asyncio.open_connection(*urlsplit(api.url).netloc.split(":"), limit=1024)
    head = ("GET /api/monitoring/stream HTTP/1.1", "Host: x", f"Authorization: Bearer {api.tokens['viewer']}", "", "")
    writer.write("\r\n".join(head).encode())
    await reader.readuntil(b"\r\n\r\n")

    now = clock.now_ms()
    transitions = itertools.count(1)

    async def is_cut() -> bool:
        loud = [alert(now, "firing", next(transitions))[0] for _ in range(300)]
        loud = [event.model_copy(update={"annotations": {"text": "x" * 40_000}}) for event in loud]
        await producer.send_all([Outgoing(ALERT_EVENTS, event.alert_id, event, event.id) for event in loud])
        return await api.counter(cut.replace("{", r"\{")) > before

    await eventually(is_cut)
    writer.close()
    await send_alert(producer, now, "resolved", next(transitions))


async def test_streams_are_counted_out(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.tokens['viewer']}"}
    streams = [await api.session.get(f"{api.url}/api/monitoring/stream", headers=headers) for _ in range(3)]
    assert [stream.status for stream in streams] == [200] * 3
    refused = await api.get("/api/monitoring/stream")
    assert is_problem(refused, 503)
    assert refused.headers["retry-after"]
    for stream in streams:
        stream.close()

    async def free() -> bool:
        async with api.session.get(f"{api.url}/api/monitoring/stream", headers=headers) as stream:
            return stream.status == 200

    await eventually(free)


# What comes from the database


async def test_performance(api: Api, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO performance_snapshots (snapshot_time, cpu_usage, host)"
            " SELECT now() - n * interval '1 minute', 10 + n % 2, 'db-1' FROM generate_series(1, 600) AS n"
        )
        connection.execute(
            "INSERT INTO api_performance_logs (method, route, status_code, response_time_ms, timestamp, request_id)"
            " SELECT 'GET', '/x', CASE WHEN n % 4 = 0 THEN 500 ELSE 200 END, 20, now() - n * interval '1 second',"
            " 'r' || n FROM generate_series(3600, 36000) AS n"
        )

    async def chart(query: str) -> dict[str, Any]:
        answer = await api.get(f"/api/monitoring/performance?{query}")
        assert answer.status == 200, answer.text
        body: dict[str, Any] = answer.body
        assert len(body["timestamps"]) == len(body["values"]) <= 120
        return body

    cpu = await chart("metric=cpu_usage&period=10h&host=db-1")
    assert (cpu["unit"], cpu["step_seconds"]) == ("%", 300)
    middle = [value for value in cpu["values"][3:-3] if value is not None]
    assert len(middle) >= 110
    assert all(10 <= value <= 11 for value in middle)
    assert set((await chart("metric=cpu_usage&period=10h&host=nobody"))["values"]) == {None}
    past = slice(20, 90)  # the last hour has only what this test module asks itself
    assert {round(v) for v in (await chart("metric=request_rate&period=10h"))["values"][past]} == {60}
    assert {round(v) for v in (await chart("metric=error_rate&period=10h"))["values"][past]} == {25}
    assert {round(v) for v in (await chart("metric=response_time&period=10h"))["values"][past]} == {20}
    for bad in ("period=1x", "period=1m", "period=31d", "metric=speed", "host=%00"):
        assert is_problem(await api.get(f"/api/monitoring/performance?{bad}"), 422)


# The process itself


async def test_own_traffic_is_logged_and_measured(api: Api, topics: str) -> None:
    agent = f"agent-{uuid.uuid4().hex}"
    await api.get("/api/monitoring/health", headers={"User-Agent": agent})
    await api.get("/api/nothing/here", headers={"User-Agent": agent})

    async def logged() -> list[Any]:
        batches = [RequestLogBatch.decode(record.value or b"") for record in await records(topics, REQUESTS)]
        found = [one for batch in batches for one in batch.requests if one.user_agent == agent]
        return found if len(found) == 2 else []

    known, unknown = await eventually(logged)
    assert (known.method, known.route, known.status_code) == ("GET", "/api/monitoring/health", 200)
    assert (unknown.route, unknown.status_code) == ("unmatched", 404)
    assert str(known.ip_address) == "127.0.0.1"
    assert known.response_size > 0
    assert known.response_time_ms > 0

    text = (await api.get("/metrics", None)).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    routes = {sample.labels["route"] for sample in families["http_requests"].samples}
    assert "/api/monitoring/health" in routes
    assert all(route.startswith("/api/") or route == "unmatched" for route in routes)
    assert "/api/monitoring/stream" not in routes

    async def on_the_bus() -> bool:
        found = [SampleBatch.decode(record.value or b"") for record in await records(topics, SAMPLES)]
        return any(
            series.startswith('http_requests_total{instance="test",method="GET",route="/api/monitoring/health"')
            for batch in found
            if batch.source == "api/test"
            for series in batch.series
        )

    await eventually(on_the_bus)

    async def shown() -> bool:
        body = (await api.get(METRICS)).body
        return body["application"]["response_time_ms"] is not None

    await eventually(shown)


async def test_the_browser_application_is_served(api: Api) -> None:
    start = await api.get("/", None)
    assert (start.status, start.headers["cache-control"]) == (200, "no-cache")
    assert "default-src 'self'" in start.headers["content-security-policy"]
    assert start.headers["x-content-type-options"] == "nosniff"
    assert (await api.get("/alerts/some/page", None)).text == start.text
    asset = await api.get("/assets/index-1.js", None)
    assert "immutable" in asset.headers["cache-control"]
    assert is_problem(await api.get("/assets/index-2.js", None), 404)
    assert is_problem(await api.get("/api/unknown", None), 404)
    assert is_problem(await api.ask("POST", "/", None), 405)


async def test_the_documentation_needs_nothing_from_elsewhere(api: Api) -> None:
    document = (await api.get("/api/openapi.json", "viewer")).body
    docs = (await api.get("/api/docs", "viewer")).text
    assert "<script" not in docs
    assert "http://" not in docs
    assert "https://" not in docs
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in docs
