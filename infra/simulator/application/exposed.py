"""What the application tells of itself on /metrics, as the SDK would push it."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from infra.simulator.application.machine import HOST as INSTANCE
from infra.simulator.application.running import HOST, Application
from shared.messages.samples import Sample
from shared.messages.series import METRIC_TYPES, NAME, key_of

PUSHED = {"job": "billing", "instance": INSTANCE}
PATIENCE = aiohttp.ClientTimeout(total=10)


async def told(application: Application, now_ms: int) -> list[Sample]:
    """Every series as it is now, with the SDK's labels. ClientError or TimeoutError if there is no answer."""
    url = f"http://{HOST}:{application.port}/metrics"
    async with aiohttp.ClientSession(timeout=PATIENCE) as session, session.get(url) as response:
        text = await response.text()
    return [
        Sample(key_of({NAME: one.name, **one.labels, **PUSHED}), now_ms, one.value, _type(family.type))
        for family in text_string_to_metric_families(text)
        for one in family.samples
    ]


def _type(told: str) -> str:
    return told if told in METRIC_TYPES else "unknown"
