"""Whether the brokers answer and every partition has one that leads it."""

import asyncio

from aiokafka.client import AIOKafkaClient

from services.health.check import Check, Finding
from services.health.core.judgments import of_cluster
from services.health.settings import Settings


class KafkaCheck:
    """Connections of its own each time, to every broker: what new clients would meet, not what an old one has open."""

    name = kind = "kafka"
    secrets: frozenset[str] = frozenset()

    def __init__(self, bootstrap: str, interval_seconds: float, deadline_seconds: float) -> None:
        self._bootstrap = bootstrap
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds

    async def run(self) -> Finding:
        """Fetch the whole metadata, then reach each broker that it names."""
        client = AIOKafkaClient(
            bootstrap_servers=self._bootstrap,
            client_id="pantau-health",
            request_timeout_ms=round(self.deadline_seconds * 1000),
        )
        try:
            await client.bootstrap()
            cluster = await client.fetch_all_metadata()
            brokers = [broker.nodeId for broker in cluster.brokers()]
            answering = sum(await asyncio.gather(*(client.ready(broker) for broker in brokers)))
        finally:
            await client.close()
        topics = cluster.topics(exclude_internal_topics=False)
        leaderless = sum(
            len(cluster.partitions_for_topic(topic) - cluster.available_partitions_for_topic(topic)) for topic in topics
        )
        details = {
            "connected": answering > 0,
            "brokers": len(brokers),
            "brokers_answering": answering,
            "topics": len(topics),
            "partitions_without_leader": leaderless,
        }
        return Finding(of_cluster(len(brokers), answering, leaderless), details)


def checks(settings: Settings) -> list[Check]:
    """The check that `settings` ask for, if they do."""
    own, check = settings.health, settings.health.kafka
    return (
        [KafkaCheck(settings.kafka.bootstrap, own.interval_of(check), own.deadline_of(check))] if check.enabled else []
    )
