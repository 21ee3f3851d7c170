"""Alerting on a real bus: a rule and samples in, events out, whatever is killed or comes in between."""

import asyncio
import os
import random
import signal
import uuid
from collections.abc import AsyncIterator

import pytest

from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent, CurrentAlert
from shared.messages.dead_letters import DeadLetter
from shared.messages.rules import AlertingRule, RuleGroup
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import ALERT_STATE, ALERTING_INPUTS, DEAD_LETTERS, RULES, SAMPLES, Opaque, Topic
from shared.rules.small import SmallRule, small_group
from tests.conftest import eventually
from tests.integration.alerting_worker import Worker, events, new_time, offline, read_all, until_events

KILLS = int(os.environ.get("PANTAU_TEST_KILLS", "3"))


@pytest.fixture(scope="module")
async def worker(topics: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worker]:
    """Alerting, running and ready."""
    running = Worker(topics, tmp_path_factory.mktemp("alerting") / "log")
    running.start()
    await running.ready()
    yield running
    running.stop()


@pytest.fixture
async def running(worker: Worker) -> Worker:
    """The worker, started again if a test before left it dead."""
    if not worker.lives:
        worker.start()
    await worker.ready()
    return worker


@pytest.fixture
def name() -> str:
    """A metric and rule of this test's own."""
    return f"test_{uuid.uuid4().hex[:8]}"


async def post_rule(producer: Producer, name: str, version: int = 1) -> None:
    rule = SmallRule(name=name, condition=f"{name} > 100", severity="warning", message="Too many")
    group = small_group(rule, version, "test", clock.now_ms())
    await producer.send(Outgoing(RULES, name, group))


async def push(producer: Producer, name: str, value: float, source: str = "push/1", **labels: str) -> None:
    inner = ",".join(f'{label}="{text}"' for label, text in sorted(labels.items()))
    key = f"{name}{{{inner}}}" if inner else name
    batch = SampleBatch.of(source, [Sample(key, new_time(), value)])
    await producer.send(Outgoing(SAMPLES, source, batch))


async def test_a_rule_and_then_a_sample(topics: str, producer: Producer, running: Worker, name: str) -> None:
    await post_rule(producer, name)
    await push(producer, name, 123, type="business")
    (event,) = await until_events(topics, name, ["firing"])
    assert event.labels == {"alertname": name, "severity": "warning", "type": "business"}
    assert (event.value, event.threshold, event.transition, event.message) == (123.0, 100.0, 1, "Too many")
    assert [series.series for series in event.evidence.series] == [f'{name}{{type="business"}}']


async def test_a_sample_and_then_its_rule(topics: str, producer: Producer, running: Worker, name: str) -> None:
    await push(producer, name, 123)
    await post_rule(producer, name)
    await until_events(topics, name, ["firing"])


async def test_a_condition_that_came_and_went_right_after_its_rule_is_told(
    topics: str, producer: Producer, running: Worker, name: str
) -> None:
    await post_rule(producer, name)
    for value in (123, 50, 124):
        await push(producer, name, value)
    first, over, second = await until_events(topics, name, ["firing", "resolved", "firing"])
    assert first.episode == over.episode < second.episode
    assert (first.transition, over.transition, second.transition) == (1, 2, 1)


async def current(topics: str, name: str) -> dict[str, CurrentAlert]:
    """The compacted topic as a late reader sees it."""
    found: dict[str, CurrentAlert] = {}
    for record in await read_all(topics, ALERT_STATE):
        key = (record.key or b"").decode()
        if record.value is None:
            found.pop(key, None)
        elif (alert := CurrentAlert.decode(record.value)).rule == name:
            found[key] = alert
    return found


async def test_the_current_state_follows_and_ends_with_a_deleted_rule(
    topics: str, producer: Producer, running: Worker, name: str
) -> None:
    await post_rule(producer, name)
    await push(producer, name, 123, host="a")
    (event,) = await until_events(topics, name, ["firing"])

    async def state() -> dict[str, CurrentAlert]:
        return await current(topics, name)

    (alert,) = (await eventually(state)).values()
    assert (alert.alert_id, alert.last_event_id, alert.state) == (event.alert_id, event.id, "firing")
    await producer.send(Outgoing(RULES, name, None))
    await until_events(topics, name, ["firing", "resolved"])

    async def gone() -> bool:
        return not await current(topics, name)

    await eventually(gone)


