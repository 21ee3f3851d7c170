"""A thousand alerts that go up and down: rules, and the sources that push their samples through any outage."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.rules import AlertingRule, RuleGroup
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import RULES, SAMPLES
from shared.rules.files import parse_rule_file
from tests.conftest import eventually

THRESHOLD = 100.0
LOW, HIGH = 50.0, 150.0
SOURCES = 4
SERIES_EACH = 125
# Interval and `for` of each group, in ms; an interval of 0 stands for a group that is evaluated on arrival.
LONGEST_INTERVAL_MS, LONGEST_FOR_MS = 2_000, 3_000
KINDS = ((0, 0), (0, 0), (0, 0), (0, 0), (1_000, 0), (2_000, 0), (1_000, 2_000), (1_000, 3_000))


@dataclass(frozen=True)
class Watched:
    """A rule group with one rule, `metric > 100`, and what it watches."""

    group: RuleGroup
    series: tuple[str, ...]

    @property
    def rule(self) -> AlertingRule:
        """Its one rule."""
        (rule,) = self.group.rules
        assert isinstance(rule, AlertingRule)
        return rule


def watched(prefix: str) -> list[Watched]:
    """Eight groups of 125 series each, all of names that begin with `prefix`."""
    return [
        Watched(
            RuleGroup(
                name=f"{prefix}_{number}",
                rules=[
                    AlertingRule(name=f"{prefix}_{number}", expr=f"{prefix}_m{number} > {THRESHOLD:g}", for_ms=for_ms)
                ],
                interval_ms=interval_ms or None,
                immediate=interval_ms == 0,
                version=1,
                origin="api",
                updated_by="test",
                updated_at=clock.now_ms(),
            ),
            tuple(f'{prefix}_m{number}{{host="h{host:03}"}}' for host in range(SERIES_EACH)),
        )
        for number, (interval_ms, for_ms) in enumerate(KINDS)
    ]


def rich(prefix: str) -> list[RuleGroup]:
    """Groups over the same series whose rules no oracle knows: recorded, read by another group, on arrival."""
    text = f"""
groups:
- name: {prefix}_recorded
  interval: 1s
  rules:
  - {{record: "{prefix}:busy", expr: 'count({prefix}_m4 > {THRESHOLD:g}) or vector(0)'}}
  - {{alert: {prefix}_busy, expr: '{prefix}:busy > 60', keep_firing_for: 2s}}
- name: {prefix}_chained
  interval: 1s
  rules:
  - {{alert: {prefix}_restless, expr: 'changes({prefix}:busy[6s]) > 3'}}
  - {{alert: {prefix}_crowd, expr: '{prefix}_m5 > {THRESHOLD:g} and on () {prefix}:busy > 60', for: 1s}}
  - {{alert: {prefix}_storm, expr: 'count(ALERTS{{alertname="{prefix}_crowd",alertstate="firing"}}) > 20'}}
- name: {prefix}_both
  immediate: true
  rules:
  - {{alert: {prefix}_both, expr: '{prefix}_m0 > {THRESHOLD:g} and on (host) {prefix}_m1 > {THRESHOLD:g}'}}
  - {{alert: {prefix}_mean, expr: 'avg_over_time({prefix}_m2[4s]) > {THRESHOLD:g}'}}
"""
    return [draft.group(1, "test", clock.now_ms()) for draft in parse_rule_file(text, "rich.yaml")]


@dataclass
class Source:
    """A collector with every fourth series of each group: what it reads follows from its seed and the round alone."""

    name: str
    partition: int
    series: Sequence[str]
    seed: int
    up: np.ndarray[tuple[int], np.dtype[np.bool_]] = field(init=False)
    rounds: int = 0
    _last_ms: int = 0

    def __post_init__(self) -> None:
        self._chance = np.random.default_rng(self.seed)
        self.up = self._chance.random(len(self.series)) < 0.5

    def turn(self, all_to: bool | None = None) -> None:
        """The next round: some series cross the threshold, now and then all of them do; or all are as they are told."""
        self.rounds += 1
        if all_to is not None:
            self.up[:] = all_to
            return
        flips = self._chance.random(len(self.series)) < 0.03
        self.up = self.up ^ (~flips if self.rounds % 16 == 5 else flips)

    def batch(self) -> SampleBatch:
        """What it reads now."""
        now = self._last_ms = max(clock.now_ms(), self._last_ms + 1)
        values = np.where(self.up, HIGH, LOW).tolist()
        return SampleBatch.of(
            self.name, [Sample(key, now, value) for key, value in zip(self.series, values, strict=True)]
        )


class Load:
    """All sources at work. Each sends batch after batch, the next one once the last is acknowledged."""

    def __init__(self, producer: Producer, groups: Sequence[Watched], prefix: str, seed: int, period: float) -> None:
        self._producer, self._period = producer, period
        everything = [key for one in groups for key in one.series]
        self.sources = [
            Source(f"collector/{prefix}-{number}", number, everything[number::SOURCES], seed + number)
            for number in range(SOURCES)
        ]
        self._all: bool | None = None
        """Whether everything is above the threshold, or below it; None: as it comes."""
        self.calm_since_ms = 0
        """From here on everything is below the threshold; 0: not yet."""

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for source in self.sources:
                tasks.create_task(self._run(source))

    async def end(self) -> None:
        """Everything goes up for so long that it fires, then down for good; returns once that is acknowledged."""
        self._all = True
        await self._rounds(3 + math.ceil((LONGEST_FOR_MS / 1_000 + LONGEST_INTERVAL_MS / 1_000) / self._period))
        self._all = False
        await self._rounds(2)
        self.calm_since_ms = clock.now_ms()

    async def _rounds(self, count: int) -> None:
        before = [source.rounds for source in self.sources]

        async def done() -> bool:
            return all(source.rounds >= then + count for source, then in zip(self.sources, before, strict=True))

        await eventually(done, 120)

    async def _run(self, source: Source) -> None:
        while True:
            source.turn(self._all)
            await until_acknowledged(
                self._producer, Outgoing(SAMPLES, source.name, source.batch(), partition=source.partition)
            )
            await asyncio.sleep(self._period)


async def until_acknowledged(producer: Producer, message: Outgoing) -> None:
    """Send it, the same again and again through any outage."""
    while True:
        try:
            await producer.send(message)
            return
        except BusUnavailable:
            await asyncio.sleep(0.1)


@asynccontextmanager
async def load(
    bootstrap: str,
    groups: Sequence[Watched],
    prefix: str,
    seed: int,
    more: Sequence[RuleGroup] = (),
    period: float = 0.5,
) -> AsyncIterator[Load]:
    """The rules on the bus, `more` among them, then the load for as long as the block lasts."""
    every = [*(one.group for one in groups), *more]
    producer = Producer(bootstrap, "test", deadline_seconds=60)
    await producer.start()
    running: asyncio.Task[None] | None = None
    try:
        for group in every:
            await until_acknowledged(producer, Outgoing(RULES, group.name, group))
        made = Load(producer, groups, prefix, seed, period)
        running = asyncio.create_task(made.run())
        yield made
        if running.done():
            running.result()
    finally:
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        for group in every:
            await until_acknowledged(producer, Outgoing(RULES, group.name, None))
        await producer.stop()
