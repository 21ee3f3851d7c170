"""Where an owner goes on in its log, on a real bus that still has all of it, has lost its end, or was made anew."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.alerting.places import where_to_go_on
from shared.bus import Outgoing, Producer
from shared.messages.topics import ALERTING_INPUTS, Opaque
from tests.conftest import eventually


async def test_a_log_that_does_not_come_as_far_as_the_snapshot(topics: str, producer: Producer) -> None:
    async def place(next_offset: int, accepted_ms: int) -> int:
        return await where_to_go_on(topics, ALERTING_INPUTS, 2, next_offset, accepted_ms)

    known = await send(producer, 3)
    assert await place(2, known) == 2, "it has all that the snapshot covers"
    assert await place(3, known) == 3
    assert await place(7, known) == 3, "its end is lost: what is left is known already"
    await anew(topics)
    another = Producer(topics, "test")
    await another.start()
    await send(another, 2)
    await another.stop()
    assert await place(7, known) == 0, "made anew: nothing of it is known"


async def send(producer: Producer, count: int) -> int:
    """Send so many messages; when the last was accepted."""
    messages = [Outgoing(ALERTING_INPUTS, "", Opaque(b"x"), partition=2) for _ in range(count)]
    return (await producer.send_all(messages))[-1].accepted_ms


async def anew(topics: str) -> None:
    """Delete the log, and make it again."""
    admin = AIOKafkaAdminClient(bootstrap_servers=topics)
    await admin.start()
    try:
        await admin.delete_topics([ALERTING_INPUTS.name])

        async def made() -> bool:
            fresh = NewTopic(ALERTING_INPUTS.name, ALERTING_INPUTS.partitions, 1)
            answer = await admin.create_topics([fresh])
            return all(code == 0 for _, code, *_ in answer.topic_errors)

        await eventually(made)
    finally:
        await admin.close()
