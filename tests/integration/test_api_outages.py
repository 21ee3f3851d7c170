"""What the API does while PostgreSQL or Kafka is away, when it is stopped, and beside another api."""

import asyncio
import secrets
import socket
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from infra import accounts
from infra.local import ports, postgres
from services.api.core.access import hash_of
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.access import Role, Token
from shared.messages.rules import RuleGroup
from shared.messages.samples import SampleBatch
from shared.messages.topics import ACCESS, RULES, SAMPLES
from tests.conftest import eventually, run_module
from tests.integration.api_process import PASSWORD, Api, is_problem, make_tokens, new_database, running_api
from tests.integration.programs import RestartableKafka, page, records

METRICS = "/api/monitoring/metrics"
ALL_RULES = "/api/monitoring/alerts/rules"
NO_DATABASE = "postgresql://pantau@127.0.0.1:1/pantau"
RULE_FILE = """
groups:
  - name: machine
    rules:
      - {alert: high_cpu, expr: system_cpu_usage_percent > 80}
"""


async def publish_token(producer: Producer, role: Role, use: str = "bearer") -> str:
    """A token that only the bus knows."""
    text = secrets.token_urlsafe(32)
    token = Token.model_validate(
        {"id": uuid.uuid4().hex, "use": use, "hash": hash_of(text), "name": "somebody", "role": role}
        | {"created_at": clock.now_ms(), "expires_at": clock.now_ms() + 3_600_000}
    )
    await producer.send(Outgoing(ACCESS, token.id, token))
    return text


async def values_of(bootstrap: str, metric: str) -> list[float]:
    """The values of a pushed metric that are on the bus."""
    batches = [SampleBatch.decode(record.value or b"") for record in await records(bootstrap, SAMPLES)]
    return [one.value for batch in batches for one in batch.samples() if one.series == metric]


async def rule_messages(bootstrap: str, name: str) -> list[int | None]:
    """The versions of a rule group on the bus, None for a deletion, in order."""
    return [
        None if record.value is None else RuleGroup.decode(record.value).version
        for record in await records(bootstrap, RULES)
        if record.key == name.encode()
    ]


async def test_an_api_that_starts_without_a_database_takes_samples(
    tmp_path: Path, topics: str, producer: Producer
) -> None:
    tokens = {"ingest": await publish_token(producer, "ingest"), "viewer": await publish_token(producer, "viewer")}
    session = {"Cookie": f"pantau_session={await publish_token(producer, 'operator', 'session')}"}
    async with running_api(tmp_path, topics, NO_DATABASE, tokens, PANTAU_API__NAME="lonely") as api:
        metric = f"dark_{uuid.uuid4().hex}"

        assert (await api.push({"metric_name": metric, "value": 1})).status == 202

        assert await values_of(topics, metric) == [1]
        ready = (await api.get("/health/ready", None)).body
        assert (ready["status"], "database" in ready["degraded"]) == ("ready", True)
        for path in ("/api/monitoring/health", METRICS, "/api/monitoring/alerts?status=active", ALL_RULES):
            assert (await api.get(path, "viewer")).status == 200, path
        for path in ("/api/monitoring/performance", "/api/monitoring/alerts", "/api/monitoring/alerts?status=resolved"):
            answer = await api.get(path, "viewer")
            assert is_problem(answer, 503), path
            assert answer.headers["retry-after"]
        login = await api.ask("POST", "/api/session", None, json={"username": "sri", "password": PASSWORD})
        assert is_problem(login, 503)
        assert "database" in login.body["detail"]

        assert (await api.ask("DELETE", "/api/session", None, headers=session)).status == 204
        assert (await api.get("/api/session", None, headers=session)).status == 401
    async with running_api(tmp_path, topics, NO_DATABASE, tokens) as next_one:
        await next_one.known()
        answer = await next_one.get("/api/session", None, headers=session)
        assert answer.status == 401, "the logout is on the bus"


async def test_a_database_without_tables_is_said_so(
    tmp_path: Path, topics: str, producer: Producer, empty_database: str
) -> None:
    tokens = {"viewer": await publish_token(producer, "viewer")}
    async with running_api(tmp_path, topics, empty_database, tokens, PANTAU_API__RULE_FILES=f'["{tmp_path}/x"]') as api:
        await api.known()
        answer = await api.get("/api/monitoring/performance", "viewer")
        assert is_problem(answer, 503)
        assert "migrate" in answer.body["detail"]

        async def told() -> bool:
            degraded = (await api.get("/health/ready", None)).body["degraded"]
            return "migrate" in degraded.get("database", "") and "can't be read" in degraded.get("rule files", "")

        await eventually(told)


