"""Alerting as a process of its own, and the log of what it said, for tests."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.alerting.core.fold import Fold, fold_one
from services.alerting.core.inputs import decode
from services.alerting.core.terms import Terms
from shared import clock
from shared.messages.alerts import AlertEvent
from shared.messages.message import BadMessage
from shared.messages.topics import ALERT_EVENTS, ALERTING_INPUTS, Topic
from tests.conftest import clean_environment, eventually

INTERVAL_SECONDS = 2


class Worker:
    """`python -m services.alerting`, which may be killed and started again."""

    def __init__(self, bootstrap: str, log: Path, **environment: str) -> None:
        self._log, self._port = log, free_port()
        self._environment = clean_environment(
            PANTAU_KAFKA__BOOTSTRAP=bootstrap,
            PANTAU_ALERTING__ADMIN__PORT=str(self._port),
            PANTAU_ALERTING__EVALUATION_INTERVAL_SECONDS=str(INTERVAL_SECONDS),
            PANTAU_ALERTING__SNAPSHOT_INTERVAL_SECONDS="1",
            **environment,
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.alerting"], env=self._environment, stdout=out, stderr=out
            )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """End it by a signal; its exit status."""
        assert self._process is not None
        os.kill(self._process.pid, number)
        return self._process.wait(60)

    @property
    def lives(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it if it runs."""
        if self.lives:
            self.kill(signal.SIGTERM)

    async def ready(self) -> None:
        """Wait until it says that it does its work."""

        async def look() -> bool:
            assert self.lives, f"alerting ended:\n{self._log.read_text()[-4_000:]}"
            return await asyncio.to_thread(self.is_ready)

        await eventually(look)

    def is_ready(self) -> bool:
        """Whether it says so at this moment."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


async def read_all(bootstrap: str, topic: Topic) -> list[ConsumerRecord[bytes, bytes]]:
    """Everything that a topic holds at this moment, partition after partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, one) for one in sorted(consumer.partitions_for_topic(topic.name) or ())]
        if not places:
            await consumer._client.force_metadata_update()
            places = [TopicPartition(topic.name, one) for one in range(topic.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning()
        records: dict[TopicPartition, list[Any]] = {place: [] for place in places}
        for place in places:
            while await consumer.position(place) < ends[place]:
                for at, found in (await consumer.getmany(timeout_ms=500)).items():
                    records[at] += found
        return [record for place in places for record in records[place]]
    finally:
        await consumer.stop()


async def events(bootstrap: str, wanted: Callable[[AlertEvent], bool] = lambda _: True) -> list[AlertEvent]:
    """The events on the topic, each once, in their order. Asserts that no id has two contents."""
    found: dict[str, AlertEvent] = {}
    for record in await read_all(bootstrap, ALERT_EVENTS):
        event = AlertEvent.decode(record.value or b"")
        before = found.setdefault(event.id, event)
        assert before.encode() == event.encode(), "one id with two contents"
    return [event for event in found.values() if wanted(event)]


async def offline(bootstrap: str) -> list[AlertEvent]:
    """What the pure fold makes of the inputs as they are on the bus."""
    terms, folds, found = Terms(evaluation_interval_ms=INTERVAL_SECONDS * 1_000), dict[int, Fold](), []
    for record in await read_all(bootstrap, ALERTING_INPUTS):
        try:
            inputs = decode(record.value or b"")
        except BadMessage:
            continue
        fold = folds.setdefault(record.partition, Fold(terms))
        found += [
            event for one in inputs for outputs in fold_one(fold, one, record.timestamp) for event in outputs.events
        ]
    return found


async def until_events(bootstrap: str, rule: str, states: list[str]) -> list[AlertEvent]:
    """The events of a rule, once they are these states in this order."""

    async def look() -> list[AlertEvent]:
        found = await events(bootstrap, lambda event: event.rule == rule)
        return found if [event.state for event in found] == states else []

    return await eventually(look)


_last_ms = 0


def new_time() -> int:
    """Now, but later than any time given before: two samples of one series at one time would count as one."""
    global _last_ms
    _last_ms = max(clock.now_ms(), _last_ms + 1)
    return _last_ms


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
