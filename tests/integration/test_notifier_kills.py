"""Alerts going up and down while the notifier and Kafka are killed and receivers fail: nothing lost, nothing twice.

There is no database anywhere: its address is one at which nobody listens.
"""

import asyncio
import os
import random
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from infra.local import ports
from shared import clock
from shared.bus import Producer
from shared.messages.alerts import AlertEvent
from shared.messages.message import instant_to_text
from tests.conftest import eventually, run_module
from tests.integration.notifier_program import GOOD, Notifier, ended, publish
from tests.integration.programs import RestartableKafka
from tests.integration.webhook_receiver import Answer, Receiver, Request, listening
from tests.unit.notifier.events import alert_event

KILLS = int(os.environ.get("PANTAU_TEST_KILLS", "3"))
ALERTS, EPISODES = (1_000, 4) if KILLS >= 20 else (60, 3)
TOGETHER = 5
"""Alerts that a site has."""
CONCURRENCY = (1, 8)
DEADLINE_SECONDS = 300
ANSWERS: dict[Answer, int] = {
    200: 400,
    204: 100,
    500: 80,
    503: 40,
    429: 40,
    408: 40,
    "reset": 80,
    "garbage": 40,
    "lost": 60,  # it took what came, and its answer did not arrive
    "hang": 5,
}
TOOK = (*GOOD, "lost")


def failing(_: str) -> Answer:
    """Every other answer is good."""
    return random.choices(list(ANSWERS), list(ANSWERS.values()))[0]


@dataclass
class Alerts:
    """Alerts that fire and are over in turn, `EPISODES` times each, in random order."""

    events: list[AlertEvent] = field(default_factory=list)
    """All there will be."""

    def __post_init__(self) -> None:
        rules = [f"rule_{number}" for number in range(ALERTS)]
        turns = rules * (2 * EPISODES)
        random.shuffle(turns)
        at, begun = clock.now_ms(), dict[str, int]()
        for rule in turns:
            at += 1
            labels = {"alertname": rule, "site": f"site-{rules.index(rule) // TOGETHER}"}
            if (since := begun.pop(rule, None)) is not None:
                self.events.append(alert_event(rule, 2, "resolved", at, since, labels=labels))
            else:
                begun[rule] = at
                self.events.append(alert_event(rule, 1, "firing", at, at, labels=labels))

    async def publish(self, producer: Producer, some: Sequence[AlertEvent]) -> None:
        """A few at a time, so that there is always something under way."""
        for start in range(0, len(some), 10):
            await publish(producer, some[start : start + 10])
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Kill:
    """A notifier is no more: when, before its successor began; and how many requests it had at once."""

    at: float
    concurrency: int


@dataclass
class Played:
    """A Kafka, and a notifier: whichever is killed is started again."""

    kafka: RestartableKafka
    notifier: Notifier
    kills: list[Kill] = field(default_factory=list)
    _broker: Any = None
    _pid: int = 0
    _starting: asyncio.Task[None] | None = None

    async def start_kafka(self) -> None:
        """In a thread: the receivers answer meanwhile."""
        self._broker = self.kafka.there()
        self._pid = await asyncio.to_thread(self._broker.__enter__)

    async def kill_kafka(self) -> None:
        """It comes back by itself."""
        await self.kafka_is_back()
        os.kill(self._pid, signal.SIGKILL)
        await asyncio.to_thread(self._broker.__exit__, None, None, None)
        self._starting = asyncio.create_task(self.start_kafka())

    async def kafka_is_back(self) -> None:
        if self._starting is not None:
            await self._starting
            self._starting = None

    async def stop_kafka(self) -> None:
        await self.kafka_is_back()
        if self._broker is not None:
            await asyncio.to_thread(self._broker.__exit__, None, None, None)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Popen[bytes]]:
        """A notifier, killed at the end of the block: it must not have ended before."""
        concurrency = random.choice(CONCURRENCY)
        with self.notifier.doomed(PANTAU_NOTIFIER__RECEIVER_CONCURRENCY=str(concurrency)) as process:
            yield process
            assert process.poll() is None, self.notifier.log.read_text()[-5_000:]
        await asyncio.sleep(0.1)  # what it has sent is answered before there is another
        self.kills.append(Kill(clock.elapsed(), concurrency))


def is_all_told(receiver: Receiver, events: Sequence[AlertEvent]) -> bool:
    """Whether the end of each episode has arrived."""
    over = {
        (one["alert_id"], one["times"]["episode"])
        for request in receiver.requests
        if request.answer in GOOD
        for one in request.body["alerts"]
        if one["status"] != "firing"
    }
    return all((event.alert_id, instant_to_text(event.episode)) in over for event in ended(events))


def check_complete_and_in_order(receiver: Receiver, events: Sequence[AlertEvent]) -> None:
    """Of each alert the episodes in their order, each as begun and then ended, or as passed; whatever was answered."""
    heard: dict[str, list[tuple[str, str]]] = defaultdict(list)
    arrived: dict[str, set[tuple[str, str]]] = defaultdict(set)
    said: dict[str, list[tuple[str, tuple[str, str]]]] = {}
    for request in receiver.requests:
        if request.answer not in TOOK:
            continue
        facts = [(one["alert_id"], (one["times"]["episode"], one["status"])) for one in request.body["alerts"]]
        again = said.setdefault(request.id, facts) is not facts
        assert said[request.id] == facts, "the same id says something else"
        for alert, fact in facts:
            if not again and fact not in heard[alert][-1:]:
                heard[alert].append(fact)
            if request.answer in GOOD:
                arrived[alert].add(fact)
    for alert, told in heard.items():
        expected: list[tuple[str, str]] = []
        for event in ended(events):
            if event.alert_id == alert:
                episode = instant_to_text(event.episode)
                passed = (episode, "passed") in told
                expected += [(episode, one) for one in (("passed",) if passed else ("firing", "resolved"))]
        assert told == expected
        assert arrived[alert] == set(expected), "not all of it was answered"
    assert set(heard) == {event.alert_id for event in events}


