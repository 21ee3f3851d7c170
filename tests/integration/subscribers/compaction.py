"""Having the broker compact a topic now, and not some day."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from shared.bus import Outgoing, Producer
from shared.messages.topics import Topic
from tests.conftest import eventually
from tests.integration.programs import records

# A segment is closed by the first message that comes after so long, and cleaned at the next opportunity; a tombstone
# goes with the cleaning after the one that found it.
EAGER = {
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
    "min.compaction.lag.ms": "0",
    "delete.retention.ms": "0",
}
# The cleaner looks for work every 15 s.
QUICK_CLEANER = {"log.cleaner.backoff.ms": "200"}
DEADLINE_SECONDS = 120.0


@asynccontextmanager
async def eager(bootstrap: str, topic: Topic) -> AsyncIterator[None]:
    """Within the block `topic` is compacted as soon as may be."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        brokers = [str(one["node_id"]) for one in (await admin.describe_cluster())["brokers"]]
        for broker in brokers:
            await _configure(admin, ConfigResourceType.BROKER, broker, QUICK_CLEANER)
        await _configure(admin, ConfigResourceType.TOPIC, topic.name, topic.broker_config() | EAGER)
        try:
            yield
        finally:
            await _configure(admin, ConfigResourceType.TOPIC, topic.name, topic.broker_config())
            for broker in brokers:
                await _configure(admin, ConfigResourceType.BROKER, broker, {})
    finally:
        await admin.close()


async def until_gone(bootstrap: str, topic: Topic, key: str, producer: Producer) -> None:
    """Return once nothing is left of `key`, whose last message is a tombstone: not even that."""

    async def look() -> bool:
        # What was written last is in the open segment, which is never cleaned: write on.
        await producer.send(Outgoing(topic, "filler", None))
        return all(record.key != key.encode() for record in await records(bootstrap, topic))

    await eventually(look, DEADLINE_SECONDS)


async def _configure(admin: AIOKafkaAdminClient, kind: ConfigResourceType, name: str, config: dict[str, str]) -> None:
    for response in await admin.alter_configs([ConfigResource(kind, name, config)]):
        for code, message, *_ in response.resources:
            if code:
                raise for_code(code)(message or "")