async def test_a_group_on_its_grid(topics: str, producer: Producer, running: Worker, name: str) -> None:
    group = RuleGroup(
        name=name,
        rules=[AlertingRule(name=name, expr=f"{name} > 1", for_ms=2_000)],
        interval_ms=1_000,
        version=1,
        origin="api",
        updated_by="test",
        updated_at=clock.now_ms(),
    )
    await producer.send(Outgoing(RULES, name, group))
    await push(producer, name, 5, source="collector/test")
    await until_events(topics, name, ["pending", "firing"])
    await push(producer, name, 0, source="collector/test")
    found = await until_events(topics, name, ["pending", "firing", "resolved"])
    assert [event.instant % 1_000 for event in found] == [0, 0, 0]


@pytest.mark.parametrize("topic", [SAMPLES, RULES, ALERTING_INPUTS], ids=lambda topic: topic.name)
async def test_garbage_is_put_aside_and_the_stream_goes_on(
    topics: str, producer: Producer, running: Worker, name: str, topic: Topic
) -> None:
    acknowledged = await producer.send(Outgoing(topic, name, Opaque(b"\xffgarbage"), partition=0))

    async def put_aside() -> list[DeadLetter]:
        letters = [DeadLetter.decode(record.value or b"") for record in await read_all(topics, DEAD_LETTERS)]
        return [
            letter
            for letter in letters
            if (letter.topic, letter.partition, letter.offset, letter.consumer)
            == (topic.name, 0, acknowledged.offset, "alerting")
        ]

    assert (await eventually(put_aside))[0].reason
    await post_rule(producer, name)
    await push(producer, name, 123)
    await until_events(topics, name, ["firing"])


async def test_what_fired_before_a_crash_resolves_after_it(
    topics: str, producer: Producer, running: Worker, name: str
) -> None:
    await post_rule(producer, name)
    await push(producer, name, 123)
    (fired,) = await until_events(topics, name, ["firing"])
    assert running.kill(signal.SIGKILL) == -signal.SIGKILL
    await push(producer, name, 50)
    await push(producer, name, 200)
    running.start()
    _, resolved, again = await until_events(topics, name, ["firing", "resolved", "firing"])
    assert (resolved.episode, resolved.transition) == (fired.episode, 2)
    assert again.episode > fired.episode


async def test_a_planned_stop_is_clean(topics: str, producer: Producer, running: Worker, name: str) -> None:
    assert running.kill(signal.SIGTERM) == 0


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_killed_at_random_nothing_is_lost_or_invented(
    topics: str, producer: Producer, running: Worker, name: str
) -> None:
    chance = random.Random(KILLS)
    await post_rule(producer, name)
    sent: dict[str, list[float]] = {}
    done = asyncio.Event()

    async def load() -> None:
        while not done.is_set():
            host = f"h{chance.randrange(20)}"
            value = chance.choice([50.0, 150.0])
            sent.setdefault(host, []).append(value)
            await push(producer, name, value, host=host)
            await asyncio.sleep(0.005)

    loading = asyncio.create_task(load())
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.5, 6.0))
        running.kill(signal.SIGKILL)
        await asyncio.sleep(chance.uniform(0.0, 2.0))
        running.start()
    await running.ready()
    done.set()
    await loading

    def mine(event: AlertEvent) -> bool:
        return event.rule == name

    expected = {host: states for host, values in sent.items() if (states := _transitions(values))}

    async def all_told() -> bool:
        return _by_host(await events(topics, mine)) == expected

    await eventually(all_told, 120)
    # The same as the pure fold makes of the log, byte for byte.
    folded = [event.encode() for event in await offline(topics) if mine(event)]
    assert folded == [event.encode() for event in await events(topics, mine)]


def _transitions(values: list[float]) -> list[str]:
    states, firing = [], False
    for value in values:
        if (value > 100) != firing:
            firing = not firing
            states.append("firing" if firing else "resolved")
    return states


def _by_host(found: list[AlertEvent]) -> dict[str, list[str]]:
    states: dict[str, list[str]] = {}
    for event in found:
        states.setdefault(event.labels["host"], []).append(event.state)
    return states
