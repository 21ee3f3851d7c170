"""Requests of channels against a server that behaves as servers do."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local import ports
from services.notifier.channels.http import LONGEST_ANSWER, Answer, Http
from services.notifier.channels.http_settings import HttpConfig
from services.notifier.channels.signing import key_of, signature
from services.notifier.channels.webhook import Webhook, WebhookSettings
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.postable import Outside
from tests.integration.http_recorder import Recorder, Reply, recording
from tests.integration.tls_servers import identity
from tests.unit.notifier.events import alert_event, notice_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@asynccontextmanager
async def http(deadline_seconds: float = 20, **config: Any) -> AsyncIterator[Http]:
    one = Http(HttpConfig.model_validate(config), deadline_seconds)
    try:
        yield one
    finally:
        await one.close()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(204), Delivered()),
        (Reply(302, headers={"Location": "/elsewhere"}), Permanent("http_302")),
        (Reply(404), Permanent("http_404")),
        (Reply(429, headers={"Retry-After": "7"}), Retry("http_429", after_seconds=7.0)),
        (Reply(503, headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}), Retry("http_503")),
        (Reply(how="reset"), Retry("reset")),
        (Reply(how="endless"), Delivered()),
    ],
)
async def test_every_end_of_a_request_is_an_outcome(reply: Reply, expected: Outcome) -> None:
    async with recording(Recorder(lambda _: reply)) as server, http() as client:
        outcome = await client.post(f"{server.url}/hook", b"{}", {})
        assert type(outcome) is type(expected)
        if isinstance(outcome, Retry | Permanent) and isinstance(expected, Retry | Permanent):
            assert outcome.reason == expected.reason
            assert server.url not in outcome.detail
        if isinstance(outcome, Retry) and isinstance(expected, Retry) and "Retry-After" in reply.headers:
            assert outcome.after_seconds is not None
            assert expected.after_seconds in (None, outcome.after_seconds)
        assert [one.path for one in server.asked] == ["/hook"]


async def test_no_answer_is_an_outcome_too() -> None:
    async with recording(Recorder(lambda _: Reply(how="hang"))) as server, http(0.05) as client:
        assert await client.post(server.url, b"", {}) == Retry("timeout", "no answer within the deadline")
    async with http() as client:
        (nobody,) = ports.free()
        assert await client.post(f"http://127.0.0.1:{nobody}/", b"", {}) == Retry(
            "connect", "no connection to the receiver"
        )


async def test_a_body_that_does_not_end_costs_only_its_text() -> None:
    def judge(answer: Answer) -> Outcome:
        texts.append(answer.text)
        return Delivered()

    texts: list[str] = []
    for reply in (Reply(how="endless"), Reply(how="half")):
        async with recording(Recorder(lambda _, reply=reply: reply)) as server, http(0.5) as client:  # type: ignore[misc]
            assert await client.post(server.url, b"", {}, judge) == Delivered()
    assert [len(one) for one in texts] == [LONGEST_ANSWER, 1]


async def test_credentials_headers_and_a_proxy(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    config: Mapping[str, Any] = {
        "authorization": {"credentials_file": tmp_path / "token"},
        "http_headers": {"X-Scope": {"values": ["a"], "secrets": ["b"]}},
        "follow_redirects": True,
        "enable_http2": True,
    }
    async with recording(Recorder()) as server:
        async with http(**config) as client:
            assert await client.post(f"{server.url}/1", b"{}", {"Content-Type": "application/json"}) == Delivered()
            (tmp_path / "token").write_text("renewed")
            assert await client.post(f"{server.url}/2", b"{}", {}) == Delivered()
            (tmp_path / "token").unlink()
            gone = await client.post(f"{server.url}/3", b"{}", {})
            assert isinstance(gone, Retry)
            assert gone.reason == "credentials"
        async with http(proxy_url=server.url) as client:
            assert await client.post("http://receiver.example.net/4", b"{}", {}) == Delivered()
        first, second, third = server.asked
    assert first.headers["Authorization"] == "Bearer s3cret"
    assert first.headers["Content-Type"] == "application/json"
    assert first.headers["User-Agent"].startswith("Pantau/")
    assert first.headers.getall("X-Scope") == ["a", "b"]
    assert second.headers["Authorization"] == "Bearer renewed"
    assert third.path == "http://receiver.example.net/4"


async def test_certificates(tmp_path: Path) -> None:
    shown = identity(tmp_path, 30)
    tls = shown.context()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    async with recording(Recorder(), tls) as server:
        for config, reason in (
            ({}, "tls"),
            ({"tls_config": {"ca_file": shown.certificate}}, ""),
            ({"tls_config": {"ca_file": shown.certificate, "server_name": "another.example"}}, "tls"),
            ({"tls_config": {"insecure_skip_verify": True}}, ""),
        ):
            async with http(**config) as client:
                outcome = await client.post(server.url, b"", {})
                assert (outcome.reason if isinstance(outcome, Retry) else "") == reason
        async with http(tls_config={"insecure_skip_verify": True, "min_version": "TLS13"}) as client:
            assert isinstance(await client.post(server.url, b"", {}), Retry)


async def test_a_webhook_is_signed_and_has_its_id() -> None:
    settings = {"secret": SECRET, "format": "pantau", "http_config": {"basic_auth": {"username": "u", "password": "p"}}}
    notice = notice_of(alert_event("kata \u2028 😀 <b>", 2, "firing", 1_795_428_000_000, 1_795_428_000_000), "n-17")
    async with recording(Recorder()) as server:
        webhook = Webhook(
            WebhookSettings.model_validate(settings | {"url": f"{server.url}/hook?a=b"}), Outside("http://p")
        )
        try:
            assert await webhook.send(webhook.render(notice), notice.id) == Delivered()
        finally:
            await webhook.close()
        (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["Content-Type"]) == ("POST", "/hook?a=b", "application/json")
    assert asked.headers["Authorization"] == "Basic dTpw"
    assert asked.headers["webhook-id"] == "n-17"
    sent_at = int(asked.headers["webhook-timestamp"])
    assert asked.headers["webhook-signature"] == signature(key_of(SECRET), "n-17", sent_at, asked.raw)
    assert asked.json == webhook.render(notice)
    assert asked.json["alerts"][0]["rule"] == "kata \u2028 😀 <b>"
