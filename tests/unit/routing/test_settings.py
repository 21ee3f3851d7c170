"""Section `notifications`: Alertmanager's keys or its file, and where what is wrong is."""

import json
from pathlib import Path

import pytest

from shared.routing.settings import NotificationsSettings
from shared.settings import BadSettings, CommonSettings, load

MINIMAL = "route: {receiver: ops}\nreceivers: [{name: ops, log_configs: [{}]}]\n"


class Settings(CommonSettings):
    notifications: NotificationsSettings = NotificationsSettings()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pantau.yaml"


def read(file: Path, text: str = "", **environment: str) -> NotificationsSettings:
    file.write_text(text)
    return load(Settings, environment, file).notifications


def refusal(file: Path, text: str = "", **environment: str) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        read(file, text, **environment)
    return str(caught.value).replace(f"{file.parent}/", "").splitlines()


def test_without_configuration_there_is_no_routing(file: Path) -> None:
    assert read(file).routing is None
    assert read(file, "notifications: {wording: {language: en}}").routing is None


def test_the_keys_may_stand_in_the_settings(file: Path) -> None:
    routing = read(
        file,
        """
notifications:
  route:
    receiver: ops
    routes: [{matchers: [severity="critical"], mute_time_intervals: [night]}]
  receivers: [{name: ops, log_configs: [{}]}]
  time_intervals:
    - name: night
      time_intervals: [{times: [{start_time: 22:00, end_time: 24:00}, {start_time: 00:00, end_time: 06:30}]}]
    - {name: holidays, time_intervals: [{dates: [2026-12-25, "2027-01-01"]}]}
""",
    ).routing
    assert routing is not None
    assert routing.root.routes[0].key == '{}/{severity="critical"}'
    assert routing.time_intervals["night"].spans[0].times == ((1320, 1440), (0, 390))
    assert [str(first) for first, _ in routing.time_intervals["holidays"].spans[0].dates or ()] == [
        "2026-12-25",
        "2027-01-01",
    ]


def test_the_keys_may_come_from_the_environment(file: Path) -> None:
    routing = read(
        file,
        PANTAU_NOTIFICATIONS__ROUTE='{"receiver": "ops"}',
        PANTAU_NOTIFICATIONS__RECEIVERS=json.dumps([{"name": "ops", "email_configs": [{"to": "a@b.c"}]}]),
        PANTAU_NOTIFICATIONS__GLOBAL='{"smtp_smarthost": "mail:25", "smtp_from": "x@y"}',
    ).routing
    assert routing is not None
    assert routing.receivers["ops"].integrations[0].settings == {"to": "a@b.c"}
    assert routing.defaults["smtp_smarthost"] == "mail:25"


def test_an_alertmanager_file_may_be_named(file: Path) -> None:
    (file.parent / "alertmanager.yml").write_text(MINIMAL)
    in_file = read(file, "notifications: {alertmanager_file: alertmanager.yml}").routing
    in_environment = read(file, PANTAU_NOTIFICATIONS__ALERTMANAGER_FILE="alertmanager.yml").routing
    assert in_file is not None
    assert list(in_file.receivers) == ["ops"]
    assert in_environment == in_file


def test_what_is_wrong_in_the_settings_has_its_line(file: Path) -> None:
    route = "  route:\n    receiver: ops\n    routes:\n      - group_wait: soon\n"
    text = f"notifications:\n{route}  receivers:\n  - name: x\n"
    assert refusal(file, text) == [
        "pantau.yaml:5: notifications.route.routes.0.group_wait: group_wait: 'soon' is not a duration: "
        "write for instance 90s, 5m or 1h30m",
        "pantau.yaml:3: notifications.route.receiver: there is no receiver 'ops'",
    ]
    assert refusal(file, "notifications: {rout: {}}") == ["pantau.yaml:1: notifications.rout: there is no such setting"]


def test_what_holds_for_all_is_checked_without_routes_too(file: Path) -> None:
    text = "notifications:\n  global:\n    smtp_from: a@example.net\n    smtp_form: b@example.net\n"
    (told,) = refusal(file, text)
    assert told.startswith("pantau.yaml:4: notifications.global.smtp_form: unknown field 'smtp_form': 'global' has ")


def test_what_is_wrong_in_the_environment_has_its_variable(file: Path) -> None:
    assert refusal(file, PANTAU_NOTIFICATIONS__ROUTE='{"receiver": "q"}') == [
        "environment variable PANTAU_NOTIFICATIONS__ROUTE__RECEIVER: there is no receiver 'q'"
    ]


def test_what_is_wrong_in_the_file_has_its_line_there(file: Path) -> None:
    named = "notifications: {alertmanager_file: am.yml}"
    assert refusal(file, named) == [
        "pantau.yaml:1: notifications.alertmanager_file: am.yml can't be read: No such file or directory"
    ]
    (file.parent / "am.yml").write_text("\nroute: {receiver: q}\nreceivers:\n- {}\n")
    assert refusal(file, named) == [
        "pantau.yaml:1: notifications.alertmanager_file: am.yml:4: "
        "a receiver needs a name, of at most 200 printable characters",
        "pantau.yaml:1: notifications.alertmanager_file: am.yml:2: there is no receiver 'q'",
    ]


def test_the_file_and_the_keys_exclude_each_other(file: Path) -> None:
    (file.parent / "am.yml").write_text(MINIMAL)
    text = "notifications:\n  alertmanager_file: am.yml\n  route: {receiver: ops}\n"
    assert refusal(file, text) == [
        "pantau.yaml:2: notifications.alertmanager_file: leaves no room for route: write them there"
    ]
