"""Alerting while its bus is killed: it waits, or ends and is started again, and tells everything and nothing twice."""

import asyncio
import os
import random
import signal
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.topics import bring_up_to_date
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import RULES, SAMPLES
from shared.rules.small import SmallRule, small_group
from tests.conftest import eventually, run_module
from tests.integration.alerting_worker import Worker, events, new_time, offline
from tests.integration.test_bus_faults import Broker

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("PANTAU_TEST_KILLS", "3"))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker with all topics, of this test's own."""
    own = Broker(tmp_path / "kafka")
    own.start()
    run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=own.bootstrap)
    yield own
    own.close()


async def test_the_bus_is_killed_and_nothing_is_lost_or_invented(broker: Broker, tmp_path: Path) -> None:
    chance, name = random.Random(KILLS), f"test_{uuid.uuid4().hex[:8]}"
    worker, producer = (
        Worker(broker.bootstrap, tmp_path / "log"),
        Producer(broker.bootstrap, "test", deadline_seconds=90),
    )
    worker.start()
    await producer.start()
    done = asyncio.Event()

    async def keep() -> None:
        """What the supervisor does."""
        while not done.is_set():
            if not worker.lives:
                worker.start()
            await asyncio.sleep(0.2)

    async def push(value: float) -> None:
        batch = SampleBatch.of("push/1", [Sample(name, new_time(), value)])
        await producer.send(Outgoing(SAMPLES, "push/1", batch))

    keeping = asyncio.create_task(keep())
    try:
        await worker.ready()
        rule = SmallRule(name=name, condition=f"{name} > 100", severity="warning", message="Too many")
        await producer.send(Outgoing(RULES, name, small_group(rule, 1, "test", clock.now_ms())))
        expected: list[str] = []
        for _ in range(KILLS):
            for _ in range(20):
                await push(150)
                await push(50)
                expected += ["firing", "resolved"]
            await asyncio.sleep(chance.uniform(0, 2))
            broker.kill()
            await asyncio.sleep(chance.uniform(0, 5))
            broker.start()
            await push(150)
            await push(50)
            expected += ["firing", "resolved"]

        async def all_told() -> bool:
            return [event.state for event in await events(broker.bootstrap, mine)] == expected

        def mine(event: AlertEvent) -> bool:
            return event.rule == name

        await eventually(all_told, 180)
        folded = [event.encode() for event in await offline(broker.bootstrap) if mine(event)]
        assert folded == [event.encode() for event in await events(broker.bootstrap, mine)]
    finally:
        done.set()
        await keeping
        worker.stop()
        await producer.stop()


async def test_what_partitions_there_are_is_looked_up_soon(broker: Broker, tmp_path: Path) -> None:
    """When the bus comes back it may know of no partitions at first: who shares them out must look again, and not after
    minutes in which nobody has any. Shown with partitions that are added."""
    worker, log = Worker(broker.bootstrap, tmp_path / "log"), tmp_path / "log"
    worker.start()
    try:
        await worker.ready()
        await bring_up_to_date(broker.bootstrap, [replace(SAMPLES, partitions=SAMPLES.partitions + 1)])

        async def assigned() -> bool:
            return f"samples={list(range(SAMPLES.partitions + 1))}" in log.read_text()

        await eventually(assigned)
    finally:
        worker.stop()


async def test_workers_come_and_go_and_the_log_is_folded_once(broker: Broker, tmp_path: Path) -> None:
    """Groups move between workers with their windows and alerts, by a planned stop and by SIGKILL."""
    names = [f"test_{uuid.uuid4().hex[:8]}" for _ in range(6)]
    first, second = (Worker(broker.bootstrap, tmp_path / which) for which in ("first", "second"))
    producer = Producer(broker.bootstrap, "test")
    await producer.start()
    first.start()
    done = asyncio.Event()
    sent: dict[str, list[str]] = {name: [] for name in names}

    async def load() -> None:
        value = 150.0
        while not done.is_set():
            for number, name in enumerate(names):
                source = f"push/{number}"
                batch = SampleBatch.of(source, [Sample(name, new_time(), value)])
                await producer.send(Outgoing(SAMPLES, source, batch))
                sent[name].append("firing" if value > 100 else "resolved")
            value = 200.0 - value
            await asyncio.sleep(0.02)

    try:
        await first.ready()
        for name in names:
            rule = SmallRule(name=name, condition=f"{name} > 100", severity="warning", message="Too many")
            await producer.send(Outgoing(RULES, name, small_group(rule, 1, "test", clock.now_ms())))
        loading = asyncio.create_task(load())
        await asyncio.sleep(2)
        second.start()
        await second.ready()
        await asyncio.sleep(3)
        first.kill(signal.SIGKILL)
        await asyncio.sleep(3)
        first.start()
        await first.ready()
        await asyncio.sleep(2)
        second.kill(signal.SIGTERM)
        await asyncio.sleep(2)
        done.set()
        await loading

        async def all_told() -> bool:
            found = await events(broker.bootstrap)
            return {name: [event.state for event in found if event.rule == name] for name in names} == sent

        await eventually(all_told, 180)
        folded, told = await offline(broker.bootstrap), await events(broker.bootstrap)
        for name in names:
            assert [one.encode() for one in folded if one.rule == name] == [
                one.encode() for one in told if one.rule == name
            ]
    finally:
        done.set()
        first.stop()
        second.stop()
        await producer.stop()
