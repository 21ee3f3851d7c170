"""The gateway takes messages and sends none."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import QueueMoving, QueueStuck
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline


def _timeline(_: Provider) -> Timeline:
    return Timeline(
        (
            Step(300, QueueStuck(), "WhatsApp: the gateway's queue is stuck"),
            Step(2_100, QueueMoving(), "WhatsApp: the gateway was restarted and sends what has waited"),
        ),
        (Expected("whatsapp_queue_stuck"), Expected("whatsapp_queue_full")),
    )


SCENARIO = Scenario("queue-stuck", "The WhatsApp gateway's queue grows for half an hour.", 60, _timeline)
