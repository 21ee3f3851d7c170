"""When workers come and go the stream may leave out what it has read. Nothing is lost or late because of it."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
from mode.utils.queues import FlowControlQueue

from services.alerting.core.inputs import STATE_FORMAT, Input, Marker, Samples, decode, dump
from services.alerting.core.terms import Terms
from services.alerting.history_filling import HistoryFiller
from services.alerting.owner import Owner
from services.alerting.router import Router
from services.alerting.stream import _Flow
from services.alerting.taken import Taken
from services.alerting.turns import TakingUp, Turns
from shared.bus import Follower, Outgoing, Producer
from shared.bus.producer import Acknowledged
from shared.bus.received import decode as received
from shared.database import Database
from shared.messages.rules import AlertingRule, RuleGroup
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import ALERTING_INPUTS, ALERTING_ROUTING, RULES, SAMPLES, Opaque
from shared.rules.files import parse_rule_file
from shared.settings import DatabaseSettings
from tests.cases.simulation import Simulation
from tests.cases.timeline import START_MS
from tests.conftest import eventually
from tests.integration.alerting_told import Record, Told, everything
from tests.unit.alerting.test_owner import Kept

GROUP = RuleGroup(
    name="g",
    rules=[AlertingRule(name="r", expr="m > 100")],
    immediate=True,
    version=1,
    origin="api",
    updated_by="test",
    updated_at=START_MS,
)


def batch(number: int) -> SampleBatch:
    """Every other one is above the threshold."""
    return SampleBatch.of("collector/a", [Sample("m", START_MS + number, 150.0 if number % 2 else 50.0)])


async def in_partition_0(bootstrap: str, producer: Producer, messages: list[Outgoing]) -> list[Record]:
    """The messages, sent one after the other, as they are read."""
    for message in messages:
        await producer.send(message)
    return [one for one in await everything(bootstrap, messages[0].topic) if one.partition == 0]


def taken(records: list[Record], places: list[int]) -> list[Taken]:
    return [Taken(records[place], lambda: None) for place in places]


async def known() -> None:
    """All rules are known already."""


async def test_the_router_reads_what_the_stream_left_out(topics: str, producer: Producer) -> None:
    await producer.send(Outgoing(RULES, GROUP.name, GROUP))
    sent = [Outgoing(SAMPLES, "collector/a", batch(number), partition=0) for number in range(9)]
    records = await in_partition_0(topics, producer, sent)
    history = HistoryFiller(Database(DatabaseSettings(), "test"), producer)
    router = Router(topics, "test.gaps", producer, Terms(), 1.0, history)
    for record in await everything(topics, RULES):
        router.rules.apply(received(record))
    router.assign({0})
    for one in taken(records, [2, 3, 7]):
        await router.put(one)
    await router.learn_topics()
    running = asyncio.create_task(router.run(known))

    async def routed() -> list[int]:
        """The offsets in the log, up to the marker that tells of the last of them."""
        found: list[int] = []
        for record in await everything(topics, ALERTING_INPUTS):
            for message in decode(record.value or b""):
                if isinstance(message, Samples):
                    found.append(message.offset)
                elif isinstance(message, Marker) and found:
                    assert message.progress[0].watermark_ms >= records[found[-1]].timestamp - 1
        return found if 7 in found else []

    try:
        assert await eventually(routed) == list(range(8))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_partition_that_comes_from_another_worker_is_routed_by_the_rules_that_one_knew(
    own_topics: str,
) -> None:
    """Its groups are filled, said the worker that had it. This one has not heard of them yet."""
    producer = Producer(own_topics, "test")
    await producer.start()
    [ruled] = await producer.send_all([Outgoing(RULES, GROUP.name, GROUP)])
    filled_to = Opaque(msgspec.msgpack.encode(ruled.offset))
    await producer.send(Outgoing(ALERTING_ROUTING, f"{STATE_FORMAT}/0", filled_to))
    sent = [Outgoing(SAMPLES, "collector/a", batch(number), partition=0) for number in range(5)]
    records = await in_partition_0(own_topics, producer, sent)
    router = Router(
        own_topics, "test.late", producer, Terms(), 0.1, HistoryFiller(Database(DatabaseSettings(), "test"), producer)
    )
    for record in await everything(own_topics, ALERTING_ROUTING):
        router.note_filled(received(record))
    rules = Follower(own_topics, "test", [RULES], producer, router.rules.apply)
    await router.learn_topics()
    router.assign({0})
    for one in taken(records, list(range(len(records)))):
        await router.put(one)
    running = [asyncio.create_task(router.run(rules.up_to_now))]

    async def log() -> list[Input]:
        found = await everything(own_topics, ALERTING_INPUTS)
        return [message for record in found for message in decode(record.value or b"")]

    try:
        await asyncio.sleep(0.5)  # several markers' time
        assert await log() == []
        running.append(asyncio.create_task(rules.run()))

        async def routed() -> list[int]:
            offsets = [one.offset for one in await log() if isinstance(one, Samples) and not one.fill]
            return offsets if len(offsets) >= len(records) else []

        assert await eventually(routed) == [0, 1, 2, 3, 4]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await producer.stop()


class Order(Producer):
    """Notes what the bus has acknowledged, in order."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap, "test")
        self.watched_until_ms = 0
        """What the markers have told of signs."""

    async def send_all(self, messages: Sequence[Outgoing], deadline_seconds: float | None = None) -> list[Acknowledged]:
        """Send, then note."""
        acknowledged = await super().send_all(messages, deadline_seconds)
        for one in messages:
            if one.topic is ALERTING_INPUTS and isinstance(one.message, Opaque):
                for message in decode(one.message.encode()):
                    if isinstance(message, Marker):
                        signs = [sign.accepted_ms for part in message.progress for sign in part.signs]
                        self.watched_until_ms = max([self.watched_until_ms, *signs])
        return acknowledged


