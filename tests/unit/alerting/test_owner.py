"""The owner of a partition tells what it decides in the order in which it was decided."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from aiokafka import ConsumerRecord

from services.alerting.core.inputs import dump
from services.alerting.core.terms import Terms
from services.alerting.owner import Owner
from services.alerting.taken import Taken
from services.alerting.turns import Turns
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent
from shared.messages.samples import Sample
from shared.messages.topics import ALERT_EVENTS, ALERTING_INPUTS
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Log, Simulation
from tests.cases.timeline import START_MS


class Sent:
    """Takes what a producer would send."""

    def __init__(self) -> None:
        self.messages: list[Outgoing] = []

    async def send_all(self, messages: Sequence[Outgoing]) -> list[object]:
        self.messages += messages
        await asyncio.sleep(0)
        return []


class Kept:
    """A table in memory."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}

    def read(self, partition: int) -> dict[str, bytes]:
        return dict(self.entries)

    async def write(self, partition: int, entries: dict[str, bytes | None]) -> None:
        for key, value in entries.items():
            if value is None:
                self.entries.pop(key, None)
            else:
                self.entries[key] = value


def record(offset: int, value: bytes, at: int) -> Taken:
    fields = (ALERTING_INPUTS.name, 0, offset, at, 0, b"", value, None, 0, len(value), ())
    return Taken(ConsumerRecord(*fields), lambda: None)


def told_by_an_owner(log: Log) -> list[AlertEvent]:
    """What an owner tells that finds the whole log waiting for it."""
    sent = Sent()

    async def run() -> None:
        with ThreadPoolExecutor(1) as threads:
            owner = Owner(0, "", Terms(), 3600, cast(Producer, sent), Kept(), "test", "worker", threads, Turns())
            for offset, (message, at) in enumerate(log):
                await owner.put(record(offset, dump(message), at))
            owner.start()
            await owner.stop(60)

    asyncio.run(run())
    return [
        AlertEvent.decode(one.message.encode()) for one in sent.messages if one.topic is ALERT_EVENTS and one.message
    ]


def test_what_a_message_brought_forth_is_told_before_what_the_next_one_waits_for() -> None:
    simulation = Simulation(now_ms=START_MS)
    text = "groups: [{name: g, immediate: true, rules: [{alert: r, expr: m > 100, for: 10s}]}]"
    simulation.define(parse_rule_file(text, "test"))
    for second in range(300):
        simulation.now_ms = START_MS + second * 1_000
        if second % 30 in (5, 17):  # pending on arrival, firing at the 15th second, over on arrival
            simulation.send("collector/a", [Sample("m", simulation.now_ms, 123 if second % 30 == 5 else 1)])
        if second % 30 == 16:
            simulation.mark()
    told = told_by_an_owner(simulation.log)
    assert [event.state for event in told] == ["pending", "firing", "resolved"] * 10
    assert [event.id for event in told] == [event.id for event in simulation.events]
