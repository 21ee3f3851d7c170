"""The bus while its broker dies, hangs or is not there yet. A broker of this file's own, on a fixed port."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from infra.local import kafka, ports, throwaway_kafka
from infra.local.processes import child
from shared.bus import BusUnavailable, Consumer, Follower, Outgoing, Producer, Received
from shared.messages.health import HealthResult
from shared.messages.topics import HEALTH
from tests.begun_tasks import begun_tasks, none_is_left
from tests.conftest import eventually, run_module

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("PANTAU_TEST_KILLS", "3"))
DEADLINE_SECONDS = 90.0


class Broker:
    """A Kafka that can be killed, paused and started again, with its data and port kept."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port, self._controller_port = ports.free(2)
        self.bootstrap = f"{ports.LOOPBACK}:{self.port}"
        self._running = ExitStack()
        self._pid: int | None = None

    def start(self) -> None:
        program = throwaway_kafka.prepare(self._directory, self.port, self._controller_port)
        log = self._directory / "kafka.log"
        self._pid = self._running.enter_context(child(program, log, lambda: kafka.answers(self.port)))

    def signal(self, number: signal.Signals) -> None:
        assert self._pid is not None
        os.kill(self._pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._running.close()

    def close(self) -> None:
        with suppress(ProcessLookupError):
            if self._pid is not None:
                self.signal(signal.SIGCONT)
        self._running.close()


@pytest.fixture
def absent(tmp_path: Path) -> Iterator[Broker]:
    """A broker that was not started yet."""
    broker = Broker(tmp_path / "kafka")
    yield broker
    broker.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker with all topics. Whoever kills it starts it again."""
    broker = Broker(tmp_path_factory.mktemp("broker"))
    broker.start()
    run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=broker.bootstrap)
    yield broker
    broker.close()


@pytest.fixture
async def producer(broker: Broker) -> AsyncIterator[Producer]:
    running = Producer(broker.bootstrap, "test", deadline_seconds=DEADLINE_SECONDS)
    await running.start()
    yield running
    await running.stop()


def outgoing(check: str, number: int) -> Outgoing:
    message = HealthResult(
        check=check,
        kind="database",
        status="healthy",
        response_time_ms=number,
        checked_at=1_750_000_000_000,
        valid_until=1_750_000_060_000,
    )
    return Outgoing(HEALTH, check, message, f"{check}/{number}")


async def on_the_bus(bootstrap: str) -> list[tuple[str, int]]:
    """All (check, number) that are there, in the order of the log, read by a stock consumer."""
    reader = AIOKafkaConsumer(HEALTH.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await reader.start()
    try:
        partitions = reader.assignment()
        ends = await reader.end_offsets(partitions)
        found = []
        async with asyncio.timeout(DEADLINE_SECONDS):
            while any([await reader.position(one) < ends[one] for one in partitions]):
                for records in (await reader.getmany(timeout_ms=200)).values():
                    for record in records:
                        message = HealthResult.decode(record.value)
                        found.append((message.check, int(message.response_time_ms)))
        return found
    finally:
        await reader.stop()


async def test_nothing_acknowledged_is_lost_or_out_of_order_when_the_broker_is_killed(
    broker: Broker, producer: Producer
) -> None:
    acknowledged: dict[str, list[int]] = {f"sender-{number}": [] for number in range(8)}
    stop = asyncio.Event()

    async def send(check: str) -> None:
        number = 0
        while not stop.is_set():
            await producer.send_all([outgoing(check, number), outgoing(check, number + 1)])
            acknowledged[check] += [number, number + 1]
            number += 2

    senders = [asyncio.create_task(send(check)) for check in acknowledged]
    for _ in range(KILLS):
        counts = {check: len(numbers) for check, numbers in acknowledged.items()}

        async def all_go_on(counts: dict[str, int] = counts) -> bool:
            return all(len(acknowledged[check]) > count + 20 for check, count in counts.items())

        await eventually(all_go_on, DEADLINE_SECONDS)
        broker.kill()
        await asyncio.to_thread(broker.start)
    await eventually(all_go_on, DEADLINE_SECONDS)
    stop.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*senders)

    found = await on_the_bus(broker.bootstrap)
    for check, numbers in acknowledged.items():
        there = [number for name, number in found if name == check]
        assert set(numbers) <= set(there)
        # Sent again they may be there twice; first appearances are in order.
        first = list(dict.fromkeys(there))
        assert first == sorted(first)


async def test_a_consumer_and_a_follower_go_on_after_the_broker_was_killed(broker: Broker, producer: Producer) -> None:
    consumed: list[int] = []
    followed: list[int] = []
    consumer = Consumer(broker.bootstrap, "pantau.tester", [HEALTH], producer)
    await consumer.start()

    async def consume() -> None:
        async for batch in consumer.batches():
            consumed.extend(int(one.message.response_time_ms) for one in batch.messages if one.key == "going-on")
            await consumer.commit(batch)

    def follow(message: Received) -> None:
        if message.key == "going-on":
            followed.append(int(message.message.response_time_ms))

    work = [
        asyncio.create_task(consume()),
        asyncio.create_task(Follower(broker.bootstrap, "test", [HEALTH], producer, follow).run()),
    ]
    await producer.send_all([outgoing("going-on", number) for number in range(10)])

    async def reached(last: int) -> bool:
        assert not any(one.done() for one in work), [one for one in work if one.done()]
        return last in consumed and last in followed

    await eventually(lambda: reached(9))
    broker.kill()
    await asyncio.to_thread(broker.start)
    await producer.send_all([outgoing("going-on", number) for number in range(10, 20)])
    await eventually(lambda: reached(19), DEADLINE_SECONDS)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    await consumer.stop()
    assert set(consumed) >= set(range(20))
    assert list(dict.fromkeys(consumed)) == list(range(20))
    assert list(dict.fromkeys(followed)) == list(range(20))


async def test_everything_waits_for_a_broker_that_comes_later(absent: Broker) -> None:
    with begun_tasks() as tasks:
        producer = Producer(absent.bootstrap, "test")
        starting = asyncio.create_task(producer.start())
        with pytest.raises(BusUnavailable, match=r"within 0\.5 s"):
            await producer.send(outgoing("early", 1), deadline_seconds=0.5)
        consumer = Consumer(absent.bootstrap, "pantau.tester", [HEALTH], producer)
        joining = asyncio.create_task(consumer.start())
        view: list[str] = []
        following = asyncio.create_task(
            Follower(absent.bootstrap, "test", [HEALTH], producer, lambda one: view.append(one.key)).run()
        )
        waiting = asyncio.create_task(producer.send(outgoing("patient", 2), deadline_seconds=DEADLINE_SECONDS))
        assert not starting.done()
        await asyncio.to_thread(absent.start)
        await asyncio.to_thread(run_module, "infra.topics", PANTAU_KAFKA__BOOTSTRAP=absent.bootstrap)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await asyncio.gather(starting, joining, waiting)
            async for batch in consumer.batches():
                if any(one.key == "patient" for one in batch.messages):
                    break

        async def seen() -> bool:
            return "patient" in view

        await eventually(seen)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await consumer.stop()
        await producer.stop()
    await none_is_left(tasks)


async def test_a_producer_cancelled_or_stopped_without_a_broker_leaves_nothing(absent: Broker) -> None:
    with begun_tasks() as tasks:
        producer = Producer(absent.bootstrap, "test")
        starting = asyncio.create_task(producer.start())
        sending = asyncio.create_task(producer.send(outgoing("x", 1)))
        await asyncio.sleep(0.2)
        starting.cancel()
        await producer.stop()
        assert isinstance((await asyncio.gather(sending, return_exceptions=True))[0], BusUnavailable)
    await none_is_left(tasks)


async def test_a_broker_that_hangs_pushes_back_and_nobody_waits_beyond_the_deadline(broker: Broker) -> None:
    producer = Producer(broker.bootstrap, "test", most_in_flight=10, deadline_seconds=2)
    await producer.send(outgoing("before", 1))
    broker.signal(signal.SIGSTOP)
    async with asyncio.timeout(DEADLINE_SECONDS):
        outcomes = await asyncio.gather(
            *(producer.send(outgoing("hanging", number)) for number in range(30)), return_exceptions=True
        )
    assert all(isinstance(outcome, BusUnavailable) for outcome in outcomes)
    assert producer._places._value == 10
    broker.signal(signal.SIGCONT)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await producer.send(outgoing("after", 1), deadline_seconds=DEADLINE_SECONDS)
    await producer.stop()
    assert ("after", 1) in await on_the_bus(broker.bootstrap)


async def test_a_producer_stopped_while_the_broker_is_away_delivers_nothing_later(
    broker: Broker, producer: Producer
) -> None:
    with begun_tasks() as tasks:
        old = Producer(broker.bootstrap, "test")
        await old.send(outgoing("old", 1))
        broker.kill()
        with pytest.raises(BusUnavailable):
            await old.send(outgoing("old", 2), deadline_seconds=0.5)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await old.stop()
    await none_is_left(tasks)  # nothing that could deliver it
    await asyncio.to_thread(broker.start)
    await producer.send(outgoing("new", 1))
    assert ("old", 2) not in await on_the_bus(broker.bootstrap)


async def test_one_who_gives_up_does_not_take_the_connection_of_others(broker: Broker, producer: Producer) -> None:
    await producer.send(outgoing("x", 1))
    broker.kill()
    impatient = [producer.send(outgoing("impatient", number), deadline_seconds=0.3) for number in range(5)]
    patient = [asyncio.create_task(producer.send(outgoing("patient", number))) for number in range(5)]
    for outcome in await asyncio.gather(*impatient, return_exceptions=True):
        assert isinstance(outcome, BusUnavailable)
    await asyncio.to_thread(broker.start)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*patient)
