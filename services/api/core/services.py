"""Which instances of our own services live, as their heartbeats tell."""

from services.api.core.bodies import InstanceBody, ServicesBody
from shared.messages.heartbeats import Heartbeat

# A heartbeat may be this many intervals late before an instance counts as silent.
PATIENCE = 3
FORGOTTEN_AFTER_MS = 60 * 60 * 1000


class ServicesView:
    """From `pantau.heartbeats`."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, str], Heartbeat] = {}

    def put(self, beat: Heartbeat) -> None:
        """Take a sign of life; an older one than is known changes nothing."""
        place = (beat.service, beat.instance)
        known = self._latest.get(place)
        if known is None or known.at < beat.at:
            self._latest[place] = beat

    def body(self, now_ms: int) -> ServicesBody:
        """All instances as of `now_ms`, those silent for an hour left out."""
        for place, beat in list(self._latest.items()):
            if beat.at + FORGOTTEN_AFTER_MS < now_ms:
                del self._latest[place]
        instances = [
            InstanceBody(
                service=beat.service,
                instance=beat.instance,
                alive=now_ms - beat.at <= PATIENCE * beat.interval_ms,
                ready=beat.ready,
                not_ready=beat.not_ready,
                lag=sum(beat.lag.values()),
                version=beat.version,
                started_at=beat.started_at,
                last_seen=beat.at,
            )
            for _, beat in sorted(self._latest.items())
        ]
        return ServicesBody(instances=instances, timestamp=now_ms)
