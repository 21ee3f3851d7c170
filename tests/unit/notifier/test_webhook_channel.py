import asyncio
import base64
import hashlib
import hmac
import json
import math
import os
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from pydantic import ValidationError

from services.notifier.channels.signing import key_of, signature
from services.notifier.channels.webhook import WebhookSettings, render, trouble, verdict
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from shared.messages.notifications import notification_id
from tests.unit.notifier.events import alert_event, notice_of

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
PLACE = ConnectionKey("receiver.example", 443, True, True, None, None, None)


def test_the_body_is_what_the_documentation_says() -> None:
    event = alert_event("custom_alert", 3, "resolved", 1_795_428_060_000, 1_795_428_000_000, value=50.0)
    identity = notification_id(event.id, "ops")
    assert render(notice_of(event, identity)) == {
        "version": 1,
        "notification_id": identity,
        "event_id": event.id,
        "alert_id": event.alert_id,
        "fingerprint": event.fingerprint,
        "group": "group",
        "rule": "custom_alert",
        "rule_version": "1",
        "state": "resolved",
        "severity": "warning",
        "message": "Metrik melewati batas",
        "labels": {"alertname": "custom_alert", "type": "business"},
        "annotations": {},
        "value": 50.0,
        "expr": "custom_metric > 100",
        "threshold": 100.0,
        "times": {
            "episode": "2026-11-23T10:00:00.000Z",
            "fired_at": "2026-11-23T10:00:00.000Z",
            "resolved_at": "2026-11-23T10:01:00.000Z",
            "instant": "2026-11-23T10:01:00.000Z",
            "late_ms": 0,
        },
    }
    assert render(notice_of(event.model_copy(update={"late_ms": 90_000}), identity))["times"]["late_ms"] == 90_000


@pytest.mark.parametrize(
    ("value", "expected"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (0.1, 0.1)]
)
def test_every_value_is_json(value: float, expected: object) -> None:
    body = json.dumps(render(notice_of(alert_event("cpu", 2, "firing", 1, 1, value=value), "id")), allow_nan=False)
    assert json.loads(body)["value"] == expected


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
    outcome = verdict(status, retry_after, now_ms=0)
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
        ({"url": "ftp://example.net/"}, "not of the form"),
        ({"url": "http://"}, "not of the form"),
        ({"url": "example.net/hook"}, "not of the form"),
        ({"url": "http://example.net:99999/"}, "ort"),
        ({"url": "http://example.net", "url_file": "/nowhere"}, "only one of the two"),
        ({"url_file": "/nowhere"}, "can't be read"),
        ({"url": "http://example.net", "secret": "not base64!"}, "base64"),
        ({"url": "http://example.net", "secret": "whsec_c2hvcnQ="}, "24 to 64 bytes"),
        ({"url": "http://example.net", "headers": {"X Y": "1"}}, "not the name"),
        ({"url": "http://example.net", "headers": {"X-Y": "1\r\nHost: evil"}}, "printable ASCII"),
        ({"url": "http://example.net", "headers": {"Webhook-Id": "1"}}, "set by Pantau"),
        ({"url": "http://example.net", "headers": {"Content-Type": "text/html"}}, "set by Pantau"),
        ({"url": "http://example.net", "deadline_seconds": 0}, "greater than 0"),
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
    assert "token" not in repr(settings)


def test_nothing_secret_is_shown() -> None:
    settings = WebhookSettings.model_validate(
        {"url": "https://user:hidden@example.net/", "secret": SECRET, "headers": {"Authorization": "Bearer hidden"}}
    )
    assert "hidden" not in repr(settings) + settings.model_dump_json()
    assert SECRET not in repr(settings) + settings.model_dump_json()


def test_asyncio_timeouts_are_timeouts() -> None:
    assert trouble(asyncio.TimeoutError()).reason == "timeout"  # noqa: UP041  (the name that libraries raise)
