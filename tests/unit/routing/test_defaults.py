"""Where nothing is configured: the specification's routes, over what there is."""

from zoneinfo import ZoneInfo

import pytest

from shared.routing.configuration import Routing, unused_receivers
from shared.routing.defaults import Ways, default_routing
from shared.routing.people import Person
from shared.routing.tree import matching

ZONE = ZoneInfo("Asia/Jakarta")
SMTP = {"smtp_smarthost": "mail.example.net:587", "smtp_from": "pantau@example.net"}
PEOPLE = {
    "ani": Person("ani", ZONE, "id", whatsapp="6281200000001"),
    "budi": Person("budi", ZONE, "id", email="budi@example.net"),
}
WHATSAPP, EMAIL, BOTH = Ways("main"), Ways(email=True), Ways("main", email=True, people=PEOPLE)
DATADOG = Ways("main", outside={"datadog": {"api_key_file": "/run/secrets/datadog"}})


def routing(ways: Ways) -> Routing:
    return default_routing(ways, SMTP if ways.email else {})


def told(ways: Ways, **labels: str) -> list[str]:
    """The kinds of channels through which an alert with these labels goes."""
    found = routing(ways)
    receivers = [found.receivers[route.receiver] for route in matching(found.root, {"alertname": "x", **labels})]
    return [integration.kind for receiver in receivers for integration in receiver.integrations]


@pytest.mark.parametrize(
    ("ways", "labels", "kinds"),
    [
        (Ways(), {"severity": "critical"}, ["log"]),
        (BOTH, {"severity": "critical"}, ["log", "email", "whatsapp"]),
        (BOTH, {"severity": "warning"}, ["log", "whatsapp"]),
        (BOTH, {"severity": "info"}, ["log"]),
        (BOTH, {}, ["log"]),
        (WHATSAPP, {"severity": "critical"}, ["log", "whatsapp"]),
        (EMAIL, {"severity": "warning"}, ["log", "email"]),  # better than nobody
        (DATADOG, {"severity": "info"}, ["datadog", "log"]),
        (DATADOG, {"severity": "critical"}, ["datadog", "log", "whatsapp"]),
        (BOTH, {"severity": "critical", "alertname": "whatsapp_session_lost"}, ["log", "email"]),
        (BOTH, {"severity": "warning", "alertname": "whatsapp_queue_growing"}, ["log", "email"]),
        (BOTH, {"severity": "critical", "service": "whatsapp:main"}, ["log", "email"]),
        (WHATSAPP, {"severity": "critical", "alertname": "whatsapp_session_lost"}, ["log", "whatsapp"]),
    ],
)
def test_who_is_told(ways: Ways, labels: dict[str, str], kinds: list[str]) -> None:
    assert sorted(told(ways, **labels)) == sorted(kinds)


@pytest.mark.parametrize("ways", [Ways(), WHATSAPP, EMAIL, BOTH, DATADOG])
def test_each_receiver_is_led_to(ways: Ways) -> None:
    assert unused_receivers(routing(ways)) == []


def test_people_are_told_the_way_that_they_can_be() -> None:
    (whatsapp,) = [one for one in routing(BOTH).receivers["critical"].integrations if one.kind == "whatsapp"]
    (email,) = [one for one in routing(BOTH).receivers["critical"].integrations if one.kind == "email"]
    assert whatsapp.settings["to"] == [{"admins": True}, {"person": "ani"}]
    assert email.settings["to"] == [{"admins": True}, {"person": "budi"}]
    assert routing(BOTH).defaults == SMTP


def test_a_warning_that_whatsapp_does_not_take_goes_by_mail() -> None:
    fallback = routing(BOTH).receivers["warning"].fallback
    assert fallback is not None
    assert [one.kind for one in routing(BOTH).receivers[fallback.receiver].integrations] == ["email"]
    assert routing(WHATSAPP).receivers["warning"].fallback is None
