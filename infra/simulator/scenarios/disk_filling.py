"""The disk of the billing machine fills up."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import DiskCleared, DiskFilling
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline


def _timeline(_: Provider) -> Timeline:
    return Timeline(
        (
            Step(300, DiskFilling(1.8), "billing-1: a debug log is left on, the disk fills"),
            Step(2_100, DiskCleared(), "billing-1: the log is deleted"),
        ),
        tuple(Expected(rule, {"host": "billing-1"}) for rule in ("disk_filling", "low_disk_space")),
    )


SCENARIO = Scenario("disk-filling", "The billing machine's disk fills within half an hour.", 60, _timeline)
