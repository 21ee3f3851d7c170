"""Incidents as data: they are about what is there, end in time, and undo what they did."""

import pytest

from infra.simulator.provider import provider
from infra.simulator.scenarios import all_scenarios
from infra.simulator.scenarios import events as e
from infra.simulator.scenarios.scenario import Scenario
from shared.messages.rules import AlertingRule
from shared.rules.files import parse_rule_file
from tests.integration.scenario_runs import RULES

SCENARIOS = all_scenarios()
UNDONE_BY: dict[type, type] = {
    e.RouterUnreachable: e.RouterReachable,
    e.PowerLost: e.PowerBack,
    e.CutOff: e.LetIn,
    e.LinkLost: e.LinkBack,
    e.WhatsappLoggedOut: e.WhatsappLoggedIn,
    e.QueueStuck: e.QueueMoving,
    e.DiskFilling: e.DiskCleared,
    e.PaymentsFailing: e.PaymentsWorking,
}


def test_the_calm_one_comes_first_and_all_are_there() -> None:
    names = list(SCENARIOS)
    assert names[0] == "calm"
    assert set(names) == {
        *("calm", "router-down", "mass-disconnect", "power-cut", "isolir", "whatsapp-logout", "queue-stuck"),
        *("slow-database", "disk-filling", "flapping-link", "payment-outage"),
    }


@pytest.mark.parametrize("routers", [1, 4, 30])
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_what_happens_is_about_what_is_there(scenario: Scenario, routers: int) -> None:
    there = provider(routers, "7")
    sites = {site.name for site in there.sites}
    for step in scenario.timeline(there).steps:
        subject = getattr(step.event, "router", None)
        assert subject is None or subject in there.routers
        assert getattr(step.event, "site", None) in {None, *sites}
        assert 0 <= step.at_seconds < scenario.minutes * 60
        assert step.told


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_all_is_as_before_at_the_end(scenario: Scenario) -> None:
    steps = sorted(scenario.timeline(provider(5, "7")).steps, key=lambda step: step.at_seconds)
    pending: list[tuple[type, object]] = []
    for step in steps:
        subject = getattr(step.event, "router", getattr(step.event, "site", None))
        if type(step.event) in UNDONE_BY:
            pending.append((UNDONE_BY[type(step.event)], subject))
        elif (type(step.event), subject) in pending:
            pending.remove((type(step.event), subject))
    assert pending == []


def test_expected_alerts_are_rules_that_come_with_pantau() -> None:
    shipped = {
        rule.name
        for file in RULES
        for group in parse_rule_file(file.read_text(), file.name)
        for rule in group.rules
        if isinstance(rule, AlertingRule)
    }
    for scenario in SCENARIOS.values():
        for alert in scenario.timeline(provider(4, "7")).alerts:
            assert alert.rule in shipped, scenario.name
