"""A worker's place in the group: kept while it is away for a moment, given up when it is stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from services.alerting.stream import GROUP
from tests.integration.alerting_worker import Worker

INSTANCE = "worker-one"


@pytest.fixture
def worker(topics: str, tmp_path: Path) -> Iterator[Worker]:
    running = Worker(topics, tmp_path / "alerting.log", PANTAU_INSTANCE=INSTANCE)
    running.start()
    yield running
    running.stop()


async def test_a_worker_that_comes_back_takes_its_place_and_one_that_stops_leaves_it(
    topics: str, worker: Worker
) -> None:
    await worker.ready()
    before = await members(topics)
    assert [member.startswith(INSTANCE) for member in before] == [True]
    worker.kill()
    assert (await members(topics)).keys() == before.keys(), "nobody noticed yet"
    worker.start()
    await worker.ready()
    after = await members(topics)
    assert [member.startswith(INSTANCE) for member in after] == [True]
    assert after.keys() != before.keys()
    assert list(after.values()) == list(before.values()), "the same partitions"
    worker.stop()
    assert await members(topics) == {}


async def members(bootstrap: str) -> dict[str, list[Any]]:
    """The group's members by id, with what they are assigned."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        [response] = await admin.describe_consumer_groups([GROUP])
        [(_, _, _, _, _, found, *_)] = response.groups
        return {member[0]: ConsumerProtocolMemberAssignment.decode(member[-1]).assignment for member in found}
    finally:
        await admin.close()
