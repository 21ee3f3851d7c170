"""How long alerts stay away when the worker is killed under load and started again."""

import asyncio
import time

from bench._probes import Told
from bench._scene import Say, Scene

SAMPLED_SECONDS = 0.1
NORMAL_SECONDS = 0.5
"""What is told that soon after its acknowledgement is told as usual."""
DEADLINE_SECONDS = 180.0
IN_A_ROW = 20
"""So many probes in a row, two seconds of them, are of all partitions."""


async def recovery_seconds(scene: Scene, say: Say) -> float:
    """Kill and start; seconds from the kill until the first probe from which on all are told as soon as usual, of
    whatever partition."""
    await scene.settled()
    killed = time.perf_counter()
    scene.worker.kill()
    scene.worker.start()
    told: list[tuple[float, Told]] = []

    async def probe() -> None:
        toggled = time.perf_counter()
        found = await scene.probes.one()
        if found is not None:
            told.append((toggled, found))

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as probing:
        while len(usual := _usual_at_last(told)) < IN_A_ROW:
            probing.create_task(probe())
            await asyncio.sleep(SAMPLED_SECONDS)
    first = min(one.arrived for _, one in told) - killed
    recovered = usual[0].arrived - killed
    say(f"Killed and started again: the first event after {first:.1f} s, all as soon as usual after {recovered:.1f} s")
    return recovered


def _usual_at_last(told: list[tuple[float, Told]]) -> list[Told]:
    """The last probes, by when they were toggled, that were all told as soon as usual."""
    found: list[Told] = []
    for _, one in sorted(told, key=lambda pair: pair[0], reverse=True):
        if one.seconds >= NORMAL_SECONDS:
            break
        found.insert(0, one)
    return found
