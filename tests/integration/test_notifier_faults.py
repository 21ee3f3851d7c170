"""The notifier while it is killed, while Kafka is away, and while another stands by."""

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local import ports
from shared.bus import Producer
from shared.messages.alerts import AlertEvent
from tests.conftest import clean_environment, eventually, run_module
from tests.integration.programs import RestartableKafka, page
from tests.integration.test_notifier import Notifier, episodes, failing, ledger, publish, told
from tests.integration.webhook_receiver import Answer, Receiver, listening

KILLS = int(os.environ.get("PANTAU_TEST_KILLS", "3"))
CONCURRENCY = 4
GOOD = (200, 204)


def taken(receiver: Receiver) -> Counter[str]:
    """How often each id was taken."""
    return Counter(one.id for one in receiver.requests if one.answer in GOOD)


def check_order(receiver: Receiver, events: Sequence[AlertEvent]) -> None:
    """Each alert's notifications came in its order, with repetitions only where they stood."""
    for rule in {event.rule for event in events}:
        ids = [one.id for one in receiver.requests if one.answer in GOOD and one.alert["rule"] == rule]
        states = {one.id: one.alert["status"] for one in receiver.requests}
        first = list(dict.fromkeys(ids))
        assert [states[one] for one in first] == ["firing", "resolved"]
        assert ids == sorted(ids, key=first.index), f"{rule}: an older one after a newer one"


@contextmanager
def doomed(notifier: Notifier) -> Iterator[subprocess.Popen[bytes]]:
    """A notifier that ends with SIGKILL, at the end of the block at the latest."""
    with notifier.log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.notifier"],
            env=clean_environment(**notifier.environment),
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def publish_slowly(producer: Producer, events: Sequence[AlertEvent]) -> None:
    """In order, a few at a time, so that there is always something under way."""
    for start in range(0, len(events), 5):
        await publish(producer, list(events[start : start + 5]))
        await asyncio.sleep(0.05)


@pytest.mark.faults
async def test_killed_at_random(topics: str, producer: Producer, tmp_path: Path) -> None:
    events = [event for _ in range(KILLS + 1) for event in episodes(15)]
    asked: Counter[str] = Counter()

    def answer(identity: str) -> Answer:
        asked[identity] += 1
        return failing(int(identity[:8], 16) + asked[identity])

    async with listening(Receiver(answer, retry_after="0")) as receiver:
        notifier = Notifier(topics, tmp_path, receiver.url)
        notifier.environment["PANTAU_NOTIFIER__RECEIVER_CONCURRENCY"] = str(CONCURRENCY)
        wanted = {notifier.id_of(event) for event in told(events)}

        async def all_taken() -> bool:
            return wanted <= taken(receiver).keys()

        publishing = asyncio.create_task(publish_slowly(producer, events))
        for _ in range(KILLS):
            least = len(receiver.requests) + random.randrange(1, 12)

            async def some_more(least: int = least) -> bool:
                return len(receiver.requests) >= least or (publishing.done() and await all_taken())

            with doomed(notifier):
                await eventually(some_more)
        with notifier.running():
            await publishing
            await eventually(all_taken)

    times = taken(receiver)
    assert set(times) == wanted
    assert {one.id for one in receiver.requests} == wanted
    assert sum(times.values()) - len(times) <= KILLS * CONCURRENCY
    check_order(receiver, events)
    for identity in [identity for identity, count in times.items() if count > 1]:
        assert "unknown" in [entry.state for entry in await ledger(topics, identity)]


@pytest.mark.faults
async def test_another_takes_over(topics: str, producer: Producer, tmp_path: Path) -> None:
    before, after = episodes(10), episodes(10)
    async with listening(Receiver()) as receiver:
        first = Notifier(topics, tmp_path, receiver.url)
        second = Notifier(topics, tmp_path, receiver.url)
        second.log = tmp_path / "second.log"
        receivers = first.environment["PANTAU_NOTIFIER__RECEIVERS"]
        second.environment["PANTAU_NOTIFIER__RECEIVERS"] = receivers

        async def all_taken(events: Sequence[AlertEvent]) -> bool:
            return {first.id_of(event) for event in told(list(events))} <= taken(receiver).keys()

        async def both_live() -> bool:
            pages = [await page(f"http://127.0.0.1:{one.admin}/health/live") for one in (first, second)]
            return [status for status, _ in pages] == [200, 200]

        with doomed(first) as process, doomed(second) as other:
            await eventually(both_live)
            await publish(producer, before)
            await eventually(lambda: all_taken(before))
            active, standby = (process, second) if await first.is_ready() else (other, first)
            active.kill()
            await publish(producer, after)
            await eventually(lambda: all_taken(after))
            await eventually(standby.is_ready)
    times = taken(receiver)
    assert set(times) == {first.id_of(event) for event in told(before + after)}
    assert sum(times.values()) - len(times) <= 16
    check_order(receiver, before + after)


@pytest.mark.faults
async def test_kafka_goes_away_and_comes_back(tmp_path: Path) -> None:
    kafka = RestartableKafka(tmp_path / "kafka")
    before, during, after = episodes(5), episodes(5), episodes(5)
    (port,) = ports.free()
    notifier = Notifier(kafka.bootstrap, tmp_path, f"http://127.0.0.1:{port}/hook")
    receiver = Receiver()

    async def all_taken(events: Sequence[AlertEvent]) -> bool:
        return {notifier.id_of(event) for event in told(list(events))} <= taken(receiver).keys()

    async def is_not_ready() -> bool:
        return not await notifier.is_ready()

    async with listening(receiver, port):
        with notifier.running():  # before there is a Kafka
            with kafka.there():
                run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
                producer = Producer(kafka.bootstrap, "test")
                await producer.start()
                await publish(producer, before)
                await eventually(lambda: all_taken(before))
                await eventually(notifier.is_ready)
                await publish(producer, during)  # and it may be gone before these are recorded
            await eventually(is_not_ready)
            with kafka.there():
                await publish(producer, after)
                await eventually(lambda: all_taken(during + after))
                await eventually(notifier.is_ready)
                await producer.stop()
    times = taken(receiver)
    assert set(times) == {notifier.id_of(event) for event in told(before + during + after)}
    assert set(times.values()) == {1}
    check_order(receiver, before + during + after)
