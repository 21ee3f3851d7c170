"""Nobody can pay."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import PaymentsFailing, PaymentsWorking
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline


def _timeline(_: Provider) -> Timeline:
    return Timeline(
        (
            Step(300, PaymentsFailing(), "billing: the payment provider answers nobody, each payment fails"),
            Step(1_500, PaymentsWorking(), "billing: payments go through again"),
        ),
        (Expected("payments_failing"),),
    )


SCENARIO = Scenario("payment-outage", "No payment goes through for twenty minutes.", 45, _timeline)
