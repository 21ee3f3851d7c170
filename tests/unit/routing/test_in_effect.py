"""What holds, whether or not something is configured; and whom the watchdog tells."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.routing.in_effect import routing_in_effect, watchdog_receivers
from shared.routing.settings import NotificationsSettings
from shared.routing.tree import matching

SMTP = {"smtp_smarthost": "mail.example.net:587", "smtp_from": "pantau@example.net"}
OWN = {
    "route": {"receiver": "ops", "routes": [{"matchers": ['severity="critical"'], "receiver": "boss"}]},
    "receivers": [{"name": "ops"}, {"name": "boss"}],
}


def settings(**section: Any) -> NotificationsSettings:
    return NotificationsSettings.model_validate(section)


def test_what_is_configured_holds() -> None:
    assert list(routing_in_effect(settings(**OWN), ["main"]).receivers) == ["ops", "boss"]


def test_where_only_mail_is_configured_the_default_routes_use_it() -> None:
    found = routing_in_effect(settings(**{"global": SMTP}, people=[{"name": "ani", "email": "ani@example.net"}]), [])
    (mail,) = found.receivers["critical"].integrations
    assert (mail.kind, found.defaults) == ("email", SMTP)
    assert mail.settings["to"] == [{"admins": True}, {"person": "ani"}]


DATADOG = {"api_key_file": "/run/secrets/datadog", "site": "datadoghq.eu"}
NEWRELIC = {"api_key": "geheim"}
FORWARD = [
    {"newrelic": NEWRELIC, "match": ["up"]},  # events need its number too
    {"newrelic": NEWRELIC | {"account_id": 17}, "match": ["up"]},
    {"datadog": DATADOG, "match": ["up"]},
    {"datadog": {"api_key": "another"}, "match": ["up"], "name": "two"},
]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({}, {}),
        ({"outside": {"datadog": DATADOG}}, {"datadog": DATADOG}),
        ({"outside": {"newrelic": NEWRELIC | {"account_id": 3}}}, {"newrelic": NEWRELIC | {"account_id": 3}}),
        ({"forward": FORWARD}, {"newrelic": NEWRELIC | {"account_id": 17}, "datadog": DATADOG}),
        ({"forward": FORWARD[:1]}, {}),
        ({"forward": FORWARD, "outside": {"datadog": {"api_key": "x"}}}, {"datadog": {"api_key": "x"}}),
        ({"forward": FORWARD, "outside": {}}, {}),
    ],
)
def test_everything_goes_to_the_outside_systems_that_are_there(section: dict[str, Any], told: dict[str, Any]) -> None:
    found = routing_in_effect(settings(**section), ["main"])
    own = {one.kind: dict(one.settings) for one in found.receivers["everything"].integrations}
    assert own == {"log": {}} | told
    (everything, *_) = matching(found.root, {"alertname": "x", "severity": "info"})
    assert (everything.receiver, everything.continue_) == ("everything", True)


def test_ones_own_routes_say_themselves_what_goes_outside() -> None:
    with pytest.raises(ValidationError, match="is for the default routes: write datadog_configs"):
        settings(**OWN, outside={"datadog": DATADOG})
    assert list(routing_in_effect(settings(**OWN, forward=FORWARD), []).receivers) == ["ops", "boss"]


def test_the_watchdog_tells_whom_a_critical_alert_reaches_or_who_is_named() -> None:
    without = settings()
    assert watchdog_receivers(without, routing_in_effect(without, ["main"])) == ["everything", "critical"]
    own = settings(**OWN)
    assert watchdog_receivers(own, routing_in_effect(own, [])) == ["boss"]
    named = settings(**OWN, watchdog={"receiver": "ops"})
    assert watchdog_receivers(named, routing_in_effect(named, [])) == ["ops"]


@pytest.mark.parametrize("section", [{}, OWN])
def test_the_watchdogs_receiver_must_be_there(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="there is no receiver 'nobody'"):
        settings(**section, watchdog={"receiver": "nobody"})


@pytest.mark.parametrize(
    ("watchdog", "reason"),
    [
        ({"silent_after": "1s"}, "not between 2s and 1h"),
        ({"ping": {}}, "exactly one of url and url_file"),
        ({"ping": {"url": "ftp://x"}}, "not of the form"),
        ({"ping": {"url": "http://x", "interval": "soon"}}, "is not a duration"),
    ],
)
def test_the_watchdogs_settings_are_checked(watchdog: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings(watchdog=watchdog)


def test_a_file_that_is_not_there_yet_is_no_reason_to_refuse() -> None:
    # The api reads the section too, and need not see the notifier's secrets.
    assert settings(watchdog={"ping": {"url_file": "/run/secrets/none"}}).watchdog.ping is not None
