"""Datadog's and New Relic's events, sent to servers that check every field as theirs do."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.notifier.channels import Channel, Context
from services.notifier.channels.registry import make, parse
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.wording import Wording
from tests.integration.http_recorder import Asked, Recorder, Reply, recording
from tests.unit.notifier.events import alert_event, notice_of

CONTEXT = Context(Wording("https://pantau.example.net", ZoneInfo("Asia/Jakarta")))
BEGUN = 1_795_428_000_000
NOTICE = notice_of(alert_event("cpu", 2, "firing", BEGUN, BEGUN, message="Tiga 😀 <b>router</b> mati"), "n-1")


async def told(kind: str, **entry: Any) -> Outcome:
    one: Channel = make(kind, parse(kind, entry, {}, "x"), "ops", CONTEXT)
    try:
        return await one.send(one.render(NOTICE), NOTICE.id)
    finally:
        await one.close()


def as_datadog(asked: Asked) -> Reply:
    if asked.headers.get("DD-API-KEY") != "geheim":
        return Reply(403, {"errors": ["Forbidden"]})
    assert (asked.method, asked.path, asked.headers["Content-Type"]) == ("POST", "/api/v1/events", "application/json")
    event = asked.json
    types = {"title": str, "text": str, "date_happened": int, "tags": list, "alert_type": str, "priority": str}
    assert {name: type(event[name]) for name in types} == types
    assert set(event) <= {*types, "aggregation_key", "source_type_name", "host", "device_name", "related_event_id"}
    assert event["alert_type"] in ("error", "warning", "info", "success")
    assert event["priority"] in ("normal", "low")
    assert len(event["title"]) <= 100
    assert len(event["text"]) <= 4_000
    assert len(event["aggregation_key"]) <= 100
    assert all(isinstance(tag, str) and len(tag) <= 200 for tag in event["tags"])
    return Reply(202, {"status": "ok", "event": {"id": 17}})


async def test_datadog_gets_the_event_and_the_key_in_a_header() -> None:
    async with recording(Recorder(as_datadog)) as server:
        assert await told("datadog", api_key="geheim", api_url=server.url) == Delivered()
        refused = await told("datadog", api_key="falsch", api_url=server.url)
        assert isinstance(refused, Permanent)
        assert refused.reason == "http_403"
        assert "Tiga 😀 <b>router</b> mati" in server.asked[0].json["text"]
        assert not any("geheim" in one.path for one in server.asked)


def as_newrelic(asked: Asked) -> Reply:
    if asked.headers.get("Api-Key") != "geheim":
        return Reply(403, {})
    assert (asked.method, asked.path) == ("POST", "/v1/accounts/17/events")
    assert asked.headers["Content-Type"] == "application/json"
    for event in asked.json:
        assert all(isinstance(value, str | int | float) for value in event.values())
        assert len(event) <= 254
        assert event["eventType"] == "PantauAlert"
        assert isinstance(event["timestamp"], int)
    return Reply(200, {"success": True, "uuid": "df1b2c"})


async def test_newrelic_gets_the_events(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("geheim")
    async with recording(Recorder(as_newrelic)) as server:
        account = {"account_id": 17, "api_url": server.url}
        assert await told("newrelic", api_key_file=tmp_path / "key", **account) == Delivered()
        refused = await told("newrelic", api_key="falsch", **account)
        assert isinstance(refused, Permanent)
        (event,) = server.asked[0].json
        assert event["message"] == "Tiga 😀 <b>router</b> mati"


async def test_a_key_that_is_gone_and_a_server_that_asks_for_patience(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("geheim")
    patience = Reply(429, {"errors": ["Too many requests"]}, {"Retry-After": "30"})
    async with recording(Recorder(lambda _: patience)) as server:
        settings = parse("datadog", {"api_key_file": tmp_path / "key", "api_url": server.url}, {}, "x")
        one = make("datadog", settings, "ops", CONTEXT)
        try:
            outcome = await one.send(one.render(NOTICE), NOTICE.id)
            assert outcome == Retry("http_429", "the receiver answered 429", 30.0)
            (tmp_path / "key").unlink()
            gone = await one.send(one.render(NOTICE), NOTICE.id)
            assert isinstance(gone, Retry)
            assert gone.reason == "credentials"
            assert len(server.asked) == 1
        finally:
            await one.close()
