"""The health service's wiring: checks -> runner -> backlog -> bus, and requests from the bus -> runner."""

import asyncio
from collections import Counter
from functools import partial

import structlog

from services.health.board import Board
from services.health.checks import all_checks
from services.health.core.results import samples_of
from services.health.core.spreading import first_waits
from services.health.following import host_follower
from services.health.plan import terms_of
from services.health.requests import Requests
from services.health.runner import Runner
from services.health.settings import Settings
from services.health.worst import WorstOf
from shared import clock
from shared.bus import Outgoing
from shared.bus.backlog import Backlog
from shared.messages.health import HealthResult
from shared.messages.samples import SampleBatch
from shared.messages.topics import HEALTH, SAMPLES
from shared.service import Program, Runtime

log = structlog.get_logger()

DRAIN_SECONDS = 3.0


def program(settings: Settings) -> Program:
    """The program that checks what `settings` ask for, until it is cancelled."""

    async def run(runtime: Runtime) -> None:
        own = settings.health
        origin = f"health/{own.host}"
        backlog = Backlog(
            runtime.producer,
            longest_ms=round(own.buffer_seconds * 1000),
            most_bytes=own.buffer_bytes,
            bus_is=partial(runtime.readiness.report, "bus"),
        )

        def publish(result: HealthResult) -> None:
            samples = SampleBatch.of(origin, samples_of(result))
            backlog.put(
                [
                    Outgoing(HEALTH, result.check, result, time_ms=result.checked_at),
                    Outgoing(SAMPLES, origin, samples, time_ms=result.checked_at),
                ],
                clock.now_ms(),
            )

        board = Board()
        checks = all_checks(settings, board)
        terms = terms_of(settings, checks)
        places = {check.kind: asyncio.Semaphore(own.most_at_once) for check in checks}
        runners = {
            # Who sums up waits for those that it sums up: it must not take a place from them.
            check.name: Runner(
                check, publish, terms[check.name], board, None if isinstance(check, WorstOf) else places[check.kind]
            )
            for check in checks
        }
        asks = {name: runner.ask for name, runner in runners.items()}
        requests = Requests(settings.kafka.bootstrap, runtime.producer, asks)
        hosts = host_follower(settings.kafka.bootstrap, runtime.producer, checks)
        waits = first_waits([(check.kind, check.interval_seconds) for check in checks])
        log.info("checking", checks=Counter(check.kind for check in checks))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(backlog.run())
                tasks.create_task(requests.run())
                if hosts is not None:
                    tasks.create_task(hosts.run())
                for runner, wait in zip(runners.values(), waits, strict=True):
                    tasks.create_task(runner.run(wait))
        finally:
            await backlog.drain(DRAIN_SECONDS)

    return run
