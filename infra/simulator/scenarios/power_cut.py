"""A whole site loses its power, and starts again."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import PowerBack, PowerLost
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline


def _timeline(provider: Provider) -> Timeline:
    site = provider.sites[0]
    count = len(site.routers)
    return Timeline(
        (
            Step(300, PowerLost(site.name), f"{site.name}: the power fails, {count} routers are off"),
            Step(720, PowerBack(site.name), f"{site.name}: the power is back, the routers start"),
        ),
        (
            Expected("mikrotik_api_down"),
            *(Expected(rule, {"router": one}) for one in site.routers for rule in ("router_down", "router_rebooted")),
        ),
    )


SCENARIO = Scenario("power-cut", "A site loses its power: all of its routers start anew.", 40, _timeline)
