"""Most sessions of one router end within a moment."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import SessionsEnd
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline


def _timeline(provider: Provider) -> Timeline:
    router = provider.routers[-1]
    told = f"{router}: a distribution switch behind it fails, six of ten subscribers are gone for eight minutes"
    return Timeline(
        (Step(600, SessionsEnd(router, 0.6, 480), told),),
        (Expected("mass_disconnect", {"router": router}),),
    )


SCENARIO = Scenario("mass-disconnect", "Six of ten subscribers of a router are disconnected at once.", 40, _timeline)
