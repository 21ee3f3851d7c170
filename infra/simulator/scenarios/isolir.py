"""The monthly batch: whoever has not paid is cut off. It looks like an outage, and is none."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import CutOff, LetIn
from infra.simulator.scenarios.scenario import Scenario, Step, Timeline

SHARE = 0.3


def _timeline(provider: Provider) -> Timeline:
    # One router after the other, all within ten minutes.
    apart, steps = min(20.0, 600 / len(provider.plans)), list[Step]()
    for number, plan in enumerate(provider.plans):
        count = round(SHARE * plan.pppoe)
        told = f"{plan.name}: {count} customers have not paid and are cut off"
        steps.append(Step(600 + apart * number, CutOff(plan.name, count), told))
        paid = f"{plan.name}: they have paid and are let in again"
        steps.append(Step(1_200 + apart * number, LetIn(plan.name), paid))
    return Timeline(tuple(steps))


SCENARIO = Scenario(
    "isolir",
    "Three of ten customers are cut off for unpaid bills: no outage, and no alert.",
    30,
    _timeline,
)
