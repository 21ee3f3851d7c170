"""What is wrong is refused with its place and reason, or put aside with its reason, and the product goes on."""

import asyncio
import json
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.messages.topics import DEAD_LETTERS, TOPICS, Topic
from tests.conftest import eventually
from tests.e2e.conftest import GARBAGE_KEY, Client, Recorder, Stack

GARBAGE = b"\x00\xffnot a message"
# Those with a consumer beside people: its dead letter must come.
READ = [topic for topic in TOPICS if topic is not DEAD_LETTERS]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"metric_name": "a metric", "value": 1}, "metric_name"),
        ({"metric_name": "m", "value": 1, "labels": {"0x": "y"}}, "0x"),
        ({"metric_name": "m", "value": "NaN"}, "value"),
        ({"metric_name": "m", "value": 1, "unit": "ms"}, "unit"),
        ({"metric_name": "m"}, "value"),
    ],
)
async def test_a_bad_sample_is_refused_with_its_place(client: Client, body: dict[str, Any], says: str) -> None:
    status, problem = await client.post("/api/monitoring/metrics", body)
    assert 400 <= status < 500
    assert says in json.dumps(problem)


async def test_an_unknown_condition_is_refused_with_the_reason(client: Client) -> None:
    status, problem = await client.post(
        "/api/monitoring/alerts/rules",
        {"name": "bad", "condition": "printer.paper == 0", "severity": "warning", "message": "no paper"},
    )
    assert 400 <= status < 500
    assert "printer.paper" in json.dumps(problem)


async def produce(stack: Stack, topics: list[Topic]) -> None:
    """Put garbage on each of `topics`."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka)
    await producer.start()
    try:
        for topic in topics:
            await producer.send_and_wait(topic.name, key=GARBAGE_KEY, value=GARBAGE)
    finally:
        await producer.stop()


@pytest.mark.timeout(300)
async def test_garbage_on_each_topic_is_put_aside_and_the_product_goes_on(
    stack: Stack, client: Client, recorder: Recorder
) -> None:
    await produce(stack, READ)

    consumer = AIOKafkaConsumer(DEAD_LETTERS.name, bootstrap_servers=stack.kafka, auto_offset_reset="earliest")
    await consumer.start()
    reasons: dict[str, str] = {}

    async def all_put_aside() -> bool:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                letter = json.loads(record.value)
                reasons[letter["topic"]] = letter["reason"]
        return {topic.name for topic in READ} <= set(reasons)

    try:
        await eventually(all_put_aside)
    except AssertionError as error:
        raise AssertionError(f"no dead letter from {sorted({t.name for t in READ} - set(reasons))}") from error
    finally:
        await consumer.stop()
    assert all(reasons.values())
    await produce(stack, [DEAD_LETTERS])
    shown = await asyncio.to_thread(stack.cli, "dead-letters", "--limit", "1000")
    assert {topic.name for topic in READ if f"{topic.name}/" not in shown} == set(), "garbage hides no letters"

    await client.rule("after_garbage", "after_garbage_metric > 1")
    await client.sample("after_garbage_metric", 2)

    async def delivered() -> bool:
        return recorder.states("after_garbage") == ["firing"]

    await eventually(delivered)
