"""Webhooks: who signed them, and what they say."""

import hashlib
import hmac
from typing import Any

import pytest

from services.api.core.whatsapp.events import BadWebhook, Receipt, SessionChange, cloud_events, waha_events
from services.api.core.whatsapp.signatures import answer_to_handshake, meta_signed, waha_signed

# The example of WAHA's own documentation.
WAHA_BODY = b'{"event":"message","session":"default","engine":"WEBJS"}'
WAHA_HMAC = (
    "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
    "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
)


def test_wahas_signature() -> None:
    headers = {"x-webhook-hmac": WAHA_HMAC, "x-webhook-hmac-algorithm": "sha512"}
    assert waha_signed(WAHA_BODY, headers, "my-secret-key")
    assert not waha_signed(WAHA_BODY + b" ", headers, "my-secret-key")
    assert not waha_signed(WAHA_BODY, headers, "my-secret-kez")
    assert not waha_signed(WAHA_BODY, headers | {"x-webhook-hmac-algorithm": "md5"}, "my-secret-key")
    assert not waha_signed(WAHA_BODY, {}, "my-secret-key")
    assert not waha_signed(WAHA_BODY, {"x-webhook-hmac": "é" * 128}, "my-secret-key")


def test_metas_signature() -> None:
    digest = hmac.new(b"s", b"body", hashlib.sha256).hexdigest()
    assert meta_signed(b"body", {"x-hub-signature-256": f"sha256={digest}"}, "s")
    for header in (digest, f"sha1={digest}", f"sha256={digest[:-1]}", ""):
        assert not meta_signed(b"body", {"x-hub-signature-256": header}, "s")


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, "1158201444"),
        ({"hub.mode": "unsubscribe"}, None),
        ({"hub.verify_token": "other"}, None),
        ({"hub.challenge": ""}, None),
        ({"hub.challenge": "<b>"}, None),
        ({"hub.challenge": "1" * 201}, None),
    ],
)
def test_the_handshake(change: dict[str, str], answer: str | None) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "friend"}
    assert answer_to_handshake(query | change, "friend") == answer


def ack(**payload: Any) -> dict[str, Any]:
    known = {
        "id": "true_1@c.us_A",
        "from": "1@c.us",
        "fromMe": True,
        "participant": None,
        "ack": 2,
        "ackName": "DEVICE",
    }
    return {"event": "message.ack", "session": "default", "timestamp": 1_700_000_000_123, "payload": known | payload}


def test_what_waha_says() -> None:
    (receipt,) = waha_events(ack(), 5)
    assert receipt == Receipt("true_1@c.us_A", "delivered", 1_700_000_000_123)
    assert [one.status for n in range(-1, 5) for one in waha_events(ack(ack=n), 5) if isinstance(one, Receipt)] == [
        *("failed", "pending", "sent", "delivered", "read", "played")
    ]
    assert waha_events(ack(fromMe=False), 5) == [], "what others sent us"
    assert waha_events(ack(participant="9@lid"), 5) == [], "one member of a group"
    old = ack()
    del old["timestamp"]
    assert waha_events(old, 5)[0].at_ms == 5
    sent = ack(hasMedia=True) | {"event": "message.any"}
    assert waha_events(sent, 5) == [Receipt("true_1@c.us_A", "pending", 1_700_000_000_123, "media")]
    status = {"event": "session.status", "session": "b", "timestamp": 7, "payload": {"status": "FAILED"}}
    assert waha_events(status, 5) == [SessionChange("b", "FAILED", 7)]
    assert waha_events({"event": "presence.update", "payload": {}}, 5) == []


@pytest.mark.parametrize(
    "document",
    [
        *(None, [], {}, {"event": 1}, {"event": "message.ack"}, {"event": "message.ack", "payload": []}),
        *(ack(ack=9), ack(ack=None), ack(ack=True), ack(id=""), ack(id="x" * 600), ack() | {"timestamp": "soon"}),
        *(ack() | {"timestamp": float("inf")}, {"event": "session.status", "payload": {"status": "FAILED"}}),
    ],
)
def test_what_waha_cannot_say(document: Any) -> None:
    with pytest.raises(BadWebhook):
        waha_events(document, 5)


def meta(statuses: Any, **metadata: str) -> dict[str, Any]:
    value = {"metadata": {"phone_number_id": "1"} | metadata, "statuses": statuses}
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "7", "changes": [change]}]}


def test_what_meta_says() -> None:
    sent = {"id": "wamid.A", "status": "sent", "timestamp": "1750857384", "pricing": {"category": "utility"}}
    read = {"id": "wamid.B", "status": "read", "timestamp": "1750857385"}
    ignored = [sent | {"status": "warning"}, sent | {"recipient_type": "group"}]
    assert cloud_events(meta([sent, *ignored, read]), "1") == [
        Receipt("wamid.A", "sent", 1_750_857_384_000, "utility"),
        Receipt("wamid.B", "read", 1_750_857_385_000, "unknown"),
    ]
    odd = sent | {"pricing": {"category": "Robert'); --"}}
    assert cloud_events(meta([odd]), "1") == [Receipt("wamid.A", "sent", 1_750_857_384_000, "unknown")]
    assert cloud_events(meta([sent]), "2") == [], "another number"
    incoming = {"field": "messages", "value": {"metadata": {"phone_number_id": "1"}, "messages": [{}]}}
    document = {"object": "whatsapp_business_account", "entry": [{"changes": [incoming, {"field": "flows"}]}]}
    assert cloud_events(document, "1") == []
    assert cloud_events({"object": "page", "entry": None}, "1") == []


@pytest.mark.parametrize(
    "document",
    [
        *(None, {"object": "whatsapp_business_account"}, {"object": "whatsapp_business_account", "entry": [1]}),
        *(meta(None), meta([1]), meta([{"id": "a", "status": "sent"}]), meta([{"status": "sent", "timestamp": "1"}])),
        meta([{"id": "a", "status": "sent", "timestamp": "-1"}]),
    ],
)
def test_what_meta_cannot_say(document: Any) -> None:
    with pytest.raises(BadWebhook):
        cloud_events(document, "1")
