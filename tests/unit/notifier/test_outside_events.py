"""Events for Datadog and New Relic: what is in them, and which settings can't be meant."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.notifier.channels import datadog, newrelic
from services.notifier.channels.registry import BadChannel, parse
from services.notifier.core.notice import Notice, NoticedAlert
from services.notifier.core.wording import Wording
from tests.unit.notifier.events import alert_event

WORDING = Wording("https://pantau.example.net", ZoneInfo("Asia/Jakarta"))
BEGUN = 1_795_428_000_000
KEY = {"api_key": "geheim"}
NEWRELIC = KEY | {"account_id": 17}


def notice(*alerts: NoticedAlert) -> Notice:
    key = '{}:{alertname="cpu"}'
    return Notice("n-1", "ops", "change", key, {"alertname": "cpu"}, alerts, alerts[-1].event.instant + 100)


def fires(**changes: Any) -> NoticedAlert:
    return NoticedAlert(alert_event("cpu", 2, "firing", BEGUN, BEGUN, **changes), "firing")


def over(**changes: Any) -> NoticedAlert:
    return NoticedAlert(alert_event("cpu", 3, "resolved", BEGUN + 60_000, BEGUN, **changes), "resolved")


def datadog_event(told: Notice, **settings: Any) -> Any:
    return datadog.render(told, datadog.DatadogSettings.model_validate(KEY | settings), WORDING)


def test_datadogs_event() -> None:
    event = datadog_event(notice(fires()), tags=["env:prod"])
    assert event.pop("text").startswith("🚨")
    assert "Metrik melewati batas" in event.pop("title")
    aggregation = event.pop("aggregation_key")
    assert event == {
        "tags": [
            *("env:prod", "source:pantau", "status:firing", "severity:warning"),
            *("alertname:cpu", "type:business"),
        ],
        "date_happened": BEGUN // 1000,
        "alert_type": "warning",
        "priority": "normal",
        "source_type_name": "pantau",
    }
    ended = datadog_event(notice(over()))
    assert (ended["alert_type"], ended["aggregation_key"]) == ("success", aggregation)
    assert ended["date_happened"] == BEGUN // 1000 + 60
    both = datadog_event(notice(fires(severity="info"), over(severity="critical")))
    assert (both["alert_type"], both["priority"]) == ("info", "low"), "what fires counts"


def test_datadog_takes_it_however_long_and_late_it_is_and_mentions_nobody() -> None:
    labels = {"alertname": "cpu", "user": "@all", **{f"l{number}": "x" * 500 for number in range(200)}}
    told = replace(
        notice(fires(message="@ops@example.net " + "ä😀" * 9_000, labels=labels)), planned_ms=BEGUN + 86_400_000
    )
    event = datadog_event(told)
    assert len(event["title"]) <= 100
    assert len(event["text"]) <= 4_000
    assert len(event["aggregation_key"]) <= 100
    assert len(event["tags"]) == 100
    assert max(map(len, event["tags"])) <= 200
    assert event["date_happened"] == BEGUN // 1000 + 86_400
    assert "@ops" not in event["text"] + event["title"]
    assert "@e" not in event["text"] + event["title"]
    json.dumps(event, ensure_ascii=False).encode()


def newrelic_events(told: Notice, **settings: Any) -> Any:
    chosen = newrelic.NewRelicSettings.model_validate(NEWRELIC | settings)
    return newrelic.render(told, chosen, WORDING)["events"]


def test_newrelics_events() -> None:
    first, second = newrelic_events(notice(fires(labels={"alertname": "cpu", "a-b é": "x"}), over(value=math.nan)))
    alert = fires().event
    assert first == {
        "eventType": "PantauAlert",
        "timestamp": BEGUN,
        "status": "firing",
        "severity": "warning",
        "rule": "cpu",
        "ruleGroup": "group",
        "message": "Metrik melewati batas",
        "value": 123.0,
        "expr": "custom_metric > 100",
        "alertId": alert.alert_id,
        "fingerprint": alert.fingerprint,
        "startedAt": BEGUN,
        "occasion": "change",
        "receiver": "ops",
        "groupKey": '{}:{alertname="cpu"}',
        "notificationId": "n-1",
        "alertsInNotification": 2,
        "url": f"https://pantau.example.net/alerts/{alert.alert_id}-{BEGUN}",
        "label.alertname": "cpu",
        "label.a_b__": "x",
    }
    assert (second["status"], second["value"], second["timestamp"]) == ("resolved", "NaN", BEGUN + 60_000)


def test_newrelic_takes_it_however_much_it_is() -> None:
    labels = {f"l{number}" * 60: "ä" * 9_000 for number in range(300)}
    event = newrelic_events(notice(fires(message="😀" * 5_000, labels=labels)), event_type="Alarm")[0]
    assert event["eventType"] == "Alarm"
    assert len(event) <= 254
    assert all(len(name) <= 255 for name in event)
    assert all(len(str(value).encode()) <= 4_096 for value in event.values())
    many = newrelic_events(notice(*(fires() for _ in range(400))))
    assert (len(many), many[0]["alertsInNotification"]) == (300, 400)


@pytest.mark.parametrize(
    ("kind", "entry", "says"),
    [
        ("datadog", {}, "needs api_key or api_key_file"),
        ("datadog", {"api_key": "a\nb"}, "printable ASCII"),
        ("datadog", {"api_key": "a", "api_key_file": "b"}, "only one of api_key and api_key_file"),
        ("datadog", {"api_key_file": "/nowhere"}, "api_key_file: /nowhere can't be read"),
        ("datadog", KEY | {"site": "evil.example/?"}, "site"),
        ("datadog", KEY | {"api_url": "host:80"}, "api_url: it is not of the form"),
        ("newrelic", KEY, "needs account_id"),
        ("newrelic", NEWRELIC | {"region": "mars"}, "region"),
        ("newrelic", NEWRELIC | {"event_type": "a b"}, "event_type"),
        ("newrelic", NEWRELIC | {"tags": []}, "there is no such setting"),
    ],
)
def test_what_cannot_be_meant_is_refused(kind: str, entry: dict[str, Any], says: str) -> None:
    with pytest.raises(BadChannel, match=r"^receivers\[ops\]") as refused:
        parse(kind, entry, {}, "receivers[ops]")
    assert says in str(refused.value)


def test_where_it_goes(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("geheim\n")
    account = datadog.DatadogSettings(api_key_file=tmp_path / "key", site="datadoghq.eu")
    assert account.url(datadog.PATH) == "https://api.datadoghq.eu/api/v1/events"
    assert account.headers() == {"DD-API-KEY": "geheim"}
    (tmp_path / "key").write_text("neu\n")
    assert account.headers() == {"DD-API-KEY": "neu"}
    relic = newrelic.NewRelicSettings.model_validate(NEWRELIC | {"region": "eu"})
    assert relic.events_url() == "https://insights-collector.eu01.nr-data.net/v1/accounts/17/events"
    assert relic.metrics_url() == "https://metric-api.eu.newrelic.com/metric/v1"
    assert "geheim" not in repr(relic)