async def test_a_database_that_goes_and_comes_back(tmp_path: Path, topics: str) -> None:
    directory = tmp_path / "postgres"
    with postgres.running(directory) as dsn:
        port = psycopg.conninfo.conninfo_to_dict(dsn)["port"]
        run_module("infra.migrations", PANTAU_DATABASE__DSN=dsn)
        accounts.create_user(dsn, "sri", PASSWORD, "viewer")
        tokens = make_tokens(dsn)
        running = running_api(tmp_path, topics, dsn, tokens)
        api = await running.__aenter__()
        await api.known()
        assert (await api.get("/api/monitoring/alerts")).status == 200
    try:
        assert is_problem(await api.get("/api/monitoring/alerts"), 503)
        assert is_problem(await api.post_rule(name="while_away"), 503)
        assert (await api.push({"metric_name": "m", "value": 1})).status == 202
        with postgres.running(directory, int(str(port))):

            async def back() -> bool:
                created = await api.post_rule(name="afterwards")
                return created.status in (200, 201) and bool(created.body["published"])

            await eventually(back)
            assert await rule_messages(topics, "afterwards") == [1]
            assert (await api.get("/health/ready", None)).body["degraded"] == {}
    finally:
        await running.__aexit__(None, None, None)


@pytest.mark.faults
async def test_a_bus_that_comes_late_goes_and_comes_back(tmp_path: Path, postgres_dsn: str) -> None:
    dsn = new_database(postgres_dsn)
    kafka = RestartableKafka(tmp_path / "kafka")
    with kafka.there():
        run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
        tokens = make_tokens(dsn)
        environment = {"PANTAU_API__BUS_DEADLINE_SECONDS": "1"}
        running = running_api(tmp_path, kafka.bootstrap, dsn, tokens, **environment)
        api = await running.__aenter__()
        await api.known()
        assert (await api.push({"metric_name": "before", "value": 1})).status == 202
    try:
        refused = await api.push({"metric_name": "meanwhile", "value": 1})
        assert is_problem(refused, 503)
        assert refused.headers["retry-after"]
        created = await api.post_rule(name="meanwhile")
        assert (created.status, created.body["published"]) == (201, False)
        with kafka.there():

            async def accepted() -> bool:
                return (await api.push({"metric_name": "after", "value": 1})).status == 202

            await eventually(accepted)

            async def published() -> bool:
                return await rule_messages(kafka.bootstrap, "meanwhile") != []

            await eventually(published)
            assert await values_of(kafka.bootstrap, "before") == [1]
            assert 1 in await values_of(kafka.bootstrap, "after")
    finally:
        await running.__aexit__(None, None, None)


async def test_without_a_bus_it_lives_and_is_not_ready(tmp_path: Path, postgres_dsn: str) -> None:
    kafka = RestartableKafka(tmp_path / "kafka")
    port = int(ports.free()[0])
    settings = {"PANTAU_API__PORT": str(port)}
    url = f"http://127.0.0.1:{port}"

    async def look() -> None:
        async def live() -> bool:
            return (await page(f"{url}/health/live"))[0] == 200

        await eventually(live)
        status, text = await page(f"{url}/health/ready")
        assert status == 503
        assert "bus" in text
        # Whose token it is can't be known yet: that is no reason for a client to throw it away.
        assert (await page(f"{url}/api/monitoring/health", Authorization="Bearer x"))[0] == 503

    async def start() -> None:
        async with running_api(tmp_path, kafka.bootstrap, NO_DATABASE, {}, **settings):
            pass

    starting = asyncio.create_task(start())
    await look()
    with kafka.there():
        run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
        await starting


async def test_two_apis_know_the_same_and_publish_in_order(tmp_path: Path, topics: str, postgres_dsn: str) -> None:
    dsn = new_database(postgres_dsn)
    tokens = make_tokens(dsn)
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    async with (
        running_api(tmp_path / "1", topics, dsn, tokens, PANTAU_API__NAME="one") as one,
        running_api(tmp_path / "2", topics, dsn, tokens, PANTAU_API__NAME="two") as two,
    ):
        await one.known()
        await two.known()
        body = {"username": "sri", "password": PASSWORD}
        login = await one.ask("POST", "/api/session", None, json=body)
        cookie = {"Cookie": login.headers["set-cookie"].partition(";")[0]}
        assert (await one.get("/api/session", None, headers=cookie)).status == 200

        async def known(expected: int) -> bool:
            return (await two.get("/api/session", None, headers=cookie)).status == expected

        await eventually(lambda: known(200))
        await two.ask("DELETE", "/api/session", None, headers=cookie)

        async def unknown() -> bool:
            return (await one.get("/api/session", None, headers=cookie)).status == 401

        await eventually(unknown)

        async def churn(name: str) -> None:
            for _ in range(5):
                assert (await one.post_rule(name=name)).status == 201
                assert (await two.ask("DELETE", f"{ALL_RULES}/{name}", "operator")).status == 204

        names = [f"churn_{number}_{uuid.uuid4().hex}" for number in range(4)]
        await asyncio.gather(*(churn(name) for name in names))
    for name in names:
        assert await rule_messages(topics, name) == [1, None, 3, None, 5, None, 7, None, 9, None]
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


