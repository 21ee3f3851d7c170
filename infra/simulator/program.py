"""The simulated provider as a program: it runs until it is stopped, and tells what happens as it happens."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from infra.simulator.application.customers import instant
from infra.simulator.playing import Play
from infra.simulator.scenarios.scenario import Expected, Scenario
from infra.simulator.world import World

LOOK_SECONDS = 0.25
TOLD_EVERY_SECONDS = 60.0
BETWEEN_MINUTES = 5

Say = Callable[[datetime, str], None]
"""Told what happens, and when by the provider's time."""


async def run(world: World, scenarios: Sequence[Scenario], say: Say, *, endless: bool) -> None:
    """Play the scenarios one after the other inside a world that is there, `endless` again and again; after the last
    one the world goes on, until SIGINT, SIGTERM or SIGHUP."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    playing = loop.create_task(_play(world, scenarios, say, endless))
    stopped = loop.create_task(over.wait())
    await asyncio.wait({playing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    if not playing.cancelled() and (error := playing.exception()):
        raise error


async def _play(world: World, scenarios: Sequence[Scenario], say: Say, endless: bool) -> None:
    for scenario in _order(scenarios, endless):
        play = Play(world, scenario)
        say(instant(world.now_ms()), f"{scenario.name}: {scenario.summary}")
        say(instant(world.now_ms()), expectation(play.timeline.alerts))
        until_ms = play.ends_ms + BETWEEN_MINUTES * 60_000
        await _watch(world, play, say, until_ms if endless else None)


def _order(scenarios: Sequence[Scenario], endless: bool) -> Iterator[Scenario]:
    yield from scenarios
    while endless:
        yield from scenarios


async def _watch(world: World, play: Play, say: Say, until_ms: int | None) -> None:
    """Play on until that time, or for ever."""
    loop, announced = asyncio.get_running_loop(), False
    told = loop.time()
    while until_ms is None or world.now_ms() < until_ms:
        for step in await play.go_on():
            say(instant(world.now_ms()), step.told)
        if play.is_over and not announced:
            say(instant(world.now_ms()), "the scenario is over; life goes on")
            announced = True
        if loop.time() - told >= TOLD_EVERY_SECONDS:
            say(instant(world.now_ms()), state(world))
            told = loop.time()
        await asyncio.sleep(LOOK_SECONDS)


def expectation(alerts: Sequence[Expected]) -> str:
    """What the default rules are to make of a scenario, in words."""
    if not alerts:
        return "the default rules are to raise nothing"
    return "the default rules are to raise " + ", ".join(map(alert_text, alerts))


def alert_text(alert: Expected) -> str:
    """`rule{label="value"}`"""
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(alert.labels.items()))
    return f"{alert.rule}{{{labels}}}" if labels else alert.rule


def state(world: World) -> str:
    """How the world is, in a line."""
    now_ms = world.now_ms()
    online = sum(len(served.router.sessions(now_ms)) for served in world.fleet.routers.values())
    told = f"{online} subscribers online on {len(world.fleet.routers)} routers"
    if world.application is not None:
        answers = world.application.answers
        told += f", {answers.total()} requests so far"
        failed = sum(count for answer, count in answers.items() if not answer.startswith(("2", "4")))
        told += f" ({failed} failed)" if failed else ""
    return told
