"""Messages through WhatsApp gateways: the simulated WAHA, one that checks as Meta's does, one of another kind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from infra.simulator.whatsapp.faults import Fault
from infra.simulator.whatsapp.gateway import Plan
from infra.simulator.whatsapp.served import ServedGateway
from services.notifier.channels import Channel, Context
from services.notifier.channels.registry import make, parse
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.wording import Wording
from services.notifier.gateways import gateways
from shared.messages.access import Recipient
from shared.whatsapp.settings import WhatsappSettings
from tests.integration.http_recorder import Asked, Recorder, Reply, recording
from tests.unit.notifier.events import alert_event, notice_of

BEGUN = 1_795_428_000_000
TEXT = "Tiga 😀 <b>router</b> *mati* &\n{id} {{1}}"
SHOWN = TEXT.replace("*", "∗")
PERSON = Recipient(id="p", name="Ani", whatsapp="+62 811-0000-000")
META = "/v23.0/106540352242922/messages"


def notice(identity: str = "n-1") -> Notice:
    told = alert_event("cpu", 2, "firing", BEGUN, BEGUN, message=TEXT)
    return replace(notice_of(told, identity), recipient=PERSON)


def context(*known: dict[str, Any]) -> Context:
    found = gateways(WhatsappSettings.model_validate({"gateways": known}))
    return Context(Wording("https://pantau.example.net", ZoneInfo("Asia/Jakarta")), found)


def channel(known: Context, **settings: Any) -> Channel:
    return make(
        "whatsapp", parse("whatsapp", {"to": [{"admins": True}]} | settings, {}, "x"), "ops/whatsapp/0/p", known
    )


async def told(one: Channel, about: Notice) -> Outcome:
    return await one.send(one.render(about), about.id)


@asynccontextmanager
async def waha() -> AsyncIterator[ServedGateway]:
    async with ServedGateway(Plan(per_minute=0.0, sessions=("default", "second"))) as served:
        yield served


def waha_entry(served: ServedGateway, **more: Any) -> dict[str, Any]:
    return {"name": "billing", "waha": {"url": served.url, "api_key": served.plan.api_key}, **more}


async def test_waha_sends_the_message_to_the_person() -> None:
    async with waha() as served:
        known = context(waha_entry(served))
        for session in (None, "second"):
            one = channel(known, session=session)
            assert await told(one, notice()) == Delivered()
        first, second = served.gateway.messages.values()
        assert (first.session, second.session) == ("default", "second")
        assert first.chat == "628110000000@c.us"
        assert first.text == one.render(notice())["text"]
        assert SHOWN in first.text


@pytest.mark.parametrize("state", ["STOPPED", "SCAN_QR_CODE", "FAILED"])
async def test_a_session_that_does_not_work_is_tried_again_until_another_channel_takes_over(state: str) -> None:
    async with waha() as served:
        gateway = served.gateway
        {"STOPPED": gateway.stop, "FAILED": gateway.fail}.get(state, lambda name: gateway.log_out(name, noticed=True))(
            "default"
        )
        known = context(waha_entry(served))
        outcome = await told(channel(known), notice())
        assert outcome == Retry("session", "the gateway's session is not connected")
        assert await told(channel(known, session="second"), notice()) == Delivered()
        outcome = await told(channel(known, session="third"), notice())
        assert isinstance(outcome, Retry)
        assert outcome.reason == "session"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.HANG, Retry("timeout")),
        (Fault.GARBAGE, Retry("bad_json")),
        (Fault.UNAUTHORIZED, Permanent("unauthorized")),
        (Fault.ERROR, Retry("server_error")),
        (Fault.REDIRECT, Permanent("redirected")),
        (Fault.HUGE, Retry("too_large")),
        (Fault.DROP, Retry("closed")),
    ],
)
async def test_what_is_wrong_with_waha_is_an_outcome(fault: Fault, expected: Retry | Permanent) -> None:
    async with waha() as served:
        served.trouble.fault = fault
        one = channel(context(waha_entry(served)), timeout="500ms" if fault is Fault.HANG else "20s")
        outcome = await told(one, notice())
        assert type(outcome) is type(expected)
        assert isinstance(outcome, Retry | Permanent)
        assert outcome.reason == expected.reason
        assert served.plan.api_key not in outcome.detail
    outcome = await told(one, notice())
    assert isinstance(outcome, Retry)
    assert outcome.reason == "refused"


def as_meta(asked: Asked) -> Reply:
    """Checks every field, as Meta does, and answers as Meta does."""
    if asked.headers.get("Authorization") != "Bearer EAAB-geheim":
        said = {"error": {"message": "Malformed access token EAAB", "type": "OAuthException", "code": 190}}
        return Reply(401, said)
    assert (asked.method, asked.path, asked.headers["Content-Type"]) == ("POST", META, "application/json")
    body = asked.json
    assert body.pop("messaging_product") == "whatsapp"
    assert body.pop("recipient_type") == "individual"
    to, kind = body.pop("to"), body.pop("type")
    content = body.pop(kind)
    assert not body, "nothing that Meta does not know"
    if kind == "text":
        assert set(content) == {"preview_url", "body"}
        assert 0 < len(content["body"]) <= 4_096
    else:
        assert set(content) == {"name", "language", "components"}
        (component,) = content["components"]
        assert component["type"] == "body"
        assert all(one["type"] == "text" and one["text"] and "\n" not in one["text"] for one in component["parameters"])
        if content["name"] != "alert":
            details = {"messaging_product": "whatsapp", "details": "template name does not exist in id"}
            return Reply(404, {"error": {"message": "(#132001)", "code": 132001, "error_data": details}})
    contacts = [{"input": to, "wa_id": to}]
    return Reply(200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": "wamid.HBg"}]})


def meta_entry(url: str, token: str = "EAAB-geheim") -> dict[str, Any]:
    cloud = {"phone_number_id": "106540352242922", "url": f"{url}/v23.0", "access_token": token}
    return {"name": "meta", "cloud": cloud}


async def test_meta_takes_templates_and_free_text() -> None:
    async with recording(Recorder(as_meta)) as server:
        known = context(meta_entry(server.url))
        assert await told(channel(known), notice()) == Delivered()
        assert await told(channel(known, template={"name": "alert"}), notice()) == Delivered()
        assert server.asked[0].json["to"] == "628110000000"
        assert SHOWN in server.asked[0].json["text"]["body"]
        template = server.asked[1].json["template"]
        assert (template["name"], template["language"]) == ("alert", {"code": "id"})
        assert "Tiga 😀 <b>router</b> ∗mati∗ & · {id} {{1}}" in template["components"][0]["parameters"][0]["text"]
        gone = await told(channel(known, template={"name": "alarm"}), notice())
        assert isinstance(gone, Permanent)
        assert gone.reason == "template"
        wrong = await told(channel(context(meta_entry(server.url, "falsch"))), notice())
        assert isinstance(wrong, Permanent)
        assert wrong.reason == "unauthorized"


@pytest.mark.parametrize("code", [131047, 470])
async def test_where_the_24_hours_are_over_the_template_goes_out_in_the_same_delivery(code: int) -> None:
    def answer(asked: Asked) -> Reply:
        is_closed = "text" in asked.json
        return Reply(400, {"error": {"message": "Re-engagement", "code": code}}) if is_closed else as_meta(asked)

    async with recording(Recorder(answer)) as server:
        known = context(meta_entry(server.url))
        alone = await told(channel(known), notice())
        both = await told(channel(known, template={"name": "alert", "when": "window_closed"}), notice())
        sent = [one.json["type"] for one in server.asked]
    assert isinstance(alone, Permanent)
    assert alone.reason == "window_closed"
    assert both == Delivered()
    assert sent == ["text", "text", "template"]


async def test_the_template_does_not_follow_what_was_taken_or_failed_otherwise() -> None:
    replies = [Reply(200, {"messages": [{"id": "wamid.HBg"}]}), Reply(400, {"error": {"code": 131026}})]
    async with recording(Recorder(lambda _: replies[len(server.asked) - 1])) as server:
        one = channel(context(meta_entry(server.url)), template={"name": "alert", "when": "window_closed"})
        found = [await told(one, notice()) for _ in replies]
        assert [asked.json["type"] for asked in server.asked] == ["text", "text"]
    assert found[0] == Delivered()
    assert isinstance(found[1], Permanent)


async def test_metas_troubles() -> None:
    replies = [
        Reply(429, {"error": {"code": 130429}}, {"Retry-After": "9"}),
        Reply(400, {"error": {"code": 131026}}),
        Reply(500, {"error": {"code": 131000}}),
        Reply(502, "<html>"),
        Reply(200, {"messages": []}),
    ]
    async with recording(Recorder(lambda _: replies[len(server.asked) - 1])) as server:
        one = channel(context(meta_entry(server.url)))
        found = [await told(one, notice()) for _ in replies]
    kinds = [(type(each), each.reason) for each in found if isinstance(each, Retry | Permanent)]
    assert kinds == [
        (Retry, "rate_limited"),
        (Permanent, "undeliverable"),
        (Retry, "server_error"),
        (Retry, "server_error"),
        (Retry, "bad_value"),
    ]
    assert isinstance(found[0], Retry)
    assert found[0].after_seconds == 9


async def test_another_gateway_gets_what_is_configured() -> None:
    def answer(asked: Asked) -> Reply:
        return replies.pop(0)

    replies = [Reply(200, {"status": True}), Reply(200, {"status": False, "reason": "device disconnected"})]
    replies += [Reply(200, "fine"), Reply(200, {}), Reply(200, "fine")]
    send = {
        "headers": {"Authorization": "geheim"},
        "body": {"phone": "+{to}", "data": [{"message": "{text}"}], "ref": "{id}"},
        "accepted": "/status",
    }
    async with recording(Recorder(answer)) as server:
        one = channel(context({"name": "other", "send": send | {"url": f"{server.url}/v1/send"}}))
        found = [await told(one, notice("n-17")) for _ in range(4)]
        form = {"url": f"{server.url}/form", "encoding": "form", "body": {"target": "{to}", "message": "{text}"}}
        two = channel(context({"name": "other", "send": form}))
        assert await told(two, notice()) == Delivered()
        asked, *_, posted = server.asked
    assert found[0] == Delivered()
    assert [each.reason for each in found if isinstance(each, Retry)] == ["not_taken", "bad_json", "bad_value"]
    assert (asked.path, asked.headers["Authorization"]) == ("/v1/send", "geheim")
    assert asked.json["phone"] == "+628110000000"
    assert asked.json["ref"] == "n-17"
    assert SHOWN in asked.json["data"][0]["message"]
    fields = parse_qs(posted.raw.decode())
    assert fields["target"] == ["628110000000"]
    assert SHOWN in fields["message"][0]


async def test_all_receivers_of_a_gateway_share_its_rate() -> None:
    async with waha() as served:
        known = context(waha_entry(served, rate={"per_minute": 0.5, "burst": 3, "longest_wait": 0.2}))
        channels = [channel(known), channel(known, session="second")]
        found = await asyncio.gather(*(told(channels[number % 2], notice(f"n-{number}")) for number in range(8)))
        delivered = [one for one in found if one == Delivered()]
        put_back = [one for one in found if isinstance(one, Retry)]
        assert (len(delivered), len(put_back), len(served.gateway.messages)) == (3, 5, 3)
        for one in put_back:
            assert one.reason == "rate_limit"
            assert one.after_seconds is not None
            assert 300 < one.after_seconds <= 360


async def test_who_waits_gets_a_turn_in_order() -> None:
    async with waha() as served:
        known = context(waha_entry(served, rate={"per_minute": 120, "burst": 2, "longest_wait": 60}))
        one = channel(known)
        found = await asyncio.gather(*(told(one, notice(f"n-{number}")) for number in range(4)))
        assert found == [Delivered()] * 4


async def test_a_gateway_that_can_be_asked_only_is_none_to_send_through() -> None:
    page = {"name": "page", "status": {"url": "http://h/", "queue_size": "/q"}}
    assert context(page).gateways == {}
