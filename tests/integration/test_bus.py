"""The bus against a real Kafka: what is acknowledged can be read, offsets follow the effect, garbage steps aside."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared import clock
from shared.bus import Batch, BusUnavailable, Consumer, Follower, MessageRefused, Outgoing, Producer, Received
from shared.bus import producer as producer_module
from shared.messages.dead_letters import DeadLetter
from shared.messages.health import HealthResult
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import DEAD_LETTERS, HEALTH, RULES, SAMPLES, Topic
from tests.begun_tasks import begun_tasks, none_is_left
from tests.conftest import eventually

DEADLINE_SECONDS = 60.0


def result(check: str, milliseconds: float = 1.0) -> HealthResult:
    return HealthResult(
        check=check,
        kind="database",
        status="healthy",
        response_time_ms=milliseconds,
        checked_at=1_750_000_000_000,
        valid_until=1_750_000_060_000,
    )


def outgoing(check: str, milliseconds: float = 1.0) -> Outgoing:
    return Outgoing(HEALTH, check, result(check, milliseconds))


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


@asynccontextmanager
async def member(
    bootstrap: str, producer: Producer, group: str, *topics: Topic, **options: object
) -> AsyncIterator[Consumer]:
    consumer = Consumer(bootstrap, group, topics or (HEALTH,), producer, **options)  # type: ignore[arg-type]
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_until(consumer: Consumer, wanted: Collection[str], commit: bool = False) -> list[Received]:
    """What the consumer hands out until all keys of `wanted` were among it."""
    missing, got = set(wanted), []
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(consumer.batches()) as batches:
        async for batch in batches:
            got += batch.messages
            if commit:
                await consumer.commit(batch)
            missing -= {message.key for message in batch.messages}
            if not missing:
                return got
    raise AssertionError(f"never came: {missing}")


@asynccontextmanager
async def stock_reader(bootstrap: str, topic: Topic) -> AsyncIterator[AIOKafkaConsumer]:
    """What a subscriber writes who knows nothing of Pantau."""
    reader = AIOKafkaConsumer(topic.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


@asynccontextmanager
async def stock_writer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    writer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=2 * 1024 * 1024)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


@asynccontextmanager
async def following(follower: Follower) -> AsyncIterator[Follower]:
    task = asyncio.create_task(follower.run())
    try:
        yield follower
        assert not task.done(), "a follower ends only when it is cancelled"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_an_acknowledged_message_is_there_for_any_kafka_consumer(topics: str, producer: Producer) -> None:
    check = unique("database")
    place = await producer.send(Outgoing(HEALTH, check, result(check), "event-1", time_ms=1_750_000_000_123))
    async with asyncio.timeout(DEADLINE_SECONDS), stock_reader(topics, HEALTH) as reader:
        reader.seek(TopicPartition(place.topic, place.partition), place.offset)
        record = await reader.getone()
    assert record.key == check.encode()
    assert json.loads(record.value)["checked_at"] == "2025-06-15T15:06:40.000Z"
    assert record.timestamp == place.accepted_ms
    assert record.timestamp_type == 1, "the broker's clock, not the sender's"
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"event-1",
        "ce_source": b"/pantau/test",
        "ce_type": b"pantau.health",
        "ce_time": b"2025-06-15T15:06:40.123Z",
        "content-type": b"application/json",
    }


async def test_many_messages_keep_their_order_though_fewer_may_be_in_flight(topics: str) -> None:
    check = unique("order")
    producer = Producer(topics, "test", most_in_flight=16)
    try:
        places = await producer.send_all([outgoing(check, number) for number in range(100)])
    finally:
        await producer.stop()
    assert len(places) == 100
    offsets = [place.offset for place in places]
    assert offsets == sorted(set(offsets))
    async with asyncio.timeout(DEADLINE_SECONDS), stock_reader(topics, HEALTH) as reader:
        reader.seek(TopicPartition(places[0].topic, places[0].partition), offsets[0])
        seen: list[float] = []
        while len(seen) < 100:
            record = await reader.getone()
            if record.key == check.encode():
                seen.append(json.loads(record.value)["response_time_ms"])
    assert seen == list(range(100))


async def test_the_same_message_has_the_same_id_whenever_it_is_sent(topics: str, producer: Producer) -> None:
    check = unique("again")
    await producer.send(outgoing(check))
    await producer.send(outgoing(check))
    async with member(topics, producer, unique("g")) as consumer:
        got = [one for one in await read_until(consumer, [check]) if one.key == check]
        while len(got) < 2:
            got += [one for one in await read_until(consumer, [check]) if one.key == check]
    assert got[0].headers["ce_id"] == got[1].headers["ce_id"]


async def test_what_is_too_long_is_refused_before_anything_of_its_call_is_sent(topics: str, producer: Producer) -> None:
    short, long, later = unique("short"), unique("long"), unique("later")
    huge = result(long).model_copy(update={"details": {"text": "x" * 3_000_000}})
    with pytest.raises(MessageRefused, match=r"3000\d+ bytes for pantau.health: at most 2097152"):
        await producer.send_all([outgoing(short), Outgoing(HEALTH, long, huge)])
    await producer.send(outgoing(later))
    async with member(topics, producer, unique("g")) as consumer:
        assert {short, long}.isdisjoint(one.key for one in await read_until(consumer, [later]))


async def test_a_message_as_long_as_allowed_arrives(topics: str, producer: Producer) -> None:
    check = unique("longest")
    text = "".join(uuid.uuid4().hex for _ in range(65_000))  # does not compress to nothing
    place = await producer.send(
        Outgoing(HEALTH, check, result(check).model_copy(update={"details": {"text": text[:2_090_000]}}))
    )
    assert place.offset >= 0


async def test_a_group_member_reads_from_the_beginning_and_misses_nothing(topics: str, producer: Producer) -> None:
    checks = [unique("first") for _ in range(20)]
    await producer.send_all([outgoing(check) for check in checks])
    async with member(topics, producer, unique("g")) as consumer:
        got = await read_until(consumer, checks)
    assert [one.key for one in got if one.key in set(checks)] == checks
    offsets = [one.offset for one in got]
    assert offsets == list(range(offsets[0], offsets[0] + len(offsets))), "a gap"


async def test_offsets_follow_the_effect(topics: str, producer: Producer) -> None:
    group, before, after = unique("g"), unique("before"), unique("after")
    await producer.send(outgoing(before))
    async with member(topics, producer, group) as consumer:
        await read_until(consumer, [before], commit=True)
    await producer.send(outgoing(after))
    async with member(topics, producer, group) as consumer:  # reads, and dies before it commits
        assert before not in {one.key for one in await read_until(consumer, [after])}
    async with member(topics, producer, group) as consumer:
        again = await read_until(consumer, [after])
    assert [one.key for one in again] == [after]


async def test_iterating_anew_begins_with_what_was_not_committed(topics: str, producer: Producer) -> None:
    group, checks = unique("g"), [unique("anew") for _ in range(3)]
    await producer.send_all([outgoing(check) for check in checks])
    async with member(topics, producer, group) as consumer:
        first = await read_until(consumer, checks)
        second = await read_until(consumer, checks)
        assert [one.offset for one in second] == [one.offset for one in first]
        await read_until(consumer, checks, commit=True)
        fresh = unique("fresh")
        await producer.send(outgoing(fresh))
        assert [one.key for one in await read_until(consumer, [fresh])] == [fresh]


async def test_garbage_becomes_dead_letters_and_the_stream_goes_on(topics: str, producer: Producer) -> None:
    group, good = unique("pantau.tester"), unique("good")
    bad = {
        unique("not-json"): (b"\x00\xffgarbage", []),
        unique("no-fields"): (b"{}", [("x", None)]),
        unique("tombstone"): (None, []),
        unique("long-header"): (b"[]", [("h", b"x" * 1_000_000)]),
        unique("long-key") + "k" * 1_000_000: (b"null", []),
    }
    async with stock_writer(topics) as writer:
        for key, (value, headers) in bad.items():
            await writer.send_and_wait(HEALTH.name, value, key.encode(), headers=headers)
    await producer.send(outgoing(good))
    async with member(topics, producer, group) as consumer:
        got = await read_until(consumer, [good], commit=True)
    assert {one.key for one in got}.isdisjoint(bad)

    letters: dict[str, DeadLetter] = {}

    def keep(message: Received) -> None:
        if message.message.consumer == group.removeprefix("pantau."):
            letters[message.key] = message.message

    async with following(Follower(topics, "test", [DEAD_LETTERS], producer, keep)) as follower:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await follower.caught_up.wait()
    reasons = [letters[key[:1024]].reason for key in bad]
    assert "Invalid JSON" in reasons[0]
    assert "check: Field required" in reasons[1]
    assert "tombstones belong to compacted topics only" in reasons[2]
    assert {letter.error for letter in letters.values()} == {"BadMessage"}
    assert len(letters) == len(bad)


async def test_a_reader_that_keeps_its_own_offsets_starts_where_it_says(topics: str, producer: Producer) -> None:
    source = unique("collector/own")
    batches = [SampleBatch.of(source, [Sample("up", 1_750_000_000_000 + n, float(n))]) for n in range(10)]
    places = await producer.send_all([Outgoing(SAMPLES, source, batch) for batch in batches])
    partition = places[0].partition
    asked: list[tuple[str, int]] = []

    async def locate(wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        asked.extend(wanted)
        return {(SAMPLES.name, partition): places[6].offset}

    async with member(topics, producer, unique("g"), SAMPLES, locate=locate) as consumer:

        async def own() -> list[Received]:
            async with asyncio.timeout(DEADLINE_SECONDS), aclosing(consumer.batches()) as stream:
                got: list[Received] = []
                async for batch in stream:
                    got += [one for one in batch.messages if one.key == source]
                    if len(got) >= 4:
                        return got
            raise AssertionError

        assert [one.offset for one in await own()] == [place.offset for place in places[6:]]
        assert sorted(asked) == [(SAMPLES.name, number) for number in range(4)]
        # Nobody committed: asked again, it starts there again.
        assert [one.offset for one in await own()] == [place.offset for place in places[6:]]


async def test_members_share_the_partitions_and_take_over_from_one_that_left(topics: str, producer: Producer) -> None:
    group, sources = unique("g"), [unique("s") for _ in range(24)]

    async def send(number: int) -> None:
        await producer.send_all(
            [Outgoing(SAMPLES, s, SampleBatch.of(s, [Sample("up", 1_750_000_000_000 + number, 1.0)])) for s in sources]
        )

    seen: dict[str, set[tuple[int, int]]] = {"a": set(), "b": set()}
    batches_of: dict[str, set[tuple[str, int]]] = {"a": set(), "b": set()}

    async def consume(name: str, consumer: Consumer) -> None:
        async with aclosing(consumer.batches()) as stream:
            async for batch in stream:
                for one in batch.messages:
                    if one.key in sources:
                        seen[name].add((one.partition, one.offset))
                        batches_of[name].add((one.key, int(one.message.columns()[1][0])))
                await consumer.commit(batch)

    def complete(number: int) -> bool:
        wanted = {(source, 1_750_000_000_000 + number) for source in sources}
        return wanted <= batches_of["a"] | batches_of["b"]

    async def holds(number: int) -> bool:
        return complete(number)

    async with member(topics, producer, group, SAMPLES) as a:
        reading_a = asyncio.create_task(consume("a", a))
        await send(1)
        await eventually(lambda: holds(1))
        async with member(topics, producer, group, SAMPLES) as b:
            reading_b = asyncio.create_task(consume("b", b))

            async def shared() -> bool:
                return len(a.assigned) == len(b.assigned) == 2

            await eventually(shared)
            await send(2)
            await eventually(lambda: holds(2))
            assert seen["b"], "the second member reads its share"
            reading_a.cancel()
            with suppress(asyncio.CancelledError):
                await reading_a
            await a.stop()
            await send(3)
            await eventually(lambda: holds(3))
            assert len(b.assigned) == 4
            reading_b.cancel()
            with suppress(asyncio.CancelledError):
                await reading_b


async def test_a_paused_consumer_keeps_its_membership_and_hands_out_nothing(topics: str, producer: Producer) -> None:
    async with member(topics, producer, unique("g")) as consumer:
        first, second = unique("first"), unique("second")
        await producer.send(outgoing(first))
        await read_until(consumer, [first], commit=True)
        consumer.pause()
        await producer.send(outgoing(second))
        async with aclosing(consumer.batches(wait_ms=100)) as stream:
            quiet = [await anext(stream) for _ in range(3)]
        assert quiet == [Batch([], {})] * 3
        consumer.pause(False)
        assert [one.key for one in await read_until(consumer, [second])] == [second]


async def test_a_follower_reads_a_compacted_topic_whole_and_goes_on(topics: str, producer: Producer) -> None:
    view: dict[str, int] = {}

    def apply(message: Received) -> None:
        if message.message is None:
            view.pop(message.key, None)
        else:
            view[message.key] = message.message.version

    from shared.messages.rules import RuleGroup

    def group(name: str, version: int) -> Outgoing:
        rules = RuleGroup(
            name=name, rules=[], version=version, origin="api", updated_by="admin", updated_at=1_750_000_000_000
        )
        return Outgoing(RULES, name, rules)

    kept, gone = unique("kept"), unique("gone")
    await producer.send_all([group(kept, 1), group(gone, 1), group(kept, 2), Outgoing(RULES, gone, None)])
    async with following(Follower(topics, "test", [RULES], producer, apply)) as follower:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await follower.caught_up.wait()
        assert view[kept] == 2
        assert gone not in view
        await producer.send(group(kept, 3))

        async def updated() -> bool:
            return view[kept] == 3

        await eventually(updated)


async def test_a_follower_may_start_at_the_end_or_at_an_instant(topics: str, producer: Producer) -> None:
    old, new = unique("old"), unique("new")
    await producer.send(outgoing(old))
    tail: list[str] = []
    since: list[str] = []
    async with following(Follower(topics, "test", [HEALTH], producer, lambda one: tail.append(one.key), "end")) as end:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await end.caught_up.wait()
        await asyncio.sleep(0.01)  # so that the two messages are not of the same millisecond
        place = await producer.send(outgoing(new))
        instant = Follower(topics, "test", [HEALTH], producer, lambda one: since.append(one.key), place.accepted_ms)
        async with following(instant):

            async def both() -> bool:
                return new in tail and new in since

            await eventually(both)
    assert old not in tail
    assert old not in since


async def test_following_an_empty_topic_is_caught_up(topics: str, producer: Producer) -> None:
    from shared.messages.topics import SILENCES

    async with following(Follower(topics, "test", [SILENCES], producer, lambda _: None)) as follower:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await follower.caught_up.wait()


async def test_a_producer_that_lost_its_sequence_is_rebuilt(topics: str, producer: Producer) -> None:
    check = unique("sequence")
    await producer.send(outgoing(check, 1))
    connected = await producer._connected()
    place = TopicPartition(HEALTH.name, 0)
    connected._txn_manager._sequence_numbers[place] += 7  # the broker answers OUT_OF_ORDER_SEQUENCE_NUMBER
    async with asyncio.timeout(DEADLINE_SECONDS):
        places = await producer.send_all([outgoing(check, number) for number in (2, 3, 4)])
    assert await producer._connected() is not connected
    assert [one.offset for one in places] == sorted(one.offset for one in places)
    async with member(topics, producer, unique("g")) as consumer:
        got = [one.message.response_time_ms for one in await read_until(consumer, [check]) if one.key == check]
    assert list(dict.fromkeys(got)) == [1, 2, 3, 4]


async def test_a_producer_that_hangs_though_the_broker_answers_is_rebuilt(
    topics: str, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await producer.send(outgoing("warm"))
    connected = await producer._connected()
    connected._sender.sender_task.cancel()
    monkeypatch.setattr(producer_module, "STALL_SECONDS", 0.3)
    async with asyncio.timeout(DEADLINE_SECONDS):
        place = await producer.send(outgoing(unique("hang")))
    assert place.offset > 0
    assert await producer._connected() is not connected


async def test_cancelled_senders_disturb_nobody_and_give_their_places_back(topics: str) -> None:
    producer = Producer(topics, "test", most_in_flight=8)
    checks = [unique("c") for _ in range(60)]
    tasks = [
        asyncio.create_task(producer.send_all([outgoing(check, number) for number in range(5)])) for check in checks
    ]
    for number, task in enumerate(tasks):
        if number % 3 == 0:
            await asyncio.sleep(0)
            task.cancel()
    async with asyncio.timeout(DEADLINE_SECONDS):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, asyncio.CancelledError if number % 3 == 0 else list), outcome
    assert producer._places._value == 8
    await producer.stop()


async def test_a_stopped_producer_says_so_and_leaves_nothing_running(topics: str) -> None:
    with begun_tasks() as tasks:
        producer = Producer(topics, "test")
        sending = [asyncio.create_task(producer.send(outgoing(unique("stop")))) for _ in range(50)]
        await producer.start()
        await asyncio.sleep(0)
        await producer.stop()
        for outcome in await asyncio.gather(*sending, return_exceptions=True):
            assert not isinstance(outcome, BaseException) or isinstance(outcome, BusUnavailable)
        with pytest.raises(BusUnavailable, match="stopped"):
            await producer.send(outgoing("late"))
        await producer.stop()
    await none_is_left(tasks)


async def test_a_missing_topic_is_named_when_the_deadline_comes(kafka_bootstrap: str) -> None:
    absent = Topic("pantau.absent", "x", HealthResult, "x", "delete", (), ())
    producer = Producer(kafka_bootstrap, "test")
    try:
        started = clock.elapsed()
        with pytest.raises(BusUnavailable):
            await producer.send(Outgoing(absent, "x", result("x")), deadline_seconds=0.5)
        assert await producer.send(outgoing(unique("there"))), "others are not held up"
        assert clock.elapsed() - started < DEADLINE_SECONDS
    finally:
        await producer.stop()
