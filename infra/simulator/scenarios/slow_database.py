"""The application waits for its database."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import QueriesSlow
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline


def _timeline(_: Provider) -> Timeline:
    return Timeline(
        (
            Step(300, QueriesSlow(1.2), "billing: an index is gone, each query takes more than a second"),
            Step(1_200, QueriesSlow(0), "billing: the index is back"),
        ),
        (Expected("slow_api_response"),),
    )


SCENARIO = Scenario("slow-database", "Queries of the billing database take more than a second.", 40, _timeline)