def check_repetitions(receiver: Receiver, kills: Sequence[Kill]) -> int:
    """What arrived twice although the receiver had answered did so because of a kill, under its id; and of each kill
    no more than there were requests at once. How many did."""
    answered: dict[str, list[Request]] = defaultdict(list)
    tells: dict[tuple[str, str], set[str]] = defaultdict(set)
    begun: set[str] = set()
    for request in receiver.requests:
        if request.answer in TOOK:
            for one in request.body["alerts"]:
                if one["status"] != "firing" or one["event_id"] not in begun:
                    tells[one["event_id"], one["status"]].add(request.id)
            begun |= {one["event_id"] for one in request.body["alerts"]}
        if request.answer in GOOD:
            answered[request.id].append(request)
    assert all(len(ids) == 1 for ids in tells.values()), "told twice under different ids"
    repeated: Counter[Kill] = Counter()
    for requests in answered.values():
        for first, second in pairwise(requests):
            between = [kill for kill in kills if first.at <= kill.at <= second.at]
            assert between, f"{first.id} was sent again after it had been answered, and nobody was killed"
            repeated[between[0]] += 1
    assert all(count <= kill.concurrency for kill, count in repeated.items())
    return repeated.total()


@pytest.mark.faults
@pytest.mark.timeout(60 * KILLS + 240)
async def test_nothing_is_lost_and_nothing_told_twice(tmp_path: Path) -> None:
    kafka, alerts = RestartableKafka(tmp_path / "kafka"), Alerts()
    (nobody,) = ports.free()
    async with listening(Receiver(failing, "1")) as each, listening(Receiver(failing, "1")) as sites:
        notifier = Notifier(kafka.bootstrap, tmp_path, each.url, timeout="2s")
        notifier.environment["PANTAU_DATABASE__DSN"] = f"postgresql://pantau@127.0.0.1:{nobody}/pantau"
        (one,) = notifier.notifications["receivers"]
        (hook,) = one["webhook_configs"]
        notifier.notifications["receivers"] = [
            {"name": "each", "webhook_configs": [hook]},
            {"name": "sites", "webhook_configs": [hook | {"url": sites.url}]},
        ]
        notifier.notifications["route"] = {
            "receiver": "each",
            "immediate": True,
            "routes": [{"receiver": "each", "continue": True}, {"receiver": "sites", "group_by": ["site"]}],
        }
        receivers, played = (each, sites), Played(kafka, notifier)
        producer = Producer(kafka.bootstrap, "test", deadline_seconds=DEADLINE_SECONDS)
        try:
            await played.start_kafka()
            await asyncio.to_thread(run_module, "infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
            await producer.start()
            await play(played, alerts, producer, receivers)
            before = [len(receiver.requests) for receiver in receivers]
            with notifier.running():  # and one more, which has nothing to tell
                await eventually(notifier.is_ready, DEADLINE_SECONDS)
            assert [len(receiver.requests) for receiver in receivers] == before
        finally:
            await producer.stop()
            await played.stop_kafka()
    for receiver in receivers:
        check_complete_and_in_order(receiver, alerts.events)
        check_repetitions(receiver, played.kills)


async def play(played: Played, alerts: Alerts, producer: Producer, receivers: Sequence[Receiver]) -> None:
    """`KILLS` kills, each while some of what was published just before is on its way."""
    victims = ["kafka"] * (KILLS // 3) + ["notifier"] * (KILLS - KILLS // 3)
    random.shuffle(victims)
    share = -(-len(alerts.events) // (KILLS + 1))
    shares = [alerts.events[start : start + share] for start in range(0, len(alerts.events), share)]
    publishing: list[asyncio.Task[None]] = []

    async def meet(victim: str, some: Sequence[AlertEvent]) -> None:
        publishing.append(asyncio.create_task(publish_after(alerts, producer, some, publishing[-1:])))
        least = requests(receivers) + random.randrange(share // 2)

        async def under_way() -> bool:
            return requests(receivers) >= least

        await eventually(under_way, DEADLINE_SECONDS)
        if victim == "kafka":
            await played.kill_kafka()

    while victims:
        async with played.one():
            victim = "kafka"
            while victims and victim == "kafka":
                victim = victims.pop()
                await meet(victim, shares.pop(0))
    with played.notifier.running():
        await publish_after(alerts, producer, [event for some in shares for event in some], publishing)

        async def all_told() -> bool:
            return all(is_all_told(receiver, alerts.events) for receiver in receivers)

        await eventually(all_told, DEADLINE_SECONDS)
        await eventually(played.notifier.is_ready, DEADLINE_SECONDS)


def requests(receivers: Sequence[Receiver]) -> int:
    return sum(len(receiver.requests) for receiver in receivers)


async def publish_after(
    alerts: Alerts, producer: Producer, some: Sequence[AlertEvent], before: Sequence[asyncio.Task[None]]
) -> None:
    await asyncio.gather(*before)
    await alerts.publish(producer, some)
