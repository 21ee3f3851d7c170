"""What is measured: a worker with its rules active and its windows full, samples that arrive, probes."""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer

from bench import _rules
from bench._bus import Bus
from bench._load import Load, Pace
from bench._probes import Probes, probe_groups, probing
from bench._worker import Worker
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.rules import GroupStatus, RuleGroup
from shared.messages.topics import RULES, RULES_STATUS

Say = Callable[[str], None]

FILL_SECONDS = 900.0
SETTLE_SECONDS = 120.0
SETTLED_LAG_SECONDS = 2.0
LAG = "pantau_alerting_watermark_lag_seconds"
BEHIND = "pantau_alerting_behind_seconds"


@dataclass
class Scene:
    """The parts, all running."""

    bus: Bus
    worker: Worker
    load: Load
    probes: Probes
    rules: int
    """How many are evaluated on the grid, and their interval."""
    interval_seconds: float
    empty_bytes: int
    """The worker's memory before it knew of any series."""

    def pace(self) -> Pace:
        """Samples a second from now on."""
        return Pace(self.load)

    async def settled(self) -> None:
        """Wait until the generator keeps pace, what was missed on the grid is made up for, and probes are told soon.
        SystemExit if that doesn't come."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while (await self.worker.metrics()).get(BEHIND, 0.0) > self.interval_seconds:  # noqa: ASYNC110
                    await asyncio.sleep(1)
                soon = 0
                while soon < 5 or self.load.behind_ms > 1_000:
                    told = await self.probes.one()
                    soon = soon + 1 if told is not None and told.seconds < SETTLED_LAG_SECONDS else 0
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise SystemExit(f"After {SETTLE_SECONDS:.0f} s alerting still doesn't keep up with the samples.") from None


@asynccontextmanager
async def scene(bus: Bus, arguments: argparse.Namespace, say: Say) -> AsyncIterator[Scene]:
    """Everything up to the moment when all rules are active under load; ended when the block is."""
    worker = Worker(bus.bootstrap, bus.directory / "alerting.log", arguments.profile)
    load = Load(bus.bootstrap, arguments.series, arguments.rate, clock.now_ms() - 1_000 * arguments.history)
    worker.start()
    try:
        await worker.ready()
        await asyncio.sleep(3)
        empty = worker.resident_bytes()
        say(f"One worker is ready: {empty / 2**20:.0f} MB. Sending {arguments.history} s of history.")
        async with probing(bus.bootstrap, arguments.probes) as probes, _sending(load):
            await _caught_up(load, say)
            on_grid = _rules.groups(arguments.rules, arguments.rule_file)
            await _activate(bus.bootstrap, [*on_grid, *probe_groups(arguments.probes)], worker, say)
            await probes.each()
            interval = (on_grid[0].interval_ms or _rules.INTERVAL_MS) / 1_000
            rules = sum(len(group.rules) for group in on_grid)
            yield Scene(bus, worker, load, probes, rules, interval, empty)
    finally:
        worker.stop()


@asynccontextmanager
async def _sending(load: Load) -> AsyncIterator[None]:
    await load.start()
    running = asyncio.create_task(load.run())
    try:
        yield
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await load.stop()


async def _caught_up(load: Load, say: Say) -> None:
    begun = time.perf_counter()
    while load.behind_ms > 1_000:  # noqa: ASYNC110  (time passes, nobody sets anything)
        await asyncio.sleep(0.05)
    seconds = time.perf_counter() - begun
    say(f"The bus took {load.acknowledged:,} samples in {seconds:.0f} s ({load.acknowledged / seconds:,.0f} a second).")


async def _activate(bootstrap: str, groups: list[RuleGroup], worker: Worker, say: Say) -> None:
    """Publish the groups and wait until all are active."""
    producer = Producer(bootstrap, "bench")
    consumer = AIOKafkaConsumer(RULES_STATUS.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await asyncio.gather(producer.start(), consumer.start())
    begun = time.perf_counter()
    states: dict[str, str] = {}
    try:
        await producer.send_all([Outgoing(RULES, group.name, group) for group in groups], deadline_seconds=60)
        say(f"{len(groups)} rule groups are published; their windows are being filled.")
        async with asyncio.timeout(FILL_SECONDS):
            said = time.perf_counter()
            while sum(state == "active" for state in states.values()) < len(groups):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        if record.value is not None:
                            status = GroupStatus.decode(record.value)
                            states[status.group] = status.state
                            if status.state == "refused":
                                raise SystemExit(f"Group {status.group} is refused: {status.reason}")
                if time.perf_counter() - said > 10:
                    said = time.perf_counter()
                    metrics = await worker.metrics()
                    active = sum(state == "active" for state in states.values())
                    say(f"  {active} active; time is {metrics.get(LAG, 0):.1f} s behind, summed over partitions")
    except TimeoutError:
        raise SystemExit(f"After {FILL_SECONDS:.0f} s only {len(states)} groups have said how they do.") from None
    finally:
        await asyncio.gather(producer.stop(), consumer.stop())
    say(f"All are active after {time.perf_counter() - begun:.0f} s.")
