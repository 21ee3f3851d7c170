"""The phone ends the session, and the gateway goes on saying that it is connected."""

from infra.simulator.provider import Provider
from infra.simulator.scenarios.events import WhatsappLoggedIn, WhatsappLoggedOut
from infra.simulator.scenarios.scenario import Expected, Scenario, Step, Timeline


def _timeline(_: Provider) -> Timeline:
    return Timeline(
        (
            Step(300, WhatsappLoggedOut(), "WhatsApp: the session was ended on the phone; the gateway says WORKING"),
            Step(2_100, WhatsappLoggedIn(), "WhatsApp: the code was scanned, messages are delivered again"),
        ),
        (Expected("whatsapp_canary_late"),),
    )


SCENARIO = Scenario(
    "whatsapp-logout", "WhatsApp messages reach nobody, while the gateway says that it is connected.", 60, _timeline
)
