"""The HTTP API on a real Kafka and a real PostgreSQL."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql

from infra import accounts
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent, CurrentAlert, alert_id, episode_id, event_id
from shared.messages.health import HealthResult
from shared.messages.requests import RequestLogBatch
from shared.messages.rules import RuleGroup
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, AUDIT, HEALTH, REQUESTS, RULES, SAMPLES
from tests.conftest import eventually, run_module
from tests.integration.api_process import PASSWORD, Answer, Api, make_tokens, running_api
from tests.integration.programs import records

METRICS = "/api/monitoring/metrics"
ALL_RULES = "/api/monitoring/alerts/rules"


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    """A migrated database for this module, with users."""
    name = f"test_api_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = urlunsplit(urlsplit(postgres_dsn)._replace(path=f"/{name}"))
    run_module("infra.migrations", PANTAU_DATABASE__DSN=dsn)
    for user, role in (("sri", "viewer"), ("budi", "operator")):
        accounts.create_user(dsn, user, PASSWORD, role)
    return dsn


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str, dsn: str) -> AsyncIterator[Api]:
    """One api for the whole module."""
    directory = tmp_path_factory.mktemp("api")
    web = directory / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html><title>Pantau</title>")
    (web / "assets" / "index-1.js").write_text("1")
    settings = {
        "PANTAU_API__WEB": str(web),
        "PANTAU_API__LOGIN_ATTEMPTS_PER_MINUTE": "4",
        "PANTAU_API__LOGIN_ATTEMPTS_PER_MINUTE_AND_ADDRESS": "1000",
        "PANTAU_API__MOST_STREAM_CLIENTS": "3",
    }
    async with running_api(directory, topics, dsn, make_tokens(dsn), **settings) as api:
        await api.known()
        yield api


def is_problem(answer: Answer, status: int) -> bool:
    """Whether it is a complete RFC 9457 problem."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["status"] == status
    assert answer.body["title"]
    assert answer.body["detail"]
    assert answer.body["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    return True


# Samples


async def test_pushed_samples_are_on_the_bus_when_they_are_accepted(api: Api, topics: str) -> None:
    name = f"pushed_{uuid.uuid4().hex}"
    before = clock.now_ms()
    one = {"metric_name": name, "value": 123, "labels": {"type": "business"}}

    answer = await api.ask("POST", METRICS, "ingest", json=one)

    assert (answer.status, answer.body) == (202, {"accepted": 1})
    (found,) = await pushed_series(topics, name)
    assert found.series == f'{name}{{type="business"}}'
    assert found.value == 123
    assert before <= found.time_ms <= clock.now_ms()


async def test_what_is_pushed_at_once_arrives_once_each(api: Api, topics: str) -> None:
    name = f"crowd_{uuid.uuid4().hex}"
    answers = await asyncio.gather(
        *(api.push({"metric_name": name, "value": n}, {"metric_name": name, "value": -n}) for n in range(1, 101))
    )
    assert {answer.status for answer in answers} == {202}
    found = await pushed_series(topics, name)
    assert sorted(one.value for one in found) == sorted([*range(-100, 0), *range(1, 101)])
    assert len({one.time_ms for one in found}) == 200, "one series never has two values at one time"
    times = [one.time_ms for one in found]
    assert times == sorted(times)


async def test_a_big_list_goes_in_parts(api: Api, topics: str) -> None:
    name = f"big_{uuid.uuid4().hex[:8]}"
    at = clock.now_ms()
    answer = await api.push(*({"metric_name": name, "value": n, "timestamp": at + n} for n in range(11_000)))
    assert answer.body == {"accepted": 11_000}
    assert [one.value for one in await pushed_series(topics, name)] == list(range(11_000))


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b"{", 400, "body"),
        (b"", 400, "body"),
        (b'{"metric_name":"m","value":NaN}', 422, "body.value"),
        (b'{"metric_name":"m","value":1,"x":1}', 422, "body.x"),
        (b'{"metric_name":"m","value":1,"labels":{"a-b":"c"}}', 422, "body.labels"),
        (b'[{"metric_name":"m","value":1},{"metric_name":"m m","value":1}]', 422, "body[1].metric_name"),
    ],
)
async def test_bad_samples(api: Api, body: bytes, status: int, where: str) -> None:
    answer = await api.ask("POST", METRICS, data=body, headers={"Content-Type": "application/json"})
    assert is_problem(answer, status)
    assert answer.body["errors"][0]["where"] == where


async def test_too_long_bodies(api: Api) -> None:
    json_type = {"Content-Type": "application/json"}
    declared = await api.ask("POST", METRICS, data=b"x" * 10_000_000, headers=json_type, expect100=True)
    assert is_problem(declared, 413)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    counted = await api.ask("POST", METRICS, data=chunks(), headers=json_type)
    assert is_problem(counted, 413)
    nobody = await api.ask("POST", METRICS, None, data=chunks(), headers=json_type)
    assert nobody.status == 401, "whoever may not push is told so first"


