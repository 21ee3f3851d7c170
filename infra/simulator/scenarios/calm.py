"""Nothing happens, and nothing may be raised."""

from infra.simulator.scenarios.scenario import Scenario, Timeline

SCENARIO = Scenario(
    "calm",
    "An ordinary day: subscribers come and go, bills are paid, messages are sent.",
    30,
    lambda _: Timeline(),
)
