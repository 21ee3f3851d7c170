"""The highest rate of samples that the worker keeps up with: plateaus at rising rates, then between the last two."""

import asyncio

import psutil

from bench._figures import percentile
from bench._probes import Told
from bench._scene import LAG, Say, Scene
from bench._worker import Shares

STEP = 1.5
CLOSE_ENOUGH = 1.15
LONGEST_LAG_SECONDS = 3.0
LONGEST_PROBE_SECONDS = 1.0
ENOUGH_EVALUATIONS = 0.9
ENOUGH_SENT = 0.95
EVALUATIONS = "pantau_alerting_evaluations_total"


async def highest_sustained(scene: Scene, rate: float, seconds: float, say: Say) -> float:
    """Samples a second, as they were acknowledged by the bus. SystemExit if no rate is sustained."""
    good, bad, best = 0.0, 0.0, 0.0
    while not bad or not good or bad / good > CLOSE_ENOUGH:
        reached = await _try(scene, rate, seconds, say)
        if reached is None:
            bad = rate
            await _drain(scene)
        else:
            good, best = rate, max(best, reached)
        rate = good * STEP if not bad else bad / STEP if not good else (good * bad) ** 0.5
        if rate < 1_000:
            raise SystemExit("Not even 1,000 samples a second are sustained.")
    return best


async def _try(scene: Scene, rate: float, seconds: float, say: Say) -> float | None:
    """The rate that was reached if the worker kept up: with the samples, with the probes, with the grid."""
    scene.load.set_rate(rate)
    await asyncio.sleep(seconds / 3)
    before, pace = await scene.worker.metrics(), scene.pace()
    shares = Shares(worker=psutil.Process(scene.worker.pid), kafka=scene.bus.process)
    # At its end, since what does not keep up falls behind more and more.
    probing = asyncio.create_task(_probes_at_the_end(scene, seconds))
    await asyncio.sleep(seconds)
    reached, used, after = pace.so_far(), shares.so_far(), await scene.worker.metrics()
    told = await probing
    lag = after.get(LAG, 0.0) / max(after.get("pantau_alerting_partitions", 4.0), 1.0)
    probe = percentile([one.seconds for one in told], 50) if told else float("inf")
    # An instant more or less may fall into the time.
    due = scene.rules * max(seconds / scene.interval_seconds - 1, 0)
    evaluated = after.get(EVALUATIONS, 0) - before.get(EVALUATIONS, 0)
    sent = reached >= ENOUGH_SENT * rate
    kept = lag < LONGEST_LAG_SECONDS and probe < LONGEST_PROBE_SECONDS and evaluated >= ENOUGH_EVALUATIONS * due
    say(
        f"{rate:,.0f} samples/s: {'sustained' if kept and sent else 'NOT sustained'}; {reached:,.0f} sent, "
        f"time {lag:.1f} s behind, probes p50 {1_000 * probe:,.0f} ms, {evaluated:,.0f} evaluations; processors: "
        + ", ".join(f"{name} {share:.2f}" for name, share in used.items())
    )
    return reached if kept and sent else None


async def _probes_at_the_end(scene: Scene, seconds: float) -> list[Told]:
    await asyncio.sleep(2 * seconds / 3)
    return await scene.probes.many(20, seconds / 3)


async def _drain(scene: Scene) -> None:
    """Let the worker come to the end of what it was given too much of."""
    scene.load.set_rate(1_000)
    await scene.settled()