async def test_a_body_has_to_be_declared_as_json(api: Api) -> None:
    answer = await api.ask("POST", METRICS, data=b"{}", headers={"Content-Type": "text/plain"})
    assert is_problem(answer, 415)


async def pushed_series(bootstrap: str, metric: str) -> list[Sample]:
    """What the bus has of a metric, in order."""
    found = [SampleBatch.decode(record.value or b"") for record in await records(bootstrap, SAMPLES)]
    return [
        sample
        for batch in found
        if batch.source.startswith("push/")
        for sample in batch.samples()
        if sample.series.partition("{")[0] == metric
    ]


# Rules


async def test_a_rule_is_on_the_bus_and_in_the_list_when_it_is_created(api: Api, topics: str, dsn: str) -> None:
    name = f"rule_{uuid.uuid4().hex}"

    created = await api.post_rule(name=name, condition="custom_metric > 100", cooldown=60_000)

    assert created.status == 201, created.text
    assert created.body["published"] is True
    assert (created.body["group"], created.body["version"]) == (name, 1)
    assert created.body["expr"] == "custom_metric > 100"
    (message,) = [one for one in await records(topics, RULES) if one.key == name.encode()]
    group = RuleGroup.decode(message.value or b"")
    assert (group.version, group.origin, group.immediate) == (1, "api", True)
    assert group.rules[0].name == name
    listed = (await api.get(ALL_RULES, "viewer")).body
    assert [one["rules"][0]["cooldown"] for one in listed if one["name"] == name] == [60_000]
    with psycopg.connect(dsn) as connection:
        audit = connection.execute(
            "SELECT actor, action, address FROM audit_log WHERE subject = %s", (f"rule/{name}",)
        ).fetchall()
    assert audit == [("test-operator", "rule.create", "127.0.0.1")]
    assert [one for one in await records(topics, AUDIT) if one.key == f"rule/{name}".encode()]


async def test_the_same_rule_again_is_no_change_and_another_is_refused(api: Api, topics: str) -> None:
    name = f"rule_{uuid.uuid4().hex}"
    await api.post_rule(name=name)

    again = await api.post_rule(name=name)
    other = await api.post_rule(name=name, condition="custom_metric > 101")

    assert (again.status, again.body["version"]) == (200, 1)
    assert is_problem(other, 409)
    assert len([one for one in await records(topics, RULES) if one.key == name.encode()]) == 1


async def test_of_many_who_create_a_name_at_once_one_does(api: Api) -> None:
    name = f"rule_{uuid.uuid4().hex}"
    answers = await asyncio.gather(*(api.post_rule(name=name, condition=f"m > {n}") for n in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


async def test_a_deleted_rule_is_gone_and_comes_back_with_the_next_version(api: Api, topics: str) -> None:
    name = f"rule/{uuid.uuid4().hex}"
    assert (await api.post_rule(name=name)).status == 201

    deleted = await api.ask("DELETE", f"{ALL_RULES}/{name}", "operator")

    assert deleted.status == 204
    assert name not in {one["name"] for one in (await api.get(ALL_RULES)).body}
    assert is_problem(await api.ask("DELETE", f"{ALL_RULES}/{name}", "operator"), 404)
    again = await api.post_rule(name=name)
    assert (again.status, again.body["version"]) == (201, 3)
    values = [one.value for one in await records(topics, RULES) if one.key == name.encode()]
    assert [value is None for value in values] == [False, True, False]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"condition": "no such thing"}, "body"),
        ({"condition": "a.b > 1"}, "body"),
        ({"condition": "x > 1", "threshold": 2}, "body"),
        ({"severity": "bad"}, "body.severity"),
        ({"colour": "red"}, "body.colour"),
        ({"name": ""}, "body.name"),
        ({"name": "a\0b"}, "body"),
        ({"message": "a\0b"}, "body.message"),
        ({"message": "\ud800"}, "body.message"),
        ({"cooldown": -1}, "body.cooldown"),
    ],
)
async def test_bad_rules(api: Api, change: dict[str, Any], where: str) -> None:
    answer = await api.post_rule(**({"name": f"rule_{uuid.uuid4().hex}"} | change))
    assert is_problem(answer, 422)
    assert answer.body["errors"][0]["where"] == where


# Sessions


async def login(api: Api, username: str, password: str = PASSWORD, **headers: str) -> Answer:
    body = {"username": username, "password": password}
    return await api.ask("POST", "/api/session", None, json=body, headers=headers)


def cookie_of(answer: Answer) -> dict[str, str]:
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


