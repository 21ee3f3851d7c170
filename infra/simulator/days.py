"""The past, lived through at a time that is moved on: what would have been collected, day by day."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from infra.simulator.application.exposed import told
from infra.simulator.checking import Checker
from infra.simulator.passing import SteppedTime
from infra.simulator.playing import Play
from infra.simulator.routeros.subscribers import DAY_MS, chance
from infra.simulator.scenarios.scenario import Scenario, Step
from infra.simulator.watching import HOST, Read, Watcher
from infra.simulator.world import World

LATENCIES = "_api_latency_seconds"
QUIET_HOURS = 2
"""Before the first incident of a day, and after the last."""


class Moment(NamedTuple):
    """What was read, and what happened, at an instant."""

    at_ms: int
    reads: list[Read]
    steps: list[Step]


async def lived(world: World, time: SteppedTime, scenarios: Sequence[Scenario], until_ms: int) -> AsyncIterator[Moment]:
    """Moment after moment up to then. Each day has one of the scenarios, in turn, at an hour that follows from the
    seed. `time` is the world's."""
    section = _without_canary(world.section())
    watcher, checker, play = Watcher(section), Checker(section), None
    at_ms = started_ms = time()
    while at_ms < until_ms:
        day = (at_ms - started_ms) // DAY_MS
        scenario = scenarios[day % len(scenarios)]
        begins_ms = started_ms + day * DAY_MS + _moment_of_day(world.provider.seed, day, scenario)
        if play is None and begins_ms <= at_ms < begins_ms + scenario.minutes * 60_000:
            play = Play(world, scenario)
        steps = await play.go_on() if play else []
        await world.go_on()
        if play is not None and play.is_over:
            play = None
        reads = [*map(_true, await watcher.read(at_ms)), *await checker.read(at_ms)]
        if world.application is not None:
            reads.append(Read(f"collector/{HOST}/billing", await told(world.application, at_ms)))
        yield Moment(at_ms, reads, steps)
        at_ms = time.step()


def _true(read: Read) -> Read:
    """Without how long the simulator took, which says nothing of that time."""
    return Read(read.origin, [one for one in read.samples if LATENCIES not in one.series])


def _without_canary(section: dict[str, Any]) -> dict[str, Any]:
    """The canary is a message that is waited for in real time, of which a month would hold thousands."""
    gateways = [
        {key: value for key, value in one.items() if key != "canary"} for one in section["whatsapp"]["gateways"]
    ]
    return section | {"whatsapp": section["whatsapp"] | {"gateways": gateways}}


def _moment_of_day(seed: str, day: int, scenario: Scenario) -> int:
    """How long after the beginning of the day it begins, in ms."""
    quiet = QUIET_HOURS * 3_600_000
    room = DAY_MS - 2 * quiet - scenario.minutes * 60_000
    return quiet + round(room * chance(seed, "incident", day))
