"""One router can't be reached for a while."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import RouterReachable, RouterUnreachable
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline


def _timeline(provider: Provider) -> Timeline:
    router = provider.routers[0]
    return Timeline(
        (
            Step(300, RouterUnreachable(router), f"{router}: a digger has cut the fibre to it"),
            Step(900, RouterReachable(router), f"{router}: the fibre is spliced; the router has run on meanwhile"),
        ),
        (Expected("mikrotik_api_down"), Expected("router_down", {"router": router})),
    )


SCENARIO = Scenario("router-down", "A router can't be reached for ten minutes.", 30, _timeline)
