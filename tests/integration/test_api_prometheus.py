"""Prometheus' API for rules and alerts, from an api whose database is down."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import CurrentAlert, alert_id, event_id, fingerprint
from shared.messages.message import instant_to_text
from shared.messages.rules import AlertingRule, GroupStatus, RecordingRule, RuleGroup, RuleProblem
from shared.messages.topics import ALERT_STATE, RULES, RULES_STATUS
from tests.conftest import eventually
from tests.integration.api_process import Answer, Api, running_api
from tests.integration.test_api_outages import NO_DATABASE, publish_token

SLOW = AlertingRule(name="Slow", expr="latency > 1", for_ms=60_000, labels={"severity": "page"})
TRIED = AlertingRule(name="Tried", expr="latency > 0.5", shadow=True)
MEAN = RecordingRule(name="job:latency:mean", expr="avg by (job) (latency)")
RULE_FILE = """
groups:
  - name: latency
    rules:
      - {alert: Slow, expr: latency > 1}
"""


@pytest.fixture
async def api(tmp_path: Path, topics: str, producer: Producer) -> AsyncIterator[Api]:
    rules = tmp_path / "latency.yaml"
    rules.write_text(RULE_FILE)
    tokens = {"viewer": await publish_token(producer, "viewer"), "ingest": await publish_token(producer, "ingest")}
    environment = {
        "PANTAU_API__RULE_FILES": f'["{rules}"]',
        "PANTAU_ALERTING__EVALUATION_INTERVAL_SECONDS": "30",
    }
    async with running_api(tmp_path, topics, NO_DATABASE, tokens, **environment) as api:
        yield api


async def publish(producer: Producer, now_ms: int) -> None:
    """A group from a file and one made over HTTP, the status of the first, and alerts of both its alerting rules."""
    fields: dict[str, Any] = {"version": 3, "updated_by": "x", "updated_at": now_ms}
    for group in (
        RuleGroup(name="latency", rules=[SLOW, TRIED, MEAN], origin="file", **fields),
        RuleGroup(name="posted", rules=[SLOW], origin="api", interval_ms=5_000, **fields),
        RuleGroup(name="off", rules=[SLOW], origin="api", enabled=False, **fields),
    ):
        await producer.send(Outgoing(RULES, group.name, group))
    status = GroupStatus(
        group="latency",
        version=3,
        state="active",
        problems=[RuleProblem(place=2, rule=MEAN.name, reason="many-to-many matching not allowed")],
        problem_count=1,
        last_instant=now_ms,
        evaluation_seconds=0.125,
        told_at=now_ms,
        worker="w",
    )
    await producer.send(Outgoing(RULES_STATUS, "latency", status))
    for rule in (SLOW, TRIED):
        labels = {"alertname": rule.name, "job": "billing"}
        alert = alert_id("latency", rule.name, labels)
        told = CurrentAlert(
            alert_id=alert,
            fingerprint=fingerprint(labels),
            group="latency",
            rule=rule.name,
            rule_version=rule.version,
            episode=now_ms - 60_000,
            state="firing",
            since=now_ms,
            fired_at=now_ms,
            labels=labels,
            annotations={"summary": "2 s"},
            severity="warning",
            message="",
            value=2.0,
            expr=rule.expr,
            shadow=rule.shadow,
            last_event_id=event_id(alert, now_ms, 2),
            last_transition=2,
        )
        await producer.send(Outgoing(ALERT_STATE, alert, told))


def is_error(answer: Answer, status: int, kind: str) -> str:
    """What an error of Prometheus' form says; fails the test if it has another."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.body) == {"status", "errorType", "error"}
    assert (answer.body["status"], answer.body["errorType"]) == ("error", kind)
    reason: str = answer.body["error"]
    return reason


async def test_rules_and_alerts_while_the_database_is_down(api: Api, producer: Producer, tmp_path: Path) -> None:
    now_ms = clock.now_ms()
    await publish(producer, now_ms)

    async def both_alerts() -> bool:
        return len((await api.get("/api/v1/alerts", "viewer")).body["data"]["alerts"]) > 0

    await eventually(both_alerts)
    alert = {
        "labels": {"alertname": "Slow", "job": "billing"},
        "annotations": {"summary": "2 s"},
        "state": "firing",
        "activeAt": instant_to_text(now_ms - 60_000),
        "value": "2e+00",
    }
    answer = await api.get("/api/v1/alerts", "viewer")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == {"status": "success", "data": {"alerts": [alert]}}

    answer = await api.get("/api/v1/rules", "viewer")
    assert answer.body["status"] == "success"
    latency, posted = answer.body["data"]["groups"]
    assert (latency["name"], latency["file"], latency["interval"]) == ("latency", str(tmp_path / "latency.yaml"), 30)
    assert (latency["evaluationTime"], latency["lastEvaluation"]) == (0.125, instant_to_text(now_ms))
    slow, tried, mean = latency["rules"]
    assert slow == {
        "state": "firing",
        "name": "Slow",
        "query": "latency > 1",
        "duration": 60,
        "keepFiringFor": 0,
        "labels": {"severity": "page"},
        "annotations": {},
        "alerts": [alert],
        "health": "ok",
        "evaluationTime": 0.125,
        "lastEvaluation": instant_to_text(now_ms),
        "type": "alerting",
    }
    assert (tried["state"], tried["alerts"], tried["health"]) == ("inactive", [], "ok")
    assert (mean["type"], mean["health"], mean["lastError"]) == (
        "recording",
        "err",
        "many-to-many matching not allowed",
    )
    assert (posted["file"], posted["interval"], posted["rules"][0]["health"]) == ("api", 5, "unknown")

    query = "type=alert&rule_name[]=Slow&rule_group[]=latency&exclude_alerts=true"
    (group,) = (await api.get(f"/api/v1/rules?{query}", "viewer")).body["data"]["groups"]
    assert [(one["name"], one["alerts"]) for one in group["rules"]] == [("Slow", None)]
    page = (await api.get("/api/v1/rules?group_limit=1", "viewer")).body["data"]
    rest = f"/api/v1/rules?group_limit=1&group_next_token={page['groupNextToken']}"
    assert [one["name"] for one in (await api.get(rest, "viewer")).body["data"]["groups"]] == ["posted"]
    nothing = await api.get(f"/api/v1/rules?rule_name[]={uuid.uuid4().hex}", "viewer")
    assert nothing.body == {"status": "success", "data": {"groups": []}}


async def test_errors_have_the_form_of_prometheus(api: Api) -> None:
    bad = await api.get("/api/v1/rules?type=alerts", "viewer")
    assert is_error(bad, 400, "bad_data") == 'invalid parameter "type": not supported value "alerts"'
    for path in ("/api/v1/rules", "/api/v1/alerts", "/api/v1/status/buildinfo"):
        nobody = await api.get(path, None)
        assert is_error(nobody, 401, "unauthorized")
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        assert is_error(await api.get(path, "ingest"), 403, "forbidden")


async def test_grafana_takes_it_for_a_prometheus(api: Api) -> None:
    """It asks for the build: without `features` it is a Prometheus, whose version says what may be asked for."""
    answer = (await api.get("/api/v1/status/buildinfo", "viewer")).body
    assert answer["status"] == "success"
    assert "features" not in answer["data"]
    assert int(answer["data"]["version"].split(".")[0]) >= 3
    assert set(answer["data"]) == {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"}
