"""The settings of all services are read together: for the ports, and to be checked."""

from pathlib import Path

import pytest

from infra.local.settings import SERVICES, chosen_file, configuration
from shared.settings import BadSettings


def test_no_two_settings_have_the_same_port_by_default() -> None:
    listeners = configuration(None, {}).listeners()
    assert len({listener.port for listener in listeners}) == len(listeners)
    assert {listener.port for listener in listeners} >= {8080, 9090, 19092, 15432}


def test_every_service_has_an_address_where_it_tells_how_it_is() -> None:
    loaded = configuration(None, {})
    assert len({loaded.endpoint(name).url for name in SERVICES}) == len(SERVICES)
    assert loaded.endpoint("api").url == "http://127.0.0.1:8080"


def test_ports_come_from_the_file_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "pantau.yaml"
    file.write_text("api: {port: 1234}\nlocal: {kafka_port: 2345}\n")
    loaded = configuration(file, {"PANTAU_COLLECTOR__EXPORTER__PORT": "3456"})
    ports = {listener.setting: listener.port for listener in loaded.listeners()}
    assert (ports["api.port"], ports["local.kafka_port"], ports["collector.exporter.port"]) == (1234, 2345, 3456)


def test_further_alerting_workers_have_a_name_and_a_port_each() -> None:
    loaded = configuration(None, {"PANTAU_LOCAL__ALERTING_WORKERS": "3"})
    assert loaded.programs == (*SERVICES, "alerting-2", "alerting-3")
    alone = configuration(None, {})
    assert loaded.endpoint("alerting") == alone.endpoint("alerting"), "the first is the same, however many there are"
    assert len({loaded.endpoint(name).url for name in loaded.programs}) == len(loaded.programs)
    assert {one.port for one in loaded.listeners()} - {one.port for one in alone.listeners()} == {18102, 18103}


@pytest.mark.parametrize("count", ["0", "65"])
def test_a_number_of_workers_that_makes_no_sense_is_refused(count: str) -> None:
    with pytest.raises(BadSettings, match="PANTAU_LOCAL__ALERTING_WORKERS"):
        configuration(None, {"PANTAU_LOCAL__ALERTING_WORKERS": count})


def test_an_address_for_everybody_is_shown_as_this_machine(tmp_path: Path) -> None:
    loaded = configuration(None, {"PANTAU_API__HOST": "0.0.0.0"})
    assert loaded.endpoint("api").url == "http://127.0.0.1:8080"


def test_all_problems_are_told_with_their_place(tmp_path: Path) -> None:
    file = tmp_path / "pantau.yaml"
    file.write_text("api:\n  port: high\nlocal:\n  kafka_prot: 1\n")
    with pytest.raises(BadSettings) as raised:
        configuration(file, {})
    first, second = sorted(str(raised.value).splitlines())
    assert first.startswith(f"{file}:2: api.port")
    assert second.startswith(f"{file}:4: local.kafka_prot")


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no such settings file"):
        chosen_file(tmp_path / "none.yaml")


def test_a_channel_that_cannot_be_used_is_told_before_the_notifier_starts(tmp_path: Path) -> None:
    file = tmp_path / "pantau.yaml"
    file.write_text(
        "notifications:\n"
        "  route: {receiver: page}\n"
        "  receivers:\n"
        "    - name: page\n"
        "      whatsapp_configs: [{gateway: nowhere, to: [{number: '628110000000'}]}]\n"
        "      webhook_configs: [{url: ftp://example.net}]\n"
    )
    with pytest.raises(BadSettings) as raised:
        configuration(file, {})
    first, second = sorted(str(raised.value).splitlines())
    assert first.startswith(f"{file}: notifications.receivers[page].webhook_configs[0]: url is not of the form")
    assert second.startswith(f"{file}: notifications.receivers[page].whatsapp_configs[0]: gateway nowhere can't send")
