"""What is kept while the bus is away. The producer is a fake: only its answers matter here."""

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from shared.bus import BusUnavailable, MessageRefused, Outgoing
from shared.bus.backlog import Backlog
from shared.bus.producer import Acknowledged
from shared.messages.topics import SAMPLES

HOUR_MS = 3_600_000


class Text(str):
    """The smallest thing that can be sent."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode(encoding, errors)


class Bus:
    """Takes messages while it is `there`, but for those that are too large."""

    def __init__(self) -> None:
        self.there, self.sent = True, list[str]()

    async def send_all(self, messages: Sequence[Outgoing], deadline_seconds: float | None = None) -> list[Acknowledged]:
        if not self.there:
            raise BusUnavailable("away")
        if any(len(str(message.message)) > 100 for message in messages):
            raise MessageRefused
        self.sent += [str(message.message) for message in messages]
        return []


def outgoing(*texts: str) -> list[Outgoing]:
    return [Outgoing(SAMPLES, "collector/a", Text(text)) for text in texts]


def backlog(bus: Bus, **bounds: int) -> Backlog:
    return Backlog(bus, **{"longest_ms": HOUR_MS, "most_bytes": 1_000, **bounds})  # type: ignore[arg-type]


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("pantau_backlog_dropped_total", {"topic": SAMPLES.name, "reason": reason}) or 0.0


def drain(kept: Backlog) -> None:
    asyncio.run(kept.drain(10))


def test_everything_comes_in_its_order() -> None:
    bus = Bus()
    kept = backlog(bus)
    kept.put(outgoing("a", "b"), 0)
    kept.put(outgoing("c"), 1_000)
    drain(kept)
    assert (bus.sent, len(kept)) == (["a", "b", "c"], 0)


@pytest.mark.parametrize(
    ("bounds", "reason", "left"),
    [({"longest_ms": 1_999}, "too_old", ["b", "c"]), ({"most_bytes": 2}, "no_room", ["b", "c"]), ({}, "no_room", None)],
)
def test_the_oldest_is_dropped_and_counted(bounds: dict[str, int], reason: str, left: list[str] | None) -> None:
    bus, before = Bus(), dropped(reason)
    kept = backlog(bus, **bounds)
    for second, text in enumerate("abc"):
        kept.put(outgoing(text), second * 1_000)
    drain(kept)
    assert bus.sent == (left or ["a", "b", "c"])
    assert dropped(reason) - before == (1 if left else 0)


def test_one_that_no_bus_would_take_holds_up_no_other() -> None:
    bus, before = Bus(), dropped("refused")
    kept = backlog(bus)
    kept.put(outgoing("a", "x" * 101, "b"), 0)
    drain(kept)
    assert bus.sent == ["a", "b"]
    assert dropped("refused") - before == 1


def test_what_is_still_there_at_the_end_is_counted_as_lost() -> None:
    bus, before = Bus(), dropped("shutdown")
    bus.there = False
    kept = backlog(bus)
    kept.put(outgoing("a", "b"), 0)
    drain(kept)
    assert (dropped("shutdown") - before, len(kept)) == (2, 0)


def test_a_bus_that_comes_back_is_told_and_gets_all() -> None:
    bus, told = Bus(), list[str | None]()
    bus.there = False

    def bus_is(reason: str | None) -> None:
        told.append(reason)
        bus.there = True

    async def send() -> None:
        kept = Backlog(bus, HOUR_MS, 1_000, bus_is)  # type: ignore[arg-type]
        kept.put(outgoing("a", "b"), 0)
        sending = asyncio.create_task(kept.run())
        async with asyncio.timeout(30):
            while len(told) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
        sending.cancel()

    asyncio.run(send())
    assert (told, bus.sent) == (["away", None], ["a", "b"])