async def test_a_session_from_login_to_logout(api: Api, topics: str) -> None:
    begun = await login(api, "Sri")

    assert begun.status == 200, begun.text
    assert (begun.body["username"], begun.body["role"]) == ("sri", "viewer")
    attributes = begun.headers["set-cookie"].lower()
    assert "httponly" in attributes
    assert "samesite=strict" in attributes
    cookie = cookie_of(begun)
    assert (await api.get("/api/session", None, headers=cookie)).body == begun.body
    assert (await api.get("/api/monitoring/health", None, headers=cookie)).status == 200
    assert is_problem(await api.ask("POST", METRICS, None, json=[], headers=cookie), 403)
    as_bearer = {"Authorization": f"Bearer {cookie['Cookie'].partition('=')[2]}"}
    assert (await api.get("/api/session", None, headers=as_bearer)).status == 401

    ended = await api.ask("DELETE", "/api/session", None, headers=cookie)

    assert ended.status == 204
    assert 'pantau_session=""' in ended.headers["set-cookie"]
    assert (await api.get("/api/session", None, headers=cookie)).status == 401


async def test_other_sites_can_not_use_the_cookie(api: Api) -> None:
    cookie = cookie_of(await login(api, "budi"))
    foreign = [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
    for headers in foreign:
        assert is_problem(await api.ask("POST", METRICS, None, json=[], headers=cookie | headers), 403)
        assert is_problem(await login(api, "budi", **headers), 403)
    own = {"Origin": api.url, "Sec-Fetch-Site": "same-origin"}
    assert (await api.ask("POST", METRICS, None, json=[], headers=cookie | own)).status == 202
    bearer = await api.ask("POST", METRICS, "ingest", json=[], headers=foreign[0])
    assert bearer.status == 202, "a token is not sent by itself"


async def test_wrong_passwords_are_refused_alike_and_then_slowed_down(api: Api) -> None:
    known, unknown = await login(api, "budi", "wrong password"), await login(api, "nobody", "wrong password")
    assert is_problem(known, 401)
    assert known.body["detail"] == unknown.body["detail"]

    attempts = [await login(api, "mallory", "guess") for _ in range(5)]

    assert [one.status for one in attempts] == [401] * 4 + [429]
    assert 1 <= int(attempts[-1].headers["retry-after"]) <= 61
    assert (await login(api, "sri")).status == 200, "somebody else is not held up"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "sri"},
        {"username": "sri", "password": 1},
        {"username": "a\0b", "password": "secret-text"},
        {"username": "s" * 65, "password": "secret-text"},
        {"username": "sri", "password": "secret-text", "admin": True},
    ],
)
async def test_a_bad_login_is_not_echoed(api: Api, body: dict[str, Any]) -> None:
    answer = await api.ask("POST", "/api/session", None, json=body)
    assert answer.status in (401, 422)
    assert is_problem(answer, answer.status)
    assert "secret-text" not in answer.text


async def test_a_revoked_token_is_unknown(api: Api, dsn: str) -> None:
    text = accounts.create_token(dsn, "short-lived", "viewer")
    headers = {"Authorization": f"Bearer {text}"}

    async def status(expected: int) -> bool:
        return (await api.get("/api/session", None, headers=headers)).status == expected

    await eventually(lambda: status(200))
    accounts.revoke_token(dsn, "short-lived")
    await eventually(lambda: status(401))


async def test_no_secret_is_in_the_log(api: Api) -> None:
    await login(api, "budi", "a-wrong-secret")
    text = await asyncio.to_thread(api.log.read_text)
    assert "a-wrong-secret" not in text
    assert PASSWORD not in text
    assert not [token for token in api.tokens.values() if token in text]


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
        assert listed == shown
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


async def next_event(content: Any, kind: str) -> dict[str, Any]:
    """The data of the next event of a kind."""
    async with asyncio.timeout(30):
        while True:
            line = (await content.readline()).decode().strip()
            if line == f"event: {kind}":
                data: dict[str, Any] = json.loads((await content.readline()).decode().removeprefix("data: "))
                return data


async def test_a_client_that_does_not_read_is_cut_off(api: Api, producer: Producer) -> None:
    cut = 'pantau_api_stream_ended_total{reason="slow"}'
    before = await api.counter(cut.replace("{", r"\{"))
    reader, writer = await asyncio.open_connection(*urlsplit(api.url).netloc.split(":"), limit=1024)
    head = ("GET /api/monitoring/stream HTTP/1.1", "Host: x", f"Authorization: Bearer {api.tokens['viewer']}", "", "")
    writer.write("\r\n".join(head).encode())
    await reader.readuntil(b"\r\n\r\n")

    async def is_cut() -> bool:
        now = clock.now_ms()
        results = [
            HealthResult(
                check="loud",
                kind="x",
                status="healthy",
                response_time_ms=1,
                details={"text": "x" * 200_000},
                checked_at=now + n,
                valid_until=now + 1_000,
            )
            for n in range(50)
        ]
        await producer.send_all([Outgoing(HEALTH, "loud", result) for result in results])
        return await api.counter(cut.replace("{", r"\{")) > before

    await eventually(is_cut)
    writer.close()


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
