"""Probes: immediate rules of one series each, made to fire and to resolve, and how long their events took."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared import clock
from shared.messages.rules import AlertingRule, RuleGroup
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import ALERT_EVENTS, SAMPLES

DEADLINE_SECONDS = 60.0


def probe_groups(count: int) -> list[RuleGroup]:
    """As many groups of one immediate rule."""
    return [
        RuleGroup(
            name=_name(number),
            rules=[AlertingRule(name=_name(number), expr=f"pantau_bench_probe_{number} > 0")],
            immediate=True,
            version=1,
            origin="api",
            updated_by="bench",
            updated_at=clock.now_ms(),
        )
        for number in range(count)
    ]


def _name(number: int) -> str:
    return f"probe-{number}"


@dataclass(frozen=True)
class Told:
    """One transition: when its sample was acknowledged and its event arrived (s, monotonic)."""

    state: str
    acknowledged: float
    arrived: float

    @property
    def seconds(self) -> float:
        """From one to the other. What overtakes the acknowledgement on its way to us took no time after it."""
        return max(self.arrived - self.acknowledged, 0.0)


class Probes:
    """Toggles probes and waits for their events."""

    def __init__(self, count: int, producer: AIOKafkaProducer) -> None:
        self._producer, self._random = producer, random.Random(1)
        self._fires = [False] * count
        self._idle, self._places = list(range(count)), asyncio.Semaphore(count)
        self._waiting: dict[tuple[str, str], asyncio.Future[float]] = {}
        self._last_ms = 0
        self.lost = 0
        """Transitions without an event within a minute."""

    def note(self, payload: bytes) -> None:
        """An event has just come."""
        now = time.perf_counter()
        event = json.loads(payload)
        waiting = self._waiting.pop((event["rule"], event["state"]), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(now)

    async def one(self) -> Told | None:
        """Toggle a probe that nothing is awaited of; None if no event came of it. All busy: waits."""
        await self._places.acquire()
        number = self._idle.pop(self._random.randrange(len(self._idle)))
        self._fires[number] = fires = not self._fires[number]
        state = "firing" if fires else "resolved"
        waiting = self._waiting[_name(number), state] = asyncio.get_running_loop().create_future()
        # Two samples of one series at one time would count as one.
        self._last_ms = max(clock.now_ms(), self._last_ms + 1)
        sample = Sample(f"pantau_bench_probe_{number}", self._last_ms, float(fires))
        batch = SampleBatch.of(f"bench/{_name(number)}", [sample])
        await self._producer.send_and_wait(SAMPLES.name, key=batch.source.encode(), value=batch.encode())
        acknowledged = time.perf_counter()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                arrived = await waiting
        except TimeoutError:
            self.lost += 1
            return None
        finally:
            self._waiting.pop((_name(number), state), None)
            self._idle.append(number)
            self._places.release()
        return Told(state, acknowledged, arrived)

    async def many(self, transitions: int, seconds: float) -> list[Told]:
        """Toggle so many at random moments of a time; those whose event came."""

        async def at(moment: float) -> Told | None:
            await asyncio.sleep(moment)
            return await self.one()

        moments = sorted(self._random.uniform(0, seconds) for _ in range(transitions))
        found = await asyncio.gather(*(at(moment) for moment in moments))
        return [told for told in found if told is not None]

    async def each(self) -> None:
        """Let each probe fire and resolve once: what a first time costs is not measured."""
        for _ in range(2):
            await asyncio.gather(*(self.one() for _ in range(len(self._fires))))


@asynccontextmanager
async def probing(bootstrap: str, count: int) -> AsyncIterator[Probes]:
    """Probes that watch the topic of events from its end on."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(ALERT_EVENTS.name, bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await asyncio.gather(producer.start(), consumer.start())
    await consumer.seek_to_end()
    probes = Probes(count, producer)

    async def read() -> None:
        async for record in consumer:
            probes.note(record.value)

    reading = asyncio.create_task(read())
    try:
        yield probes
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await asyncio.gather(producer.stop(), consumer.stop())
