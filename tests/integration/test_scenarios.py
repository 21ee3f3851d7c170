"""Each scenario raises the alerts that it is to raise, and no others.

The routers' API, HTTP, SQL and the SDK are real, so are the sources and the evaluation; the time is moved on.
"""

import pantau.clock
import pytest

from infra.simulator.provider import provider
from infra.simulator.scenarios import all_scenarios
from tests.integration.scenario_runs import Patient, fired, played, unmet

PROVIDER = provider(4, "1", pppoe=100, hotspot=10)
SLOW = {"slow-database", "whatsapp-logout"}
"""Their delays pass in real time."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in all_scenarios()]
)
async def test_raises_what_it_is_to_raise_and_nothing_else(
    name: str, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pantau.clock, "elapsed", Patient())
    expected, samples = await played(PROVIDER, all_scenarios()[name], empty_database)
    assert unmet(expected, fired(samples)) == []
