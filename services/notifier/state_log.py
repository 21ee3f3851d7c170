"""The current alerts, from `pantau.alerts.state`."""

from shared.bus import Follower, Producer, Received
from shared.messages.alerts import CurrentAlert
from shared.messages.topics import ALERT_STATE


async def firing_alerts(bootstrap: str, producer: Producer) -> list[CurrentAlert]:
    """Those that fire now, but for those of shadow rules. Waits for as long as the bus is away."""
    found: dict[str, CurrentAlert] = {}

    def apply(received: Received) -> None:
        current: CurrentAlert | None = received.message
        if current is None or current.state != "firing" or current.shadow:
            found.pop(received.key, None)
        else:
            found[received.key] = current

    await Follower(bootstrap, "notifier", [ALERT_STATE], producer, apply).once()
    return list(found.values())
