"""What api tells of itself: shared where many wait, lost for nobody when the bus fails."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, cast

import pytest

from services.api.reporting import Reporter
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.samples import Sample, SampleBatch
from tests.conftest import eventually


class Bus:
    """Takes messages when it is let; each send is kept."""

    def __init__(self) -> None:
        self.sent: list[list[Sample]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fails = False
        self.asked = 0

    async def send_all(self, messages: Sequence[Outgoing], deadline_seconds: float) -> None:
        self.asked += 1
        await self.open.wait()
        if self.fails:
            raise BusUnavailable("away")
        batches = [cast(SampleBatch, message.message) for message in messages]
        assert {batch.source for batch in batches} == {"api/one"}
        self.sent.append([sample for batch in batches for sample in batch.samples()])


def reporter(bus: Bus, deadline_seconds: float = 30.0) -> Reporter:
    def read(now_ms: int, names: Collection[str] | None) -> list[Sample]:
        return [Sample(name, now_ms, 1.0) for name in sorted(("a", "b", "c") if names is None else names)]

    return Reporter("tests", cast(Producer, bus), "one", read, deadline_seconds)


def names(samples: list[Sample]) -> set[str]:
    return {sample.series for sample in samples}


async def waiting(bus: Bus, *reports: Any) -> list[asyncio.Task[None]]:
    """The reports as tasks; the first of them is at the bus, the others wait."""
    tasks = [asyncio.create_task(one) for one in reports]

    async def is_there() -> bool:
        return bus.asked > 0

    await eventually(is_there)
    return tasks


async def test_those_who_wait_share_the_next_one() -> None:
    bus = Bus()
    bus.open.clear()
    one = reporter(bus)
    tasks = await waiting(bus, one.report("a"), *(one.report(name) for name in "bcbcbc"))
    bus.open.set()
    await asyncio.gather(*tasks)
    assert [names(samples) for samples in bus.sent] == [{"a"}, {"b", "c"}]
    await one.report("a")
    times = [samples[0].time_ms for samples in bus.sent]
    assert times == sorted(set(times)), "no series goes back in time, or has one twice"


async def test_what_the_bus_did_not_take_is_in_the_next_one() -> None:
    bus = Bus()
    bus.open.clear()
    one = reporter(bus)
    tasks = await waiting(bus, one.report("a"), one.report("b"))
    bus.fails = True
    bus.open.set()
    assert all(isinstance(error, BusUnavailable) for error in await asyncio.gather(*tasks, return_exceptions=True))
    bus.fails = False
    await one.report("c")
    assert [names(samples) for samples in bus.sent] == [{"a", "b", "c"}]


async def test_nobody_waits_for_ever() -> None:
    bus = Bus()
    bus.open.clear()
    one = reporter(bus, deadline_seconds=0.01)
    with pytest.raises(BusUnavailable):
        await one.report("a")
    bus.open.set()
    await one.report("b")
    assert [names(samples) for samples in bus.sent] == [{"a", "b"}]
