"""What is sent through WhatsApp, and which settings can't be meant."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.notifier.channels import Context
from services.notifier.channels.registry import BadChannel, make, parse
from services.notifier.channels.whatsapp import WhatsappChannelSettings, render
from services.notifier.core.notice import Notice
from services.notifier.core.wording import Wording
from services.notifier.gateways import gateways
from shared.messages.access import Recipient
from shared.whatsapp.bodies import LONGEST_TEMPLATE_TEXT, LONGEST_TEXT
from shared.whatsapp.settings import GatewaySettings, WhatsappSettings
from tests.unit.notifier.events import alert_event, notice_of

WAHA = {"name": "billing", "waha": {"url": "http://10.0.0.7:3000", "sessions": ["ops", "two"], "api_key": "kunci"}}
META = {"name": "meta", "cloud": {"phone_number_id": "17", "access_token": "geheim"}}
OTHER = {"name": "other", "send": {"url": "http://h/", "body": {"to": "{to}", "text": "{text}"}}}
STATUS = {"name": "page", "status": {"url": "http://h/", "queue_size": "/q"}}
MUTE = {"name": "mute", "cloud": {"phone_number_id": "17", "app_secret": "x"}}
WORDING = Wording("https://pantau.example.net", ZoneInfo("Asia/Jakarta"))
BEGUN = 1_795_428_000_000


def notice(number: str | None = "628110000000", language: str = "id", message: str = "Metrik melewati batas") -> Notice:
    person = Recipient.model_validate({"id": "p", "name": "Ani", "whatsapp": number, "language": language})
    return replace(notice_of(alert_event("cpu", 2, "firing", BEGUN, BEGUN, message=message)), recipient=person)


def rendered(gateway: dict[str, Any], told: Notice, **settings: Any) -> Any:
    chosen = WhatsappChannelSettings.model_validate({"to": [{"admins": True}], **settings})
    return render(told, chosen, GatewaySettings.model_validate(gateway), WORDING)


def test_waha_gets_the_specifications_message() -> None:
    body = rendered(WAHA, notice())
    assert (body["session"], body["chatId"]) == ("ops", "628110000000@c.us")
    assert body["text"].startswith("🚨")
    assert "Metrik melewati batas" in body["text"]
    assert rendered(WAHA, notice(), session="two")["session"] == "two"
    assert rendered({"name": "b", "waha": {"url": "http://h"}}, notice())["session"] == "default"
    assert rendered(WAHA, notice("120363000000000000@g.us"))["chatId"] == "120363000000000000@g.us"
    assert "kunci" not in str(body)


def test_meta_gets_free_text_or_the_template_in_the_persons_language() -> None:
    free = rendered(META, notice())
    assert free["text"]["body"] == rendered(WAHA, notice())["text"]
    assert free["to"] == "628110000000"
    body = rendered(META, notice(language="en"), template={"name": "alert"})
    assert body["template"]["name"] == "alert"
    assert body["template"]["language"] == {"code": "en"}
    (component,) = body["template"]["components"]
    (parameter,) = component["parameters"]
    assert "Metrik melewati batas" in parameter["text"]
    assert "\n" not in parameter["text"]
    chosen = {
        "name": "alert",
        "language": "id_ID",
        "parameters": ["{{ .Status }}", "{{ .CommonLabels.type | toUpper }}", "{{ .ExternalURL }}"],
    }
    body = rendered(META, notice(language="en"), template=chosen)
    assert body["template"]["language"] == {"code": "id_ID"}
    (component,) = body["template"]["components"]
    assert [one["text"] for one in component["parameters"]] == ["firing", "BUSINESS", "https://pantau.example.net"]
    assert "components" not in rendered(META, notice(), template={"name": "a", "parameters": []})["template"]


def test_free_text_comes_first_where_the_template_is_for_a_closed_window() -> None:
    chosen = {"name": "alert", "when": "window_closed"}
    body = rendered(META, notice(), template=chosen)
    assert body.pop("window_closed") == rendered(META, notice(), template={"name": "alert"})
    assert body == rendered(META, notice())
    own = rendered(META, notice(), template=chosen, text="{{ .Status }}")
    assert own["text"]["body"] == "firing"


def test_words_of_ones_own() -> None:
    body = rendered(WAHA, notice(), text="{{ .Status }}: {{ .CommonLabels.alertname }}\n{{ .ExternalURL }}")
    assert body["text"] == "firing: cpu\nhttps://pantau.example.net"
    failed = rendered(WAHA, notice(), text="{{ index .Alerts 7 }}")["text"]
    assert "Metrik melewati batas" in failed, "an error in a template loses no page"
    assert "template:" in failed


@pytest.mark.parametrize("message", ["ä😀" * 10_000, "*_~`\n\n" * 5_000, "\t\r\n" * 100, "a\n" * 900])
def test_no_text_is_too_long(message: str) -> None:
    told = notice(message=message)
    text = rendered(WAHA, told)["text"]
    assert len(text.encode("utf-16-le")) // 2 <= LONGEST_TEXT
    text.encode()  # nothing was cut within a character
    for parameters in (["{{ .Text }}"], ["{{ .Title }}", "{{ (index .Alerts 0).Annotations }}", "{{ .Text }}", "x"]):
        body = rendered(META, told, template={"name": "alert", "parameters": parameters})
        texts = [one["text"] for one in body["template"]["components"][0]["parameters"]]
        assert sum(len(one) for one in texts) < LONGEST_TEMPLATE_TEXT
        assert not any(mark in one for one in texts for mark in ("\n", "\t", "    "))
        assert all(texts)


@pytest.mark.parametrize(
    ("gateway", "number", "problem"),
    [
        (WAHA, None, "no_number"),
        (WAHA, "08110000000", "bad_number"),
        (WAHA, "ani", "bad_number"),
        (META, "120363000000000000@g.us", "bad_number"),
        (OTHER, "+62 811-0000-000", None),
    ],
)
def test_who_has_no_number_that_can_be_told_is_a_problem_and_nothing_else(
    gateway: dict[str, Any], number: str | None, problem: str | None
) -> None:
    body = rendered(gateway, notice(number))
    assert body.get("problem") == problem
    assert problem is not None or body["to"] == "628110000000"
    assert rendered(WAHA, replace(notice(), recipient=None)) == {"problem": "no_number"}


def context(*known: dict[str, Any]) -> Context:
    return Context(WORDING, gateways(WhatsappSettings.model_validate({"gateways": known})))


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"to": []}, "to"),
        ({}, "to: Field required"),
        ({"to": [{"person": "ani", "admins": True}]}, "exactly one of person, on_call, admins and number"),
        ({"to": [{"number": "0811"}]}, "country's code"),
        ({"to": [{"admins": True}], "template": {"name": "Bad Name"}}, "template.name"),
        ({"to": [{"admins": True}], "template": {"name": "a"}, "session": "b"}, "no gateway has both"),
        ({"to": [{"admins": True}], "template": {"name": "a"}, "text": "b"}, "template.parameters"),
        ({"to": [{"admins": True}], "text": "{{ if }}"}, "is no template"),
        ({"to": [{"admins": True}], "colour": 1}, "whatsapp_configs[0].colour: there is no such setting"),
    ],
)
def test_bad_entries_are_refused_with_their_place(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(BadChannel, match=r"^receivers\[ops\]\.whatsapp_configs\[0\]") as refused:
        parse("whatsapp", entry, {}, "receivers[ops].whatsapp_configs[0]")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "known", "says"),
    [
        ({}, [WAHA, META], "not just one that can send: billing, meta"),
        ({}, [], "not just one that can send: none"),
        ({"gateway": "page"}, [WAHA, STATUS], "gateway page can't send"),
        ({"gateway": "mute"}, [WAHA, MUTE], "those that can: billing"),
        ({"template": {"name": "a"}}, [WAHA], "billing is none of theirs"),
        ({"session": "a"}, [META], "meta is none"),
    ],
)
def test_a_gateway_that_cannot_do_that_is_refused(entry: dict[str, Any], known: list[Any], says: str) -> None:
    settings = parse("whatsapp", {"to": [{"admins": True}]} | entry, {}, "x")
    with pytest.raises(ValueError, match=says):
        make("whatsapp", settings, "ops/whatsapp/0/p", context(*known))


def test_what_may_have_been_sent_is_repeated_only_where_the_gateway_says_that_it_can_be() -> None:
    settings = parse("whatsapp", {"to": [{"admins": True}]}, {}, "x")
    assert not make("whatsapp", settings, "d", context(WAHA)).deduplicates
    send = {"url": "http://h/", "body": {"to": "{to}", "text": "{text}", "id": "{id}"}, "deduplicates": True}
    assert make("whatsapp", settings, "d", context({"name": "o", "send": send})).deduplicates
