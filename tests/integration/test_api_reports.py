"""What others report to api: gateways by webhook, jobs by heartbeat. All of it without a database."""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from infra.simulator.whatsapp.gateway import Happening, Plan
from infra.simulator.whatsapp.served import ServedGateway
from infra.simulator.whatsapp.webhooks import body_of, headers_of
from shared import clock
from shared.bus import Producer
from shared.messages.samples import SampleBatch
from shared.messages.series import NAME, labels_of
from shared.messages.topics import SAMPLES
from tests.conftest import eventually
from tests.integration.api_process import Api, is_problem, running_api
from tests.integration.programs import records
from tests.integration.routers import StandingClock
from tests.integration.test_api_outages import NO_DATABASE, publish_token

APP_SECRET, VERIFY, NUMBER = "meta-app-secret", "say-friend", "106540352242922"
KEY = "b2f0c5d8e7a94f13a6d2"
JOBS: list[dict[str, Any]] = [
    {"name": "invoices", "interval_seconds": 3600, "grace_seconds": 60, "key": KEY},
    {"name": "backup", "interval_seconds": 86_400},
]
GATEWAYS: list[dict[str, Any]] = [
    {"name": "billing", "waha": {"url": "http://127.0.0.1:1", "webhook_secret": Plan().webhook_key}},
    {"name": "silent", "waha": {"url": "http://127.0.0.1:1"}},
    {
        "name": "meta",
        "cloud": {"phone_number_id": NUMBER, "app_secret": APP_SECRET, "verify_token": VERIFY},
    },
    {"name": "meta-2", "cloud": {"phone_number_id": "222", "app_secret": APP_SECRET}},
    {"name": "meta-3", "cloud": {"phone_number_id": "333", "app_secret": "of another app"}},
]
ENVIRONMENT = {
    "PANTAU_WHATSAPP__GATEWAYS": json.dumps(GATEWAYS),
    "PANTAU_HEARTBEATS__JOBS": json.dumps(JOBS),
}
WEBHOOK = "/api/monitoring/whatsapp/{}/webhook"
HEARTBEAT = "/api/monitoring/heartbeats/{}"


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str) -> AsyncIterator[Api]:
    producer = Producer(topics, "test")
    await producer.start()
    tokens = {"ingest": await publish_token(producer, "ingest"), "viewer": await publish_token(producer, "viewer")}
    await producer.stop()
    async with running_api(tmp_path_factory.mktemp("api"), topics, NO_DATABASE, tokens, **ENVIRONMENT) as running:
        await running.known()
        yield running


async def latest(bootstrap: str, metric: str, **labels: str) -> dict[tuple[tuple[str, str], ...], float]:
    """The newest value on the bus of each series of `metric` with these labels, by its other labels."""
    found: dict[tuple[tuple[str, str], ...], tuple[int, float]] = {}
    for record in await records(bootstrap, SAMPLES):
        for sample in SampleBatch.decode(record.value or b"").samples():
            known = dict(labels_of(sample.series))
            if known.pop(NAME) == metric and labels.items() <= known.items():
                rest = tuple(sorted(item for item in known.items() if item[0] not in (*labels, "instance")))
                found[rest] = max(found.get(rest, (0, 0.0)), (sample.time_ms, sample.value))
    return {rest: value for rest, (_, value) in found.items()}


async def post(api: Api, happening: Happening, key: str) -> int:
    body = body_of(happening)
    return (
        await api.ask("POST", WEBHOOK.format("billing"), None, data=body, headers=headers_of(body, happening, key))
    ).status


