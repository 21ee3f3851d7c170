"""simulate --history: weeks of a simulated provider within minutes."""

import asyncio
from collections.abc import Sequence

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from infra.commands.options import err
from infra.simulator.scenarios.scenario import Scenario
from shared import clock
from shared.promql.durations import duration_text, parse_duration
from shared.promql.errors import BadQuery
from shared.settings import CommonSettings, LogSettings
from shared.telemetry import configure_logging

DATABASE = "billing_history"
# A rate over five minutes needs two samples. The last days can be looked at more closely than a month.
STEP_MS, LONG_STEP_MS, LONG_MS = 60_000, 150_000, 2 * 86_400_000
SHORTEST_MS, LONGEST_MS = 3_600_000, 366 * 86_400_000
# A request in a moment: enough for every figure to be there, and a month of them is done in minutes.
PER_MINUTE = 1.0


class BadHistory(ValueError):
    """A duration that can't be meant."""


def write_history(settings: CommonSettings, scenarios: Sequence[Scenario], routers: int, seed: str, text: str) -> int:
    """Live through `text` (such as 30d) up to now and send what would have been collected; how many samples.

    BadHistory, BusUnavailable, OSError or PostgresError."""
    return asyncio.run(_write(settings, scenarios, routers, seed, duration_of(text)))


def duration_of(text: str) -> int:
    """Milliseconds. BadHistory if it is no duration, or not between an hour and a year."""
    try:
        found = parse_duration(text)
    except (BadQuery, ValueError):
        raise BadHistory(f"--history {text[:40]!r} is no duration: write it like 30d or 12h") from None
    if not SHORTEST_MS <= found <= LONGEST_MS:
        least, most = duration_text(SHORTEST_MS), duration_text(LONGEST_MS)
        raise BadHistory(f"--history {text[:40]!r}: from {least} to {most}, please")
    return found


async def _write(
    settings: CommonSettings, scenarios: Sequence[Scenario], routers: int, seed: str, duration_ms: int
) -> int:
    from infra.simulator.application.books import make_database
    from infra.simulator.days import Moment, lived
    from infra.simulator.passing import SteppedTime
    from infra.simulator.provider import provider
    from infra.simulator.recording import record
    from infra.simulator.world import World

    # That routers went away and came back is what happens in the past, and told as such.
    configure_logging("simulator", LogSettings(level="error"))
    dsn, now_ms = settings.database.dsn.get_secret_value(), clock.now_ms()
    step_ms = STEP_MS if duration_ms <= LONG_MS else LONG_STEP_MS
    until_ms = now_ms // step_ms * step_ms
    start_ms = until_ms - duration_ms // step_ms * step_ms
    time = SteppedTime(start_ms, step_ms)
    world = World(provider(routers, seed), time, dsn=await make_database(dsn, DATABASE), per_minute=PER_MINUTE)
    with _progress() as bar:
        task = bar.add_task("the past", total=(until_ms - start_ms) // step_ms)

        def told(moment: Moment) -> None:
            bar.advance(task)
            for step in moment.steps:
                bar.console.print(f"{_when(moment.at_ms)}  {step.told}", markup=False, highlight=False)

        async with world:
            return await record(lived(world, time, scenarios, until_ms), settings.kafka.bootstrap, dsn, told)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=err
    )


def _when(at_ms: int) -> str:
    from infra.simulator.application.customers import instant

    return f"{instant(at_ms).astimezone():%d %b %H:%M}"
