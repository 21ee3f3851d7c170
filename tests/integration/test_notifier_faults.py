"""The notifier while it is killed, while Kafka is killed or away, and while another stands by."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local import ports
from shared.bus import Producer
from shared.messages.alerts import AlertEvent
from tests.conftest import clean_environment, eventually, run_module
from tests.integration.notifier_program import (
    GOOD,
    Fact,
    Notifier,
    begun,
    ended,
    episodes,
    facts,
    order_of,
    publish,
    told,
)
from tests.integration.programs import RestartableKafka, page
from tests.integration.test_notifier import failing
from tests.integration.webhook_receiver import Answer, Receiver, listening

KILLS = int(os.environ.get("PANTAU_TEST_KILLS", "3"))
ALERTS = 1_000 if KILLS >= 20 else 40 * (KILLS + 1)
CONCURRENCY = 8


@contextmanager
def doomed(notifier: Notifier) -> Iterator[subprocess.Popen[bytes]]:
    """A notifier that ends with SIGKILL, at the end of the block at the latest."""
    with notifier.log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.notifier"],
            env=clean_environment(**notifier.started_with),
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def check(receiver: Receiver, events: Sequence[AlertEvent], kills: int) -> None:
    """Each episode was told as begun and ended, or as passed; in order; and again only after a kill, under its id."""
    heard: dict[str, set[str]] = defaultdict(set)
    ids: dict[Fact, set[str]] = defaultdict(set)
    for request in receiver.requests:
        for one in request.body["alerts"] if request.answer in GOOD else []:
            heard[one["alert_id"]].add(one["status"])
            ids[one["event_id"], one["status"]].add(request.id)
    for event in ended(events):
        assert heard[event.alert_id] in ({"firing", "resolved"}, {"passed"}), event.rule
        assert [status for _, status in order_of(receiver, event.alert_id)] in (["firing", "resolved"], ["passed"])
    assert all(len(found) == 1 for found in ids.values()), "told twice under different ids"
    taken = Counter(one.id for one in receiver.requests if one.answer in GOOD)
    assert sum(taken.values()) - len(taken) <= kills * CONCURRENCY


def all_over(receiver: Receiver, events: Sequence[AlertEvent]) -> bool:
    """Whether the end of each alert has been told."""
    over = {event for event, status in told(receiver.requests, events) if status != "firing"}
    return over >= {event.id for event in ended(events)}


async def publish_slowly(producer: Producer, events: Sequence[AlertEvent]) -> None:
    """In order, a few at a time, so that there is always something under way; the ends some time after."""
    starts = [event for event in events if event.state == "firing"]
    over = {event.alert_id: event for event in ended(events)}
    for start in range(0, len(starts), 5):
        await publish(producer, starts[start : start + 5])
        await publish(producer, [over[one.alert_id] for one in starts[max(start - 50, 0) : max(start - 45, 0)]])
        await asyncio.sleep(0.05)
    await publish(producer, [over[one.alert_id] for one in starts])  # those that are left, and the others once more


@pytest.mark.faults
async def test_killed_at_random(tmp_path: Path) -> None:
    """The notifier is killed, now and then Kafka, while a receiver fails in every way. There is no database."""
    kafka = RestartableKafka(tmp_path / "kafka")
    events = episodes(ALERTS)
    asked: Counter[str] = Counter()

    def answer(identity: str) -> Answer:
        asked[identity] += 1
        return failing(int(identity[:8], 16) + asked[identity])

    async with listening(Receiver(answer, retry_after="0")) as receiver:
        notifier = Notifier(kafka.bootstrap, tmp_path, receiver.url)
        notifier.environment["PANTAU_NOTIFIER__RECEIVER_CONCURRENCY"] = str(CONCURRENCY)
        producer = Producer(kafka.bootstrap, "test", deadline_seconds=120)

        async def one_round(publishing: asyncio.Task[None] | None) -> asyncio.Task[None]:
            least = len(receiver.requests) + random.randrange(1, 60)

            async def some_more() -> bool:
                return len(receiver.requests) >= least or (
                    publishing is not None and publishing.done() and all_over(receiver, events)
                )

            with doomed(notifier):
                if publishing is None:
                    run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
                    await producer.start()
                    publishing = asyncio.create_task(publish_slowly(producer, events))
                await eventually(some_more)
            return publishing

        publishing: asyncio.Task[None] | None = None
        left = KILLS
        while left:
            with kafka.there() as broker:
                for _ in range(min(left, 3)):
                    publishing = await one_round(publishing)
                    left -= 1
                os.kill(broker, signal.SIGKILL)
        with kafka.there(), notifier.running():

            async def is_done() -> bool:
                assert publishing is not None
                if publishing.done():
                    publishing.result()
                return publishing.done() and all_over(receiver, events)

            await eventually(is_done, 120)
            await eventually(notifier.is_ready, 120)  # before, a signal would end it without its own ending
            await producer.stop()
    check(receiver, events, KILLS)


@pytest.mark.faults
async def test_another_takes_over(topics: str, producer: Producer, tmp_path: Path) -> None:
    before, after = episodes(10), episodes(10)
    async with listening(Receiver()) as receiver:
        first = Notifier(topics, tmp_path, receiver.url)
        second = Notifier(topics, tmp_path, receiver.url)
        second.log = tmp_path / "second.log"
        second.notifications = first.notifications

        async def are_told(wanted: set[Fact]) -> bool:
            return wanted <= told(receiver.requests, before + after).keys()

        async def both_live() -> bool:
            pages = [await page(f"http://127.0.0.1:{one.admin}/health/live") for one in (first, second)]
            return [status for status, _ in pages] == [200, 200]

        with doomed(first) as process, doomed(second) as other:
            await eventually(both_live)
            await publish(producer, begun(before))
            await eventually(lambda: are_told(facts(begun(before))))
            active, standby = (process, second) if await first.is_ready() else (other, first)
            active.kill()
            await publish(producer, begun(after))
            await eventually(lambda: are_told(facts(begun(before + after))))
            await eventually(standby.is_ready)
            await publish(producer, ended(before + after))
            await eventually(lambda: are_told(facts(before + after)))
    times = told(receiver.requests, before + after)
    assert set(times) == facts(before + after)
    check(receiver, before + after, 1)


@pytest.mark.faults
async def test_kafka_goes_away_and_comes_back(tmp_path: Path) -> None:
    kafka = RestartableKafka(tmp_path / "kafka")
    before, during, after = episodes(5), episodes(5), episodes(5)
    (port,) = ports.free()
    # This process does not answer while it stops or starts the Kafka.
    notifier = Notifier(kafka.bootstrap, tmp_path, f"http://127.0.0.1:{port}/hook", timeout="60s")
    receiver = Receiver()
    everything = before + during + after

    async def are_told(wanted: set[Fact]) -> bool:
        return wanted <= told(receiver.requests, everything).keys()

    async def is_not_ready() -> bool:
        return not await notifier.is_ready()

    async with listening(receiver, port):
        with notifier.running():  # before there is a Kafka
            with kafka.there():
                run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
                producer = Producer(kafka.bootstrap, "test")
                await producer.start()
                await publish(producer, begun(before))
                await eventually(lambda: are_told(facts(begun(before))))
                await eventually(notifier.is_ready)
                await publish(producer, begun(during))  # and it may be gone before these are recorded
            await eventually(is_not_ready)
            with kafka.there():
                await publish(producer, begun(after))
                await eventually(lambda: are_told(facts(begun(everything))))
                await publish(producer, ended(everything))
                await eventually(lambda: are_told(facts(everything)))
                await eventually(notifier.is_ready)
                await producer.stop()
    times = told(receiver.requests, everything)
    assert set(times) == facts(everything)
    assert set(times.values()) == {1}
    check(receiver, everything, 0)
