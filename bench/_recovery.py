"""How long alerts stay away when the worker is killed under load and started again."""

import asyncio
import time

from bench._probes import Told
from bench._scene import Say, Scene

SAMPLED_SECONDS = 0.1
NORMAL_SECONDS = 0.5
"""What is told that soon after its acknowledgement is told as usual."""
DEADLINE_SECONDS = 180.0


async def recovery_seconds(scene: Scene, say: Say) -> float:
    """Kill and start; seconds from the kill until probes that are toggled after it are told as soon as usual again."""
    await scene.settled()
    killed = time.perf_counter()
    scene.worker.kill()
    scene.worker.start()
    told: list[Told] = []

    async def probe() -> None:
        found = await scene.probes.one()
        if found is not None:
            told.append(found)

    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as probing:
        while not (usual := [one for one in told if one.seconds < NORMAL_SECONDS]):
            probing.create_task(probe())
            await asyncio.sleep(SAMPLED_SECONDS)
    first = min(one.arrived for one in told) - killed
    recovered = min(one.arrived for one in usual) - killed
    say(f"Killed and started again: the first event after {first:.1f} s, as soon as usual after {recovered:.1f} s")
    return recovered
