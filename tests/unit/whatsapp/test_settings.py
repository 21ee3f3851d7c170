"""The section `whatsapp`: what can't work is refused with its place and the way out."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.api.settings import Settings as ApiSettings
from services.collector.settings import Settings
from shared.settings import BadSettings, load
from shared.whatsapp.settings import WhatsappSettings

WAHA = {"url": "http://10.0.0.7:3000"}
SEND = {"url": "http://h/", "body": {"to": "{to}", "data": [{"text": "{text}"}]}}


def read(path: Path, *gateways: dict[str, Any]) -> WhatsappSettings:
    file = path / "pantau.yaml"
    file.write_text(yaml.safe_dump({"whatsapp": {"gateways": [*gateways]}}))
    return load(Settings, {}, file).whatsapp


def test_secrets_come_from_files_and_are_in_no_text(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("rahasia\n")
    found = read(
        tmp_path, {"name": "a", "waha": WAHA | {"api_key_file": str(tmp_path / "key"), "webhook_secret": "diam"}}
    )
    (gateway,) = found.gateways
    assert gateway.waha is not None
    assert (gateway.waha.key(), gateway.waha.webhook_key()) == ("rahasia", "diam")
    assert gateway.secrets() == {"rahasia", "diam"}
    assert "diam" not in repr(found)


@pytest.mark.parametrize(
    ("gateway", "said"),
    [
        ({}, "needs waha, cloud, send or status"),
        ({"waha": WAHA, "cloud": {"phone_number_id": "1", "access_token": "x"}}, "only one of waha, cloud and send"),
        ({"waha": {"url": "10.0.0.7:3000"}}, "is not of the form"),
        ({"waha": {"url": "http://user:pass@host"}}, "must not hold a user name or password"),
        ({"waha": WAHA | {"api_key": "a", "api_key_file": "b"}}, "only one of api_key and api_key_file"),
        ({"waha": WAHA | {"api_key_file": "/no/such/file"}}, "can't be read: No such file"),
        ({"waha": WAHA | {"webhook_secret": ""}}, "webhook_secret is empty"),
        ({"cloud": {"phone_number_id": "1"}}, "nothing could be learnt from Meta"),
        ({"cloud": {"phone_number_id": "+62", "access_token": "x"}}, "phone_number_id"),
        ({"status": {"url": "http://h/"}}, "names nothing to read"),
        ({"status": {"url": "http://h/", "queue_size": "queue.size"}}, "JSON Pointer"),
        ({"status": {"url": "http://h/", "oldest_at": "/a", "oldest_seconds": "/b"}}, "only one of"),
        ({"status": {"url": "http://h/", "queue_size": "/q", "headers": {"X: y": "z"}}}, "HTTP header"),
        ({"waha": WAHA, "status": {"url": "http://h/", "connected": "/c"}}, "are for one without waha or cloud"),
        ({"status": {"url": "http://h/", "queue_size": "/q"}, "canary": {"to": "6281100@c.us"}}, "sent through waha"),
        ({"waha": WAHA, "canary": {"to": "+62811"}}, "canary.to"),
        ({"send": {"url": "http://h/", "body": {"to": "{to}"}}}, "body has {text} nowhere"),
        ({"send": SEND | {"deduplicates": True}}, "body has {id} nowhere"),
        ({"send": SEND | {"encoding": "form", "body": {"a": "{to}{text}", "b": {"c": 1}}}}, "a form has texts only"),
        ({"send": SEND | {"headers": {"X: y": "z"}}}, "HTTP header"),
        ({"waha": WAHA, "rate": {"per_minute": 0}}, "rate.per_minute"),
        ({"waha": WAHA, "colour": "green"}, "there is no such setting"),
    ],
)
def test_what_cannot_work(tmp_path: Path, gateway: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings) as raised:
        read(tmp_path, {"name": "a"} | gateway)
    assert said in str(raised.value)
    assert "pantau.yaml:" in str(raised.value)


def test_two_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="two gateways are called a"):
        read(tmp_path, {"name": "a", "waha": WAHA}, {"name": "a", "waha": WAHA})


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"key": "short"}, "key needs 20 characters"),
        ({"key": "x" * 20, "key_file": "/x"}, "only one of key and key_file"),
        ({"interval_seconds": 0}, "interval_seconds"),
        ({"name": "a/b"}, "name"),
    ],
)
def test_heartbeats_that_cannot_work(tmp_path: Path, job: dict[str, Any], said: str) -> None:
    file = tmp_path / "pantau.yaml"
    file.write_text(yaml.safe_dump({"heartbeats": {"jobs": [{"name": "a", "interval_seconds": 60} | job]}}))
    with pytest.raises(BadSettings) as raised:
        load(ApiSettings, {}, file)
    assert said in str(raised.value)
    assert "short" not in str(raised.value)