async def test_what_was_accepted_before_a_stop_is_on_the_bus(tmp_path: Path, topics: str, postgres_dsn: str) -> None:
    dsn = new_database(postgres_dsn)
    metric = f"drain_{uuid.uuid4().hex}"
    accepted: list[float] = []
    async with running_api(tmp_path, topics, dsn, make_tokens(dsn)) as api:
        await api.known()
        headers = {"Authorization": f"Bearer {api.tokens['viewer']}"}
        stream = await api.session.get(f"{api.url}/api/monitoring/stream", headers=headers)
        pushing = [asyncio.create_task(push_until_refused(api, metric, start, accepted)) for start in range(4)]

        async def under_way() -> bool:
            return len(accepted) > 50

        await eventually(under_way)
        api.process.terminate()
        await asyncio.gather(*pushing)
        async with asyncio.timeout(30):
            await stream.read()
    assert set(accepted) <= set(await values_of(topics, metric))


async def push_until_refused(api: Api, metric: str, start: int, accepted: list[float]) -> None:
    """Push numbers, all different among four tasks, until nobody answers any more."""
    number = start
    while True:
        try:
            answer = await api.push({"metric_name": metric, "value": number})
        except aiohttp.ClientError:
            return
        assert answer.status == 202
        accepted.append(number)
        number += 4


async def test_rule_files_are_brought_into_force(tmp_path: Path, topics: str, postgres_dsn: str) -> None:
    dsn = new_database(postgres_dsn)
    tokens = make_tokens(dsn)
    rules = tmp_path / "rules.yaml"
    name = f"machine_{uuid.uuid4().hex}"
    settings = {"PANTAU_API__RULE_FILES": f'["{rules}"]'}

    async def start(text: str, looking_for: list[int | None]) -> dict[str, Any]:
        rules.write_text(text.replace("machine", name))
        async with running_api(tmp_path, topics, dsn, tokens, **settings) as api:

            async def published() -> bool:
                return await rule_messages(topics, name) == looking_for

            await eventually(published)

            async def synced() -> bool:
                return "database" not in str((await api.get("/health/ready", None)).body["degraded"])

            await eventually(synced)
            degraded: dict[str, Any] = (await api.get("/health/ready", None)).body["degraded"]
            return degraded

    assert await start(RULE_FILE, [1]) == {}
    assert await start(RULE_FILE, [1]) == {}, "unchanged"
    assert await start(RULE_FILE.replace("80", "85"), [1, 2]) == {}
    broken = await start(RULE_FILE.replace("> 80", "is high"), [1, 2])
    assert f"{rules}:5" in broken["rule files"], "what was in force stays"
    assert await start("groups: []", [1, 2, None]) == {}
    assert await start(RULE_FILE, [1, 2, None, 4]) == {}


async def test_an_outbox_row_keeps_its_event_id_and_one_that_cannot_be_sent_holds_nothing_up(
    tmp_path: Path, topics: str, postgres_dsn: str
) -> None:
    dsn = new_database(postgres_dsn)
    key, event = uuid.uuid4().hex, uuid.uuid4().hex
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO outbox (topic, key, payload, event_id) VALUES ('pantau.rules', 'long', %s, 'z'),"
            " ('pantau.rules', %s, NULL, %s), ('no.such.topic', 'x', NULL, 'y')",
            (b"x" * 3_000_000, key, event),
        )
    async with running_api(tmp_path, topics, dsn, {}) as api:

        async def published() -> list[Any]:
            return [record for record in await records(topics, RULES) if record.key == key.encode()]

        (record,) = await eventually(published)
        assert dict(record.headers)["ce_id"] == event.encode()
        for reason in ("unknown_topic", "refused"):
            assert await api.counter(rf"pantau_api_outbox_dropped_total\{{reason=\"{reason}\"\}}") == 1


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(AssertionError) as caught:
        run_module("services.api", PANTAU_API__PORT=str(taken.getsockname()[1]))
    assert "choose another api.port" in str(caught.value)
    assert "Traceback" not in str(caught.value)
