"""What people and systems give to the HTTP API: samples, logins. On a real Kafka and PostgreSQL."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pantau import Pantau, Settings
from pantau.requests import Exchange

from infra import accounts
from shared import clock
from shared.messages.requests import RequestLogBatch
from shared.messages.samples import Sample, SampleBatch
from shared.messages.series import NAME, labels_of
from shared.messages.topics import REQUESTS, SAMPLES
from tests.conftest import eventually
from tests.integration.api_process import PASSWORD, Answer, Api, is_problem, make_tokens, new_database, running_api
from tests.integration.programs import records

METRICS = "/api/monitoring/metrics"
REQUEST_LOGS = "/api/monitoring/requests"


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str) -> str:
    return new_database(postgres_dsn)


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str, dsn: str) -> AsyncIterator[Api]:
    settings = {
        "PANTAU_API__LOGIN_ATTEMPTS_PER_MINUTE": "4",
        "PANTAU_API__LOGIN_ATTEMPTS_PER_MINUTE_AND_ADDRESS": "1000",
    }
    async with running_api(tmp_path_factory.mktemp("api"), topics, dsn, make_tokens(dsn), **settings) as api:
        await api.known()
        yield api


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


# Request logs, and what the SDK pushes


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "method": "GET",
        "route": "/customers/{id}",
        "status_code": 200,
        "response_time_ms": 12.5,
        "timestamp": clock.now_ms(),
    } | changes


async def on_the_bus(bootstrap: str, source: str) -> list[RequestLogBatch]:
    found = [RequestLogBatch.decode(one.value or b"") for one in await records(bootstrap, REQUESTS)]
    return [batch for batch in found if batch.source == source]


async def test_what_the_sdk_measures_is_on_the_bus(api: Api, topics: str) -> None:
    source = f"billing-{uuid.uuid4().hex[:8]}"
    pantau = Pantau(Settings(source, url=api.url, token=api.tokens["ingest"], instance="web-1", push_seconds=0.2))
    pantau.start()
    pantau.requests.record(
        Exchange(clock.now_ms(), "GET", "/customers/{id}", 200, 0, 9, "Mozilla", "203.0.113.7"), 0.25
    )
    pantau.queries.record("select", "customers", 0.01)

    async def logged() -> list[RequestLogBatch]:
        return await on_the_bus(topics, source)

    (batch,) = await eventually(logged)
    pantau.close(10)
    (log,) = batch.requests
    assert (log.route, log.status_code, log.response_time_ms, str(log.ip_address)) == (
        "/customers/{id}", 200, 250.0, "203.0.113.7",
    )  # fmt: skip
    found: dict[str, float] = {}
    for record in await records(topics, SAMPLES):
        for one in SampleBatch.decode(record.value or b"").samples():
            labels = labels_of(one.series)
            if labels.get("job") == source:
                assert labels["instance"] == "web-1"
                found[labels[NAME]] = one.value
    assert found["http_requests_total"] == 1
    assert found["http_request_duration_seconds_sum"] == 0.25
    assert found["database_query_duration_seconds_count"] == 1
    assert found["process_start_time_seconds"] > 0, "what prometheus_client itself collects is pushed, too"
    assert pantau.registry.get_sample_value("pantau_sdk_push_failures_total") == 0


async def test_pushed_request_logs_are_on_the_bus_when_they_are_accepted(api: Api, topics: str) -> None:
    body = {"source": f"portal-{uuid.uuid4().hex[:8]}", "requests": [entry(), entry(method="POST")]}
    before = await api.counter("pantau_api_request_logs_accepted_total")
    answer = await api.ask("POST", REQUEST_LOGS, "ingest", json=body)
    assert (answer.status, answer.body) == (202, {"accepted": 2})
    (batch,) = await on_the_bus(topics, str(body["source"]))
    assert [one.method for one in batch.requests] == ["GET", "POST"]
    assert await api.counter("pantau_api_request_logs_accepted_total") == before + 2
    assert (await api.ask("POST", REQUEST_LOGS, "ingest", json=body | {"requests": []})).body == {"accepted": 0}


async def test_what_cannot_be_taken_is_refused_whole(api: Api, topics: str) -> None:
    body = {"source": f"portal-{uuid.uuid4().hex[:8]}", "requests": [entry(), entry(status_code=42)]}
    answer = await api.ask("POST", REQUEST_LOGS, "ingest", json=body)
    assert is_problem(answer, 422)
    assert [error["where"] for error in answer.body["errors"]] == ["body.requests[1].status_code"]
    assert is_problem(
        await api.ask("POST", REQUEST_LOGS, "ingest", data="{", headers={"Content-Type": "application/json"}), 400
    )
    assert is_problem(await api.ask("POST", REQUEST_LOGS, "viewer", json=body), 403)
    assert is_problem(await api.ask("POST", REQUEST_LOGS, None, json=body), 401)
    assert await api.counter("pantau_api_request_logs_refused_total.*invalid") == 2
    assert await on_the_bus(topics, str(body["source"])) == []
