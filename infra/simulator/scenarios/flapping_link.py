"""A radio link comes and goes."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import LinkBack, LinkLost
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline

INTERFACE = "ether3-radio"
TIMES = 8


def _timeline(provider: Provider) -> Timeline:
    router = provider.routers[0]
    steps = []
    for number in range(TIMES):
        at = 300 + 75 * number
        steps.append(Step(at, LinkLost(router, INTERFACE), f"{router}: {INTERFACE} has lost its link"))
        steps.append(Step(at + 12, LinkBack(router, INTERFACE), f"{router}: {INTERFACE} has a link again"))
    return Timeline(
        tuple(steps),
        (Expected("link_flapping", {"router": router, "interface": INTERFACE}),),
    )


SCENARIO = Scenario("flapping-link", "A radio link is lost eight times within ten minutes.", 40, _timeline)
