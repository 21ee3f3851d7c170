"""Entries of receivers that can't be channels are refused with the settings, each with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notifier.channels.registry import KINDS
from services.notifier.configured import routing_of, ways_of
from services.notifier.settings import Settings
from shared.routing import receivers
from shared.settings import BadSettings, load

PEOPLE = {"people": [{"name": "ani", "whatsapp": "6281200000001"}]}


def refusal(tmp_path: Path, receiver: dict[str, Any], **more: Any) -> list[str]:
    notifications = {"route": {"receiver": "ops"}, "receivers": [{"name": "ops", **receiver}], **more}
    file = tmp_path / "pantau.yaml"
    file.write_text(yaml.safe_dump({"notifications": notifications}))
    with pytest.raises(BadSettings) as caught:
        load(Settings, {}, file)
    return [line.split(": ", 1)[1] for line in str(caught.value).splitlines()]


def test_what_a_channel_does_not_take_is_refused(tmp_path: Path) -> None:
    good = {"url": "http://receiver.invalid/"}
    entries = [{"url": "ftp://receiver.invalid/"}, {**good, "uri": "x", "urn": "y"}, good]
    found = refusal(tmp_path, {"webhook_configs": entries})
    assert found[0].startswith("notifications.receivers.0.webhook_configs.0: url")
    assert found[1:] == [
        f"notifications.receivers.0.webhook_configs.1: {key}: there is no such setting" for key in ("uri", "urn")
    ]


def test_people_who_are_not_there_are_refused(tmp_path: Path) -> None:
    entry = {"to": [{"person": "ani"}, {"person": "budi"}, {"on_call": "primary"}]}
    assert refusal(tmp_path, {"whatsapp_configs": [entry]}, **PEOPLE) == [
        "notifications.receivers.0.whatsapp_configs.0: to: there is no budi among people",
        "notifications.receivers.0.whatsapp_configs.0: to: there is no schedule primary in on_call",
    ]


def test_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "am.yml"
    file.write_text("route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs:\n  - max_alerts: 1\n")
    with pytest.raises(BadSettings) as caught:
        load(Settings, {"PANTAU_NOTIFICATIONS__ALERTMANAGER_FILE": str(file)})
    assert f"{file}:5: " in str(caught.value)


def test_outside_systems_are_checked_too(tmp_path: Path) -> None:
    file = tmp_path / "pantau.yaml"
    outside = {"datadog": {"site": "eu/x", "api_key": "k"}, "newrelic": {"api_key": "k", "colour": 1}}
    file.write_text(yaml.safe_dump({"notifications": {"outside": outside}}))
    with pytest.raises(BadSettings) as caught:
        load(Settings, {}, file)
    found = [line.split(": ", 1)[1] for line in str(caught.value).splitlines()]
    assert [line.split(": ")[0] for line in found] == [f"notifications.outside.{kind}" for kind in outside for _ in "x"]
    assert "site" in found[0]
    assert "account_id" in found[1] or "colour" in found[1]


def test_what_forward_has_accounts_of_is_told_as_the_notifier_reads_it(tmp_path: Path) -> None:
    account = {"api_key": "geheim", "site": "datadoghq.eu"}
    file = tmp_path / "pantau.yaml"
    file.write_text(yaml.safe_dump({"notifications": {"forward": [{"datadog": account, "match": ["up"]}]}}))
    ways = ways_of(found := load(Settings, {}, file), routing_of(found))
    assert [way.destination.name for way in ways["everything"]] == ["everything/datadog/0", "everything/log/0"]


def test_channels_agree_with_routing_on_what_tells_ends() -> None:
    silent = {kind for kind, one in KINDS.items() if not one.settings.model_fields["send_resolved"].default}
    assert silent == receivers.SILENT_ABOUT_ENDS & KINDS.keys()
    assert KINDS.keys() <= set(receivers.KINDS)