async def test_what_is_routed_is_acknowledged_once_its_signs_are_told(topics: str) -> None:
    """Killed before that, alerting would take the time in which it was watched for dark."""
    producer = Order(topics)
    await producer.start()
    sent = [Outgoing(SAMPLES, "collector/a", batch(number), partition=1) for number in range(5)]
    for one in sent:
        await producer.send(one)
    records = [one for one in await everything(topics, SAMPLES) if one.partition == 1]
    done, early = list[int](), list[int]()

    def acknowledge(record: Record) -> None:
        done.append(record.offset)
        if producer.watched_until_ms < record.timestamp:
            early.append(record.offset)

    history = HistoryFiller(Database(DatabaseSettings(), "test"), producer)
    router = Router(topics, "test.order", producer, Terms(), 1.0, history)
    await router.learn_topics()
    router.assign({1})
    running = asyncio.create_task(router.run(known))

    async def all_done() -> bool:
        return len(done) == len(records)

    try:
        for record in records:
            await router.put(Taken(record, lambda one=record: acknowledge(one)))  # type: ignore[misc]
        await eventually(all_done)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await producer.stop()
    assert (done, early) == ([record.offset for record in records], [])


async def test_the_owner_reads_what_the_stream_left_out(own_topics: str) -> None:
    producer = Producer(own_topics, "test")
    await producer.start()
    simulation = Simulation(now_ms=START_MS)
    simulation.define(
        parse_rule_file("groups: [{name: h, immediate: true, rules: [{alert: r, expr: m > 100}]}]", "test")
    )
    simulation.mark()
    for number in range(1, 30):
        simulation.now_ms = START_MS + number
        simulation.accept(batch(number))
    assert len(simulation.events) == 29
    sent = [Outgoing(ALERTING_INPUTS, "h", Opaque(dump(message)), partition=0) for message, _ in simulation.log]
    records = await in_partition_0(own_topics, producer, sent)
    told = Told(own_topics)
    try:
        with ThreadPoolExecutor(1) as threads:
            owner = Owner(
                0, own_topics, Terms(), 3_600, producer, Kept(), "test", "worker", threads, Turns(), TakingUp()
            )
            for one in taken(records, [0, len(records) - 20, len(records) - 19, len(records) - 1]):
                await owner.put(one)
            owner.start()
            await owner.stop(60)
        await told.read()
    finally:
        await told.close()
        await producer.stop()
    assert [event.id for event in told.of(["h"])] == [event.id for event in simulation.events]


async def test_messages_that_came_in_before_the_flow_was_resumed_again_are_kept() -> None:
    flow = _Flow()
    queue: FlowControlQueue[str] = FlowControlQueue(flow_control=flow, clear_on_resume=True)
    flow.resume()
    await queue.put("read after the rebalance")
    flow.resume()
    assert queue.qsize() == 1
    flow.suspend()
    flow.clear()
    assert queue.qsize() == 0
