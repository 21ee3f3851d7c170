"""Chats and on-call services, each against a server that looks at every field."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local import ports
from services.notifier.channels import Channel, Context
from services.notifier.channels.registry import BadChannel, make, parse
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from shared.messages.message import content_id
from tests.integration.http_recorder import Asked, Recorder, Reply, recording
from tests.unit.notifier.notices import WICKED, notice, told, wording

KEY = '{}/{severity="critical"}:{router="bras-1"}'


def channel(kind: str, entry: Mapping[str, Any], **defaults: Any) -> Channel:
    settings = parse(kind, entry, defaults, f"receivers[ops].{kind}_configs[0]")
    return make(kind, settings, f"ops/{kind}/0", Context(wording()))


async def send(one: Channel, what: Notice) -> Outcome:
    try:
        return await one.send(one.render(what), what.id)
    finally:
        await one.close()


def entries(url: str) -> dict[str, dict[str, Any]]:
    """One entry of each kind, for a server at `url`."""
    return {
        "slack": {"api_url": f"{url}/services/T/B/x"},
        "telegram": {"api_url": url, "bot_token": "12:ab", "chat_id": -100},
        "discord": {"webhook_url": f"{url}/api/webhooks/1/x"},
        "msteams": {"webhook_url": f"{url}/webhookb2/x"},
        "msteamsv2": {"webhook_url": f"{url}/workflows/x"},
        "pagerduty": {"url": f"{url}/v2/enqueue", "routing_key": "rk"},
        "opsgenie": {"api_url": url, "api_key": "ok"},
        "apprise": {"url": f"ntfy://{url.removeprefix('http://')}/alerts"},
    }


@asynccontextmanager
async def server(reply: Reply | None = None) -> AsyncIterator[Recorder]:
    async with recording(Recorder(lambda _: reply or Reply(body={"ok": True, "id": "1"}))) as one:
        yield one


async def asked(kind: str, what: Notice, **more: Any) -> Asked:
    async with server() as one:
        assert await send(channel(kind, entries(one.url)[kind] | more), what) == Delivered()
        assert len(one.asked) == 1
        return one.asked[0]


async def test_slack() -> None:
    came = await asked("slack", notice(told(message=f"Sesi terputus 🚨 {WICKED}")), channel="#noc", link_names=True)
    assert came.path == "/services/T/B/x"
    assert came.headers["Content-Type"] == "application/json"
    assert (came.json["channel"], came.json["link_names"]) == ("#noc", True)
    (attachment,) = came.json["attachments"]
    assert (attachment["color"], attachment["title"]) == ("danger", "🚨 CRITICAL Alert")
    assert attachment["title_link"].startswith("https://pantau.example/alerts/")
    assert "Sesi terputus 🚨 a &lt;b&gt;bold&lt;/b&gt;" in attachment["text"]
    assert "<!channel>" not in attachment["text"]
    assert "Value: 93.25%" in attachment["text"]
    end = await asked("slack", notice(told(status="resolved")))
    assert end.json["attachments"][0]["color"] == "good"


async def test_slack_with_a_token_and_what_it_refuses() -> None:
    async with server(Reply(body={"ok": False, "error": "channel_not_found"})) as one:
        entry = {"app_token": "xoxb-1", "app_url": f"{one.url}/api/chat.postMessage", "channel": "C1"}
        assert await send(channel("slack", entry), notice()) == Permanent(
            "slack_error", "Slack answered channel_not_found"
        )
        assert one.asked[0].headers["Authorization"] == "Bearer xoxb-1"
        assert one.asked[0].json["channel"] == "C1"
    async with server(Reply(body={"ok": False, "error": "ratelimited"}, headers={"Retry-After": "9"})) as one:
        entry = entry | {"app_url": one.url}
        assert await send(channel("slack", entry), notice()) == Retry("slack_error", "Slack answered ratelimited", 9.0)


async def test_fields_are_templates_over_alertmanagers_data() -> None:
    came = await asked(
        "slack",
        notice(told(), told("disk_full", "resolved")),
        title='{{ template "slack.default.title" . }} [{{ .Status | toUpper }}:{{ .Alerts.Firing | len }}]',
        text='{{ range .Alerts }}{{ .Labels.alertname }} {{ .StartsAt.Format "15:04 MST" }}\n{{ end }}',
        pretext='{{ .GroupLabels.SortedPairs.Values | join " " }}',
        footer='{{ (.CommonLabels.Remove (stringSlice "router")).Values | join "," }}',
        fields=[{"title": "{{ .Receiver }}", "value": "{{ .Nothing }}"}],
        actions=[
            {"text": "Graph", "url": "{{ (index .Alerts 0).GeneratorURL }}", "confirm": {"text": "{{ .Status }}?"}}
        ],
    )
    (attachment,) = came.json["attachments"]
    assert attachment["title"] == "🚨 CRITICAL Alert: 1 firing, 1 resolved – bras-1 [FIRING:1]"
    assert attachment["text"] == "router_down 23:05 WIB\ndisk_full 23:05 WIB\n"
    assert (attachment["pretext"], attachment["footer"]) == ("bras-1", "critical,Depok")
    (action,) = attachment["actions"]
    assert action["url"].startswith("https://pantau.example/graph?g0.expr=mikrotik_cpu")
    assert (action["type"], action["confirm"]) == ("button", {"text": "firing?"})
    # A wrong template is told, and the page goes out nevertheless.
    assert attachment["fields"][0]["title"] == "ops"
    assert "Nothing" in attachment["fields"][0]["value"]


async def test_telegram() -> None:
    came = await asked("telegram", notice(told(message=f"Sesi terputus 🚨 {WICKED}")), message_thread_id=7)
    assert came.path == "/bot12:ab/sendMessage"
    assert came.json["chat_id"] == -100
    assert came.json["message_thread_id"] == 7
    assert came.json["parse_mode"] == "HTML"
    assert came.json["text"].startswith("<b>🚨 CRITICAL Alert</b>\n\nSesi terputus 🚨 a &lt;b&gt;bold&lt;/b&gt;")
    marked = await asked("telegram", notice(told(message=WICKED)), parse_mode="MarkdownV2")
    assert r"a <b\>bold</b\> \*star\* \_line\_ \`code\`" in marked.json["text"]
    long = await asked("telegram", notice(told(message="<&>" * 4_000)))
    assert len(long.json["text"]) <= 4_096
    assert long.json["text"].count("&lt;") > 50
    assert "&lt;…" in long.json["text"] or "&amp;…" in long.json["text"] or "&gt;…" in long.json["text"]
    custom = await asked(
        "telegram", notice(told(message="x" * 9_000)), message="<b>{{ (index .Alerts 0).Message }}</b>"
    )
    assert custom.json["text"].startswith("<b>🚨 CRITICAL Alert</b>")  # a cut would have left <b> open
    escaped = await asked("telegram", notice(told(message=WICKED)), message="<b>{{ (index .Alerts 0).Message }}</b>")
    assert escaped.json["text"].startswith("<b>a &lt;b&gt;bold&lt;/b&gt;")


async def test_telegram_says_how_long_to_wait() -> None:
    flood = {"ok": False, "error_code": 429, "parameters": {"retry_after": 35}}
    async with server(Reply(429, flood)) as one:
        outcome = await send(channel("telegram", entries(one.url)["telegram"]), notice())
        assert outcome == Retry("http_429", "the receiver answered 429", 35.0)


async def test_files_stand_in_for_secrets(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("34:cd\n")
    (tmp_path / "chat").write_text("@noc\n")
    async with server() as one:
        entry = {"api_url": one.url, "chat_id_file": str(tmp_path / "chat")}
        made = channel("telegram", entry, telegram_bot_token_file=str(tmp_path / "token"))
        assert await send(made, notice()) == Delivered()
        assert (one.asked[0].path, one.asked[0].json["chat_id"]) == ("/bot34:cd/sendMessage", "@noc")


async def test_discord() -> None:
    came = await asked(
        "discord", notice(told(message=f"Sesi terputus 🚨 {WICKED}")), username="Pantau", content="{{ .Status }}"
    )
    assert came.path == "/api/webhooks/1/x"
    (embed,) = came.json["embeds"]
    assert (embed["title"], embed["color"]) == ("🚨 CRITICAL Alert", 0xC92A2A)
    assert came.json["allowed_mentions"] == {"parse": []}
    assert (came.json["username"], came.json["content"]) == ("Pantau", "firing")
    assert r"a \<b\>bold\</b\> \*star\* \_line\_ \`code\` " in embed["description"]
    assert r"\[x\](http://evil)" in embed["description"]
    assert "@everyone" not in embed["description"]
    long = await asked("discord", notice(*(told(f"rule_{n}", message="*" * 300) for n in range(60))))
    assert len(long.json["embeds"][0]["description"]) <= 4_096
    assert "and 5" in long.json["embeds"][0]["description"]
    async with server(Reply(429, {"retry_after": 0.3})) as one:
        limited = await send(channel("discord", entries(one.url)["discord"]), notice())
        assert limited == Retry("http_429", "the receiver answered 429", 0.3)


async def test_teams() -> None:
    came = await asked("msteamsv2", notice(told(message=f"Sesi terputus 🚨 {WICKED}")))
    (attachment,) = came.json["attachments"]
    assert (came.json["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    head, body = attachment["content"]["body"]
    assert (head["text"], head["color"]) == ("🚨 CRITICAL Alert", "attention")
    assert r"Sesi terputus 🚨 a \<b\>bold\</b\> \*star\*" in body["text"]
    assert "\n\nValue: 93.25%\n\n" in body["text"]
    assert attachment["content"]["actions"][0]["url"].startswith("https://pantau.example/alerts/")
    huge = await asked("msteamsv2", notice(told(message="🚨" * 20_000)))
    assert len(huge.raw) < 28_000
    card = await asked("msteams", notice(told(status="resolved")), title="{{ .Status }}")
    assert (card.json["@type"], card.json["title"], card.json["themeColor"]) == ("MessageCard", "resolved", "2B8A3E")
    failed = (
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId"
    )
    async with server(Reply(200, failed)) as one:
        outcome = await send(channel("msteams", entries(one.url)["msteams"]), notice())
        assert outcome == Retry("teams_error", "Teams answered 429 behind the connector")


async def test_pagerduty_has_one_incident_a_group() -> None:
    first = told(message=f"Sesi terputus 🚨 {WICKED}")
    came = await asked("pagerduty", notice(first), details={"zona": "{{ .CommonLabels.site }}"}, **{"class": "router"})
    key = content_id("pagerduty", "ops", KEY)
    assert came.path == "/v2/enqueue"
    body = came.json
    assert (body["routing_key"], body["event_action"], body["dedup_key"]) == ("rk", "trigger", key)
    assert body["payload"]["summary"].startswith("🚨 CRITICAL Alert: Sesi terputus 🚨 a <b>bold</b>")
    assert (body["payload"]["severity"], body["payload"]["class"]) == ("critical", "router")
    assert body["payload"]["source"] == "https://pantau.example"
    assert body["payload"]["timestamp"] == "2026-11-23T16:05:00.000Z"
    assert body["payload"]["custom_details"]["zona"] == "Depok"
    assert body["payload"]["custom_details"]["router"] == "bras-1"
    end = await asked("pagerduty", notice(told(status="resolved")))
    assert end.json == {"routing_key": "rk", "event_action": "resolve", "dedup_key": key}
    long = await asked("pagerduty", notice(told(message="é" * 9_000)))
    assert len(long.json["payload"]["summary"]) <= 1_024


async def test_opsgenie_has_one_alert_a_group() -> None:
    alias = content_id("opsgenie", "ops", KEY)
    more = {"tags": "isp, {{ .CommonLabels.site }}", "responders": [{"name": "noc", "type": "team"}]}
    came = await asked("opsgenie", notice(told(message="Sesi " * 100)), **more)
    assert (came.method, came.path, came.headers["Authorization"]) == ("POST", "/v2/alerts", "GenieKey ok")
    assert (came.json["alias"], came.json["priority"]) == (alias, "P1")
    assert len(came.json["message"]) <= 130
    assert came.json["tags"] == ["isp", "Depok"]
    assert came.json["responders"] == [{"name": "noc", "type": "team"}]
    assert came.json["details"]["router"] == "bras-1"
    end = await asked("opsgenie", notice(told(status="resolved")))
    assert end.path == f"/v2/alerts/{alias}/close?identifierType=alias"
    assert end.json["note"].startswith("✅ CRITICAL Alert resolved")


async def test_apprise_tells_ntfy() -> None:
    came = await asked("apprise", notice(told(message=f"Sesi terputus 🚨 {WICKED}")))
    assert came.json["topic"] == "alerts"
    assert came.json["title"].startswith("🚨 CRITICAL Alert: Sesi terputus 🚨")
    assert WICKED[:60] in came.json["message"]
    assert "Value: 93.25%" in came.json["message"]


@pytest.mark.parametrize("kind", entries(""))
@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, Permanent), (401, Permanent), (404, Permanent), (429, Retry), (500, Retry), (503, Retry)],
)
async def test_what_is_refused_for_good_is_told_apart(kind: str, status: int, expected: type[Outcome]) -> None:
    async with server(Reply(status, "no")) as one:
        outcome = await send(channel(kind, entries(one.url)[kind]), notice())
        assert isinstance(outcome, expected)
        assert outcome == type(outcome)(f"http_{status}", outcome.detail)  # type: ignore[union-attr, call-arg]
        assert one.url not in str(outcome)


@pytest.mark.parametrize("kind", entries(""))
async def test_nobody_there(kind: str) -> None:
    url = f"http://127.0.0.1:{ports.free()[0]}"
    outcome = await send(channel(kind, entries(url)[kind]), notice())
    assert isinstance(outcome, Retry)
    assert outcome.reason == "connect"


@pytest.mark.parametrize("kind", entries(""))
async def test_no_answer_in_time(kind: str) -> None:
    async with server(Reply(how="hang")) as one:
        entry = entries(one.url)[kind] | {"timeout": "300ms"}
        outcome = await send(channel(kind, entry), notice())
        assert isinstance(outcome, Retry)
        assert outcome.reason == "timeout"


@pytest.mark.parametrize(
    ("kind", "entry", "says"),
    [
        ("slack", {}, "needs api_url or api_url_file"),
        ("slack", {"app_token": "x"}, "needs a channel"),
        ("telegram", {"bot_token": "x"}, "needs one of chat_id"),
        ("telegram", {"chat_id": 1}, "needs bot_token"),
        ("discord", {"webhook_url": "nowhere"}, "not of the form"),
        ("pagerduty", {"service_key": "x"}, "use routing_key"),
        ("opsgenie", {}, "needs api_key"),
        ("apprise", {"url": "nothing://secret"}, "no service of apprise's"),
        ("apprise", {"url": "syslog://"}, "not allowed"),
        ("apprise", {"url": "ntfy://x/y", "text": "{{ foo }}"}, "'foo' not defined"),
        ("sms", {}, "there is no sms_configs"),
    ],
)
def test_bad_settings_are_refused_with_their_place(kind: str, entry: dict[str, Any], says: str) -> None:
    with pytest.raises(BadChannel) as refused:
        channel(kind, entry)
    assert says in str(refused.value)
    assert str(refused.value).startswith(f"receivers[ops].{kind}_configs[0]")
    assert "secret" not in str(refused.value)
