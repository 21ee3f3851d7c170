"""The log of alerting on a real bus: all there, without its end, made anew, or not made yet."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.alerting.places import where_to_go_on
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import ALERTING_INPUTS, RULES, SAMPLES, Opaque
from shared.rules.small import SmallRule, small_group
from tests.conftest import eventually
from tests.integration.alerting_worker import Worker, new_time, until_events


async def test_a_log_that_does_not_come_as_far_as_the_snapshot(topics: str, producer: Producer) -> None:
    async def place(next_offset: int, accepted_ms: int) -> int:
        return await where_to_go_on(topics, ALERTING_INPUTS, 2, next_offset, accepted_ms)

    known = await send(producer, 3)
    assert await place(2, known) == 2, "it has all that the snapshot covers"
    assert await place(3, known) == 3
    assert await place(7, known) == 3, "its end is lost: what is left is known already"
    await delete(topics)
    await make(topics)
    another = Producer(topics, "test")
    await another.start()
    await send(another, 2)
    await another.stop()
    assert await place(7, known) == 0, "made anew: nothing of it is known"


async def send(producer: Producer, count: int) -> int:
    """Send so many messages; when the last was accepted."""
    messages = [Outgoing(ALERTING_INPUTS, "", Opaque(b"x"), partition=2) for _ in range(count)]
    return (await producer.send_all(messages))[-1].accepted_ms


async def test_a_worker_that_starts_before_its_log_is_made(topics: str, producer: Producer, tmp_path: Path) -> None:
    await delete(topics)
    log, name = tmp_path / "log", f"test_{uuid.uuid4().hex[:8]}"
    worker = Worker(topics, log)
    worker.start()
    try:

        async def waits() -> bool:
            return "topic is not there yet" in log.read_text()

        await eventually(waits)
        assert not worker.is_ready()
        await make(topics)
        await worker.ready()
        rule = SmallRule(name=name, condition=f"{name} > 100", severity="warning", message="Too many")
        await producer.send(Outgoing(RULES, name, small_group(rule, 1, "test", clock.now_ms())))
        await producer.send(Outgoing(SAMPLES, "push/1", SampleBatch.of("push/1", [Sample(name, new_time(), 123)])))
        await until_events(topics, name, ["firing"])
    finally:
        worker.stop()


async def delete(topics: str) -> None:
    """Delete the log."""
    async with admin(topics) as client:
        await client.delete_topics([ALERTING_INPUTS.name])


async def make(topics: str) -> None:
    """Make the log, as soon as the one before is gone."""
    async with admin(topics) as client:

        async def made() -> bool:
            answer = await client.create_topics([NewTopic(ALERTING_INPUTS.name, ALERTING_INPUTS.partitions, 1)])
            return all(code == 0 for _, code, *_ in answer.topic_errors)

        await eventually(made)


@asynccontextmanager
async def admin(topics: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that may make and delete topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=topics)
    await client.start()
    try:
        yield client
    finally:
        await client.close()