async def test_webhooks_of_waha_are_counted_once(api: Api, topics: str) -> None:
    time = StandingClock(clock.now_ms() - 3_600_000)
    async with ServedGateway(Plan(per_minute=0), now_ms=time, webhook_url=api.url + WEBHOOK.format("billing")) as one:
        for number in range(60):  # none by the clock: how many there are by night is not the question
            time.move_on(50)
            one.gateway.advance(time())
            one.gateway.send("default", f"62811{number:07d}@c.us", "Tagihan")
        time.move_on(500)
        one.gateway.advance(time())
        one.gateway.fail()
        told = list(one.gateway.happened)
        await one.tick()
        assert one.webhooks is not None
        assert one.webhooks.outcomes == {"200": len(told)}
        truth: Counter[str] = Counter()
        for (_, status), count in one.gateway.counted.items():
            truth[status] += count
        assert truth["delivered"] > 20

        async def counted() -> dict[str, float]:
            found = await latest(topics, "whatsapp_messages_total", gateway="billing", type="text")
            return {dict(rest)["status"]: value for rest, value in found.items()}

        assert await counted() == truth
        changes = await latest(topics, "whatsapp_session_changes_total", gateway="billing")
        assert changes == {(("session", "default"), ("status", "FAILED")): 1}
        latencies = await latest(topics, "whatsapp_acknowledgement_latency_seconds_count", gateway="billing")
        assert latencies[(("status", "sent"),)] == truth["sent"]
        assert latencies[(("status", "delivered"),)] == truth["delivered"]
        cohort = (("cohort", "5m"),)
        sent = [one for one in told if one.event == "message.any"]
        assert 0 <= (await latest(topics, "whatsapp_cohort_messages", gateway="billing"))[cohort] < len(sent)

        for happening in told[-20:]:
            assert await post(api, happening, one.plan.webhook_key) == 200
        assert await counted() == truth, "sent again, by the gateway or by somebody who listened"
    outcomes = await latest(topics, "whatsapp_webhooks_total", gateway="billing")
    assert outcomes[(("outcome", "repeated"),)] == 20


async def test_webhooks_that_are_not_the_gateways(api: Api, topics: str) -> None:
    happening = Happening(clock.now_ms(), 1, "session.status", "default", (("name", "default"), ("status", "STOPPED")))
    body = body_of(happening)
    signed = headers_of(body, happening, Plan().webhook_key)
    json_only = {"Content-Type": "application/json"}

    async def answer(data: bytes, headers: dict[str, str], gateway: str = "billing") -> Any:
        return await api.ask("POST", WEBHOOK.format(gateway), None, data=data, headers=headers)

    for data, headers, gateway in (
        (body, json_only, "billing"),
        (body, headers_of(body, happening, "another key"), "billing"),
        (body.replace(b"STOPPED", b"WORKING"), signed, "billing"),
        (body, {**signed, "X-Webhook-Hmac-Algorithm": "none"}, "billing"),
        (body, signed, "silent"),
        (body, signed, "meta"),
        (body, signed, "no-such-gateway"),
    ):
        assert is_problem(await answer(data, headers, gateway), 403)
    assert await latest(topics, "whatsapp_session_changes_total", status="STOPPED") == {}
    garbage = b'{"event": '
    assert is_problem(await answer(garbage, headers_of(garbage, happening, Plan().webhook_key)), 400)
    nonsense = b'{"event": "message.ack", "payload": {"fromMe": true, "id": "x", "ack": 9}}'
    assert is_problem(await answer(nonsense, headers_of(nonsense, happening, Plan().webhook_key)), 422)
    too_long = b" " * 1_100_000
    assert is_problem(await answer(too_long, headers_of(too_long, happening, Plan().webhook_key)), 413)
    assert is_problem(await answer(body, {**signed, "Origin": "https://elsewhere.example"}), 403)


def meta_body(*statuses: tuple[str, str, int], number: str = NUMBER) -> bytes:
    told = [
        {
            "id": message,
            "status": status,
            "timestamp": str(at_s),
            "recipient_id": "62811",
            "pricing": {"category": "utility"},
        }
        for message, status, at_s in statuses
    ]
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number}, "statuses": told}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


