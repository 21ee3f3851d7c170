"""Each scenario raises the alerts that it is to raise, and no others.

The routers' API, HTTP, SQL and the SDK are real, so are the sources, the checks and the evaluation; the time is moved
on.
"""

import pantau.clock
import pytest

from infra.simulator.provider import provider
from infra.simulator.scenarios import all_scenarios
from tests.integration.scenario_runs import Patient, fired, played, unmet

EVERYDAY = {"calm", "isolir", "mass-disconnect", "router-down"}
"""The others take minutes together: ./pantau test tests/integration/test_scenarios.py -m slow"""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in EVERYDAY else [pytest.mark.slow]) for name in all_scenarios()]
)
async def test_raises_what_it_is_to_raise_and_nothing_else(
    name: str, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pantau.clock, "elapsed", Patient())
    # At least one router beside those that it is about; a site has three.
    routers = 4 if name == "power-cut" else 2
    expected, samples = await played(
        provider(routers, "1", pppoe=100, hotspot=10), all_scenarios()[name], empty_database
    )
    assert unmet(expected, fired(samples)) == []
