"""What others put on the bus, for the exporter: samples that were pushed, and those of other services."""

from prometheus_client import Counter

from services.collector.core.latest import Latest, from_elsewhere
from shared import clock
from shared.bus import Follower, Producer, Received
from shared.messages.topics import SAMPLES

REFUSED = Counter(
    "pantau_exporter_series_refused_total",
    "Series from the bus that the exporter has no room for, by reason",
    ["reason"],
)


def follower(bootstrap: str, producer: Producer, latest: Latest) -> Follower:
    """Puts samples from the bus, from now on, into `latest`."""

    def apply(message: Received) -> None:
        refused = latest.follow(from_elsewhere(message.message), clock.now_ms())
        if refused:
            REFUSED.labels("no_room").inc(refused)

    return Follower(bootstrap, "collector", [SAMPLES], producer, apply, start="end")
