import asyncio
import base64
import hashlib
import hmac
import json
import math
import os
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from pydantic import ValidationError

from services.notifier.channels.http import Answer, trouble, verdict
from services.notifier.channels.signing import key_of, signature
from services.notifier.channels.webhook import WebhookSettings, render
from services.notifier.core.notice import Held, Notice, NoticedAlert
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.postable import Outside
from shared.messages.access import Recipient
from tests.unit.notifier.events import alert_event, notice_of

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
PLACE = ConnectionKey("receiver.example", 443, True, True, None, None, None)


OUTSIDE = Outside("https://pantau.example.net")
ALERTMANAGER = WebhookSettings.model_validate({"url": "http://example.net"})
PANTAU = WebhookSettings.model_validate({"url": "http://example.net", "format": "pantau"})
BEGUN = 1_795_428_000_000
HELD = Held(("silence:s",), BEGUN, BEGUN + 30_000)


def of_two() -> Notice:
    """One that fires and one that is over."""
    fires = alert_event(
        "custom_alert", 2, "firing", BEGUN, BEGUN, annotations={"summary": "tinggi", "runbook_url": "r"}
    )
    ended = alert_event("custom_alert", 3, "resolved", BEGUN + 60_000, BEGUN, value=50.0)
    over = ended.model_copy(update={"labels": ended.labels | {"router": "r1", "empty": ""}, "late_ms": 90_000})
    alerts = (NoticedAlert(fires, "firing"), NoticedAlert(over, "resolved", HELD))
    key = '{}/{type="business"}:{alertname="custom_alert"}'
    labels = {"alertname": "custom_alert"}
    return Notice("0f7a", "ops", "change", key, labels, alerts, BEGUN + 60_100, muted={"silence": 2})


def test_by_default_the_body_is_alertmanagers() -> None:
    notice = of_two()
    fires, over = (one.event for one in notice.alerts)
    labels = {"alertname": "custom_alert", "type": "business"}
    graph = "https://pantau.example.net/graph?g0.expr=custom_metric+%3E+100&g0.tab=1"
    assert render(notice, ALERTMANAGER, OUTSIDE) == {
        "receiver": "ops",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": {"summary": "tinggi", "runbook_url": "r"},
                "startsAt": "2026-11-23T10:00:00.000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": graph,
                "fingerprint": fires.fingerprint,
            },
            {
                "status": "resolved",
                "labels": labels | {"router": "r1"},
                "annotations": {},
                "startsAt": "2026-11-23T10:00:00.000Z",
                "endsAt": "2026-11-23T10:01:00.000Z",
                "generatorURL": graph,
                "fingerprint": over.fingerprint,
            },
        ],
        "groupLabels": {"alertname": "custom_alert"},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "https://pantau.example.net",
        "version": "4",
        "groupKey": '{}/{type="business"}:{alertname="custom_alert"}',
        "truncatedAlerts": 0,
    }


def test_no_more_alerts_than_are_wanted() -> None:
    settings = WebhookSettings.model_validate({"url": "http://example.net", "max_alerts": 1})
    body = render(of_two(), settings, OUTSIDE)
    assert [one["status"] for one in body["alerts"]] == ["firing"]
    assert body["truncatedAlerts"] == 1
    assert body["status"] == "firing"
    assert body["commonLabels"] == {"alertname": "custom_alert", "type": "business"}


def test_pantaus_own_body_is_what_the_documentation_says() -> None:
    notice = of_two()
    fires, over = (one.event for one in notice.alerts)
    body = dict(render(notice, PANTAU, OUTSIDE))
    alerts = body.pop("alerts")
    assert body == {
        "version": 1,
        "notification_id": "0f7a",
        "receiver": "ops",
        "recipient": None,
        "occasion": "change",
        "status": "firing",
        "group_key": '{}/{type="business"}:{alertname="custom_alert"}',
        "group_labels": {"alertname": "custom_alert"},
        "planned_at": "2026-11-23T10:01:00.100Z",
        "muted": {"silence": 2},
        "merged": 0,
    }
    assert [one["event_id"] for one in alerts] == [fires.id, over.id]
    assert (alerts[0]["held"], alerts[0]["times"]["resolved_at"]) == (None, None)
    assert alerts[1] == {
        "status": "resolved",
        "event_id": over.id,
        "alert_id": over.alert_id,
        "fingerprint": over.fingerprint,
        "group": "group",
        "rule": "custom_alert",
        "rule_version": "1",
        "severity": "warning",
        "message": "Metrik melewati batas",
        "labels": {"alertname": "custom_alert", "type": "business", "router": "r1", "empty": ""},
        "annotations": {},
        "value": 50.0,
        "expr": "custom_metric > 100",
        "held": {"by": ["silence:s"], "since": "2026-11-23T10:00:00.000Z", "until": "2026-11-23T10:00:30.000Z"},
        "threshold": 100.0,
        "times": {
            "episode": "2026-11-23T10:00:00.000Z",
            "fired_at": "2026-11-23T10:00:00.000Z",
            "resolved_at": "2026-11-23T10:01:00.000Z",
            "instant": "2026-11-23T10:01:00.000Z",
            "late_ms": 90_000,
        },
    }


def test_who_is_told_is_in_it_without_their_numbers() -> None:
    person = Recipient(id="p-1", name="Ani", whatsapp="628110000000")
    body = render(replace(of_two(), recipient=person), PANTAU, OUTSIDE)
    assert body["recipient"] == {"id": "p-1", "name": "Ani"}
    assert "628110000000" not in json.dumps(body)


