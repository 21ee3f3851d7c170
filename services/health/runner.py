"""Runs every check on its grid, side by side, and judges what does not answer."""

import asyncio
from collections.abc import Callable

import structlog
from prometheus_client import Counter

from services.health.check import Check, Finding
from services.health.core.redaction import error_text
from services.health.core.results import valid_until_ms
from shared import clock
from shared.deadlines import Hanging, OneAtATime
from shared.grid import instants_passed, next_on_grid
from shared.messages.health import HealthResult

log = structlog.get_logger()

MISSED = Counter("pantau_health_runs_missed_total", "Runs left out because the one before took too long", ["check"])

Publish = Callable[[HealthResult], None]


class Runner:
    """Runs one check for ever."""

    def __init__(self, check: Check, publish: Publish) -> None:
        self._check, self._publish = check, publish
        self._turn = OneAtATime(f"check {check.name}")
        self._before: str | None = None

    async def run(self) -> None:
        """The first run at once, the next ones on the grid that begins there."""
        first = due = clock.elapsed()
        while True:
            await asyncio.sleep(max(0.0, due - clock.elapsed()))
            self._publish(await self.run_once())
            now = clock.elapsed()
            MISSED.labels(self._check.name).inc(instants_passed(first, self._check.interval_seconds, due, now))
            due = next_on_grid(first, self._check.interval_seconds, now)

    async def run_once(self) -> HealthResult:
        """The result of one run. A check that raises or doesn't answer is unhealthy, with the reason."""
        check = self._check
        checked_at, began = clock.now_ms(), clock.elapsed()
        finding = await self._ask()
        result = HealthResult(
            check=check.name,
            kind=check.kind,
            status=finding.status,
            response_time_ms=round((clock.elapsed() - began) * 1000, 3),
            details=finding.details,
            checked_at=checked_at,
            valid_until=valid_until_ms(checked_at, check.interval_seconds, check.deadline_seconds),
        )
        if result.status != self._before:
            log.info(
                "health changed", check=check.name, before=self._before, status=result.status, details=result.details
            )
        self._before = result.status
        return result

    async def _ask(self) -> Finding:
        check = self._check
        try:
            return await self._turn.run(check.run, check.deadline_seconds)
        except TimeoutError:
            return Finding("unhealthy", {"error": f"deadline exceeded ({check.deadline_seconds:g} s)"})
        except Hanging:
            return Finding("unhealthy", {"error": "deadline exceeded: an earlier run has not ended yet"})
        except Exception as error:  # noqa: BLE001  # whatever a check raises says that what it checks is not well
            return Finding("unhealthy", {"error": error_text(error, check.secrets)})
