"""The API's own http_* metrics as samples on the bus, so that charts and rules have them like any other."""

import asyncio
from collections.abc import Iterable

import structlog
from prometheus_client import REGISTRY, Counter, Metric

from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.samples import Sample, SampleBatch
from shared.messages.series import NAME, key_of
from shared.messages.topics import SAMPLES

log = structlog.get_logger()

MISSED = Counter("pantau_api_own_samples_missed_total", "Readings of the own metrics that the bus did not take")
FAMILIES = ("http_requests", "http_request_duration_seconds", "http_active_connections")
EVERY_SECONDS = 15.0


class OwnSamples:
    """Reads the registry; `instance` tells this api's series from another's, also after a restart."""

    def __init__(self, producer: Producer, instance: str) -> None:
        self._producer, self._instance = producer, instance
        self.bus_away: str | None = None
        """Why the latest reading did not reach the bus; None if it did."""

    async def run(self) -> None:
        """Send a reading at once, so that what comes next has something to start from, then regularly."""
        while True:
            await self.send()
            await asyncio.sleep(EVERY_SECONDS)

    async def send(self, deadline_seconds: float = 10.0) -> None:
        """One reading, now."""
        now_ms = clock.now_ms()
        batch = SampleBatch.of(f"api/{self._instance}", samples(REGISTRY.collect(), self._instance, now_ms))
        try:
            await self._producer.send(Outgoing(SAMPLES, batch.source, batch, time_ms=now_ms), deadline_seconds)
            self.bus_away = None
        except BusUnavailable as error:
            MISSED.inc()
            self.bus_away = str(error)
            log.warning("own metrics not sent", reason=str(error))


def samples(families: Iterable[Metric], instance: str, now_ms: int) -> list[Sample]:
    """The http_* metrics among `families`, each with the label `instance`."""
    return [
        Sample(key_of({**one.labels, NAME: one.name, "instance": instance}), now_ms, one.value, family.type)
        for family in families
        if family.name in FAMILIES
        for one in family.samples
        if not one.name.endswith("_created")
    ]