@pytest.mark.parametrize(
    ("value", "expected"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (0.1, 0.1)]
)
def test_every_value_is_json(value: float, expected: object) -> None:
    notice = notice_of(alert_event("cpu", 2, "firing", 1, 1, value=value), "id")
    body = json.dumps(render(notice, PANTAU, OUTSIDE), allow_nan=False)
    assert json.loads(body)["alerts"][0]["value"] == expected


@pytest.mark.parametrize(
    ("status", "retry_after", "expected"),
    [
        (200, None, Delivered),
        (202, None, Delivered),
        (204, None, Delivered),
        (301, None, Permanent),
        (307, "5", Permanent),
        (400, None, Permanent),
        (404, None, Permanent),
        (410, "5", Permanent),
        (408, None, Retry),
        (429, "5", Retry),
        (500, None, Retry),
        (503, "5", Retry),
        (599, None, Retry),
    ],
)
def test_what_an_answer_means(status: int, retry_after: str | None, expected: type[Outcome]) -> None:
    outcome = verdict(Answer(status, retry_after))
    assert isinstance(outcome, expected)
    if isinstance(outcome, Retry):
        assert (outcome.reason, outcome.after_seconds) == (f"http_{status}", 5.0 if retry_after else None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "timeout"),
        (aiohttp.ConnectionTimeoutError(), "timeout"),
        (aiohttp.ClientConnectorDNSError(PLACE, OSError(-2, "unknown")), "dns"),
        (aiohttp.ClientConnectorError(PLACE, ConnectionRefusedError(111, "refused")), "connect"),
        (aiohttp.ClientConnectorSSLError(PLACE, ssl.SSLError(1, "handshake")), "tls"),
        (aiohttp.ClientConnectorCertificateError(PLACE, ssl.SSLCertVerificationError("self-signed")), "tls"),
        (aiohttp.ServerDisconnectedError(), "reset"),
        (aiohttp.ClientOSError(104, "reset"), "reset"),
        (aiohttp.ClientPayloadError("cut"), "protocol"),
    ],
)
def test_what_an_error_on_the_way_means(error: Exception, reason: str) -> None:
    outcome = trouble(error)
    assert outcome.reason == reason
    assert "receiver.example" not in outcome.detail  # a URL may hold a token


def config(**http_config: Any) -> dict[str, Any]:
    return {"url": "http://example.net", "http_config": http_config}


def headers(given: dict[str, Any]) -> dict[str, Any]:
    return config(http_headers=given)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example of the specification's reference implementations.
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_check_it() -> None:
    body = os.urandom(40)
    expected = hmac.digest(b"0123456789abcdef0123456789abcdef", b"id.17." + body, hashlib.sha256)
    assert signature(key_of(SECRET), "id", 17, body) == "v1," + base64.b64encode(expected).decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "needs url or url_file"),
        ({"url": "http://example.net", "max_alerts": 3, "format": "pantau"}, "Alertmanager's format"),
        ({"url": "ftp://example.net/"}, "not of the form"),
        ({"url": "http://"}, "not of the form"),
        ({"url": "example.net/hook"}, "not of the form"),
        ({"url": "http://example.net:99999/"}, "ort"),
        ({"url": "http://example.net", "url_file": "/nowhere"}, "only one of url and url_file"),
        ({"url_file": "/nowhere"}, "can't be read"),
        ({"url": "http://example.net", "secret": "not base64!"}, "base64"),
        ({"url": "http://example.net", "secret": "whsec_c2hvcnQ="}, "24 to 64 bytes"),
        (headers({"X Y": {"values": ["1"]}}), "not the name"),
        (headers({"X-Y": {"values": ["1\r\nHost: evil"]}}), "printable ASCII"),
        (headers({"Webhook-Id": {"values": ["1"]}}), "set by Pantau"),
        (headers({"Content-Type": {"values": ["text/html"]}}), "set by Pantau"),
        (headers({"X-Y": {"files": ["/nowhere"]}}), "/nowhere can't be read"),
        (config(oauth2={}), "authorization.credentials_file"),
        (config(proxy_url="proxy:3128"), "proxy_url is not of the form"),
        (config(authorization={"credentials": "a"}, basic_auth={"username": "u"}), "only one of"),
        ({"url": "http://example.net", "timeout": "soon"}, "soon"),
        ({"url": "http://example.net", "timeout": 0}, "greater than 0"),
        ({"url": "http://example.net", "method": "PUT"}, "not permitted"),
    ],
)
def test_bad_settings_are_refused_without_telling_secrets(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WebhookSettings(**given)
    text = "; ".join(problem["msg"] for problem in refused.value.errors(include_input=False))
    assert says in text
    assert "not base64!" not in text
    assert "c2hvcnQ=" not in text


def test_url_and_secret_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://example.net/hook?token=1\n")
    (tmp_path / "secret").write_text(SECRET + "\n")
    settings = WebhookSettings(url_file=tmp_path / "url", secret_file=tmp_path / "secret")
    assert settings.target() == "https://example.net/hook?token=1"
    assert settings.key() == b"0123456789abcdef0123456789abcdef"
    assert "token=1" not in repr(settings)


def test_nothing_secret_is_shown() -> None:
    settings = WebhookSettings.model_validate(
        {
            "url": "https://user:hidden@example.net/",
            "secret": SECRET,
            "http_config": {"authorization": {"credentials": "hidden"}},
        }
    )
    assert "hidden" not in repr(settings) + settings.model_dump_json()
    assert SECRET not in repr(settings) + settings.model_dump_json()


def test_asyncio_timeouts_are_timeouts() -> None:
    assert trouble(asyncio.TimeoutError()).reason == "timeout"  # noqa: UP041  (the name that libraries raise)
