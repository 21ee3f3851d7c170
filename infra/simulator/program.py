"""The simulated provider as a program: it runs until it is stopped, and tells what happens as it happens."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import cycle

from infra.simulator.application.customers import instant
from infra.simulator.playing import Play
from infra.simulator.scenarios.scenario import Expected, Scenario
from infra.simulator.world import World

LOOK_SECONDS = 0.25
TOLD_EVERY_SECONDS = 60.0
BETWEEN_MINUTES = 2

Say = Callable[[datetime, str], None]
"""Told what happens, and when by the provider's time."""


async def run(world: World, scenarios: Sequence[Scenario], say: Say) -> None:
    """Play inside a world that is there, until SIGINT, SIGTERM or SIGHUP: after a single scenario life goes on, several
    are played one after the other, again and again."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    playing = loop.create_task(_play(world, scenarios, say))
    stopped = loop.create_task(over.wait())
    await asyncio.wait({playing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    if not playing.cancelled() and (error := playing.exception()):
        raise error


async def _play(world: World, scenarios: Sequence[Scenario], say: Say) -> None:
    for scenario in scenarios if len(scenarios) == 1 else cycle(scenarios):
        play = Play(world, scenario)
        say(instant(world.now_ms()), f"{scenario.name}: {scenario.summary}")
        say(instant(world.now_ms()), expectation(play.timeline.alerts))
        await _watch(world, play, say, play.ends_ms + BETWEEN_MINUTES * 60_000 if len(scenarios) > 1 else None)


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
    reachable = [served.router for served in world.fleet.routers.values() if served.is_reachable]
    online = sum(len(router.sessions(now_ms)) for router in reachable)
    told = f"{online} subscribers online on {len(reachable)} of {len(world.fleet.routers)} routers"
    if world.application is not None:
        answers = world.application.answers
        told += f", {answers.total()} requests so far"
        failed = sum(count for answer, count in answers.items() if not answer.startswith(("2", "4")))
        told += f" ({failed} failed)" if failed else ""
    return told