async def test_webhooks_of_meta(api: Api, topics: str) -> None:
    path, now_s = WEBHOOK.format("meta"), clock.now_ms() // 1000

    async def send(body: bytes, secret: str = APP_SECRET) -> int:
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        return (await api.ask("POST", path, None, data=body, headers=headers)).status

    week = 7 * 86_400
    assert (
        await send(meta_body(("a", "sent", now_s - 30), ("a", "delivered", now_s - 26), ("b", "sent", now_s - 9)))
        == 200
    )
    assert await send(meta_body(("b", "read", now_s - 2), ("old", "sent", now_s - week), ("c", "failed", now_s))) == 200
    assert await send(meta_body(("d", "sent", now_s), number="999")) == 200
    assert await send(meta_body(("e", "sent", now_s)), "guessed") == 403
    for number in ("222", "333"):  # an app's numbers have one address; another app's are not its own to tell of
        assert await send(meta_body(("f", "sent", now_s), number=number)) == 200
    found = await latest(topics, "whatsapp_messages_total", gateway="meta", type="utility")
    counts = {dict(rest)["status"]: value for rest, value in found.items()}
    assert counts == {"sent": 2, "delivered": 2, "read": 1, "failed": 1}, "what was read was delivered"
    others = await latest(topics, "whatsapp_messages_total", status="sent", type="utility")
    assert others == {(("gateway", "meta"),): 2, (("gateway", "meta-2"),): 1}
    outcomes = await latest(topics, "whatsapp_webhooks_total", gateway="meta")
    assert outcomes[(("outcome", "too_old"),)] == 1
    sums = await latest(topics, "whatsapp_acknowledgement_latency_seconds_sum", gateway="meta", status="delivered")
    assert sums == {(): 4.0}

    question = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
    answer = await api.get(path, None, params=question)
    assert (answer.status, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "guess"}, {"hub.challenge": "<script>"}, {"hub.mode": "x"}):
        assert is_problem(await api.get(path, None, params=question | wrong), 403)
    assert is_problem(await api.get(WEBHOOK.format("billing"), None, params=question), 403)


async def test_who_may_report_a_job(api: Api) -> None:
    path = HEARTBEAT.format("invoices")
    assert (await api.get(path, None, params={"key": KEY})).status == 200
    assert (await api.ask("POST", path, None, params={"key": KEY}, data=b"output of the job")).status == 200
    assert (await api.ask("POST", HEARTBEAT.format("backup"), "ingest")).status == 200
    assert is_problem(await api.get(path, None), 401)
    assert is_problem(await api.get(path, None, params={"key": KEY[:-1] + "x"}), 401)
    assert is_problem(await api.get(HEARTBEAT.format("backup"), None, params={"key": "-" * 32}), 401), "it has no key"
    assert is_problem(await api.get(HEARTBEAT.format("nobody"), None, params={"key": KEY}), 401)
    assert is_problem(await api.get(path, "viewer"), 403)
    assert is_problem(await api.get(HEARTBEAT.format("nobody"), "ingest"), 404)
    assert is_problem(await api.get(f"{path}/explode", "ingest"), 422)
    assert is_problem(await api.get(path, "ingest", params={"duration_seconds": "-1"}), 422)
    cookie = {"Cookie": f"pantau_session={api.tokens['ingest']}"}
    assert is_problem(await api.get(path, None, headers=cookie), 401), "no session: others' pages could use it"


async def test_what_jobs_report_is_known_and_survives_a_restart(
    tmp_path: Path, topics: str, producer: Producer
) -> None:
    tokens = {"viewer": await publish_token(producer, "viewer"), "ingest": await publish_token(producer, "ingest")}
    environment = ENVIRONMENT | {"PANTAU_API__NAME": "restarted"}
    by = {"heartbeat": "invoices", "instance": "restarted"}

    async def told(metric: str) -> float:
        (value,) = (await latest(topics, f"heartbeat_{metric}", **by)).values()
        return value

    async with running_api(tmp_path, topics, NO_DATABASE, tokens, **environment) as api:
        await api.known()
        path = HEARTBEAT.format("invoices")
        before = clock.now_ms()
        for call in (f"{path}/start", f"{path}/fail?duration_seconds=2.5", f"{path}/start", path):
            assert (await api.get(call, "ingest")).status == 200
        success = await told("last_success_timestamp_seconds")
        assert before <= 1000 * success <= clock.now_ms()
        assert before <= 1000 * await told("last_failure_timestamp_seconds") <= 1000 * success
        assert await told("duration_seconds") == pytest.approx(
            success - await told("last_start_timestamp_seconds"), abs=0.001
        )
        assert (await told("interval_seconds"), await told("grace_seconds")) == (3600, 60)
        body = (await api.get("/api/monitoring/heartbeats", "viewer")).body
        (job,) = [one for one in body["heartbeats"] if one["name"] == "invoices"]
        assert job["late"] is False
    async with running_api(tmp_path, topics, NO_DATABASE, tokens, **environment) as api:
        await api.known()

        async def learnt() -> dict[str, Any] | None:
            found = (await api.get("/api/monitoring/heartbeats", "viewer")).body["heartbeats"]
            (one,) = [one for one in found if one["name"] == "invoices"]
            return one if one["last_success"] is not None else None

        again = await eventually(learnt)
        assert again == job | {"watched_since": again["watched_since"]}
