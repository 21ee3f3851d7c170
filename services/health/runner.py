"""Runs every check on its grid, side by side, and at once where that is asked for; judges what does not answer."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext

import structlog
from prometheus_client import Counter

from services.health.board import Board
from services.health.check import Check, Finding
from services.health.core.damping import Damped, damped
from services.health.core.redaction import error_text
from services.health.core.results import valid_until_ms
from services.health.plan import Terms
from shared import clock
from shared.deadlines import Hanging, OneAtATime
from shared.grid import instants_passed, next_on_grid
from shared.messages.health import HealthResult

log = structlog.get_logger()

MISSED = Counter("pantau_health_runs_missed_total", "Runs left out because the one before took too long", ["check"])

# Requests that one run may answer together.
MOST_ASKING = 16
CONFIRM_SECONDS = 1.0
"""How long after a first finding that is bad the check runs again."""

Publish = Callable[[HealthResult], None]


class Runner:
    """Runs one check for ever."""

    def __init__(
        self,
        check: Check,
        publish: Publish,
        terms: Terms | None = None,
        board: Board | None = None,
        places: asyncio.Semaphore | None = None,
    ) -> None:
        """`board` holds what is told of the checks that this one depends on, and takes what is told of this one.
        `places` bound how many of its kind run side by side; waiting for one counts for no deadline."""
        self._check, self._publish = check, publish
        self._terms, self._board = terms or Terms(), board or Board()
        self._places = places or nullcontext()
        self._turn = OneAtATime(f"check {check.name}")
        self._state: Damped | None = None
        self._asking: list[str] = []
        self._asked = asyncio.Event()

    def ask(self, request_id: str) -> bool:
        """Run at once, or when the run that is under way has ended; its result will name the request. False if too many
        ask already."""
        if len(self._asking) >= MOST_ASKING:
            return False
        self._asking.append(request_id)
        self._asked.set()
        return True

    async def run(self, first_after_seconds: float = 0.0) -> None:
        """The first run after a while, the next ones on the grid that begins there; what is asked for, in between."""
        first = due = clock.elapsed() + first_after_seconds
        while True:
            await self._until(due)
            async with self._places:
                result = await self.run_once()
            self._publish(result)
            now = clock.elapsed()
            if now >= due:
                MISSED.labels(self._check.name).inc(instants_passed(first, self._check.interval_seconds, due, now))
                due = next_on_grid(first, self._check.interval_seconds, now)

    async def run_once(self) -> HealthResult:
        """The result of one run. A check that raises or doesn't answer is unhealthy, with the reason."""
        check = self._check
        request_ids = self._taken()
        checked_at, began = clock.now_ms(), clock.elapsed()
        finding = await self._ask()
        took_ms = round((clock.elapsed() - began) * 1000, 3)
        if self._state is None:
            finding = await self._confirmed(finding)
        before, state = self._state, damped(self._state, finding.status, self._terms.damping)
        self._state = state
        parents = self._board.unhealthy(self._terms.ancestors, clock.now_ms())
        result = HealthResult(
            check=check.name,
            kind=check.kind,
            status=state.status,
            response_time_ms=took_ms,
            details=finding.details
            | ({} if finding.status == state.status else {"found": finding.status})
            | ({"unhealthy_parents": parents} if parents else {}),
            checked_at=checked_at,
            valid_until=valid_until_ms(checked_at, check.interval_seconds, check.deadline_seconds),
            found=None if finding.status == state.status else finding.status,
            depends_on=list(self._terms.depends_on),
            unhealthy_parents=parents,
            status_changes=state.status_changes,
            found_changes=state.found_changes,
            figures={metric.name: value for metric, value in finding.figures},
            request_ids=request_ids,
        )
        self._board.put(result)
        if before is None or before.status != state.status:
            was = before.status if before else None
            log.info("health changed", check=check.name, before=was, status=result.status, details=result.details)
        return result

    async def _confirmed(self, finding: Finding) -> Finding:
        """The first finding, which no other has come before: a bad one is believed once as many runs have found it as
        damping asks for, close together, so that nobody is called for a single lost reply after a restart."""
        for _ in range(self._terms.damping.failures - 1):
            if finding.status == "healthy":
                break
            await asyncio.sleep(CONFIRM_SECONDS)
            finding = await self._ask()
        return finding

    async def _until(self, due: float) -> None:
        """Wait until `due`, or until somebody asks."""
        try:
            async with asyncio.timeout(max(0.0, due - clock.elapsed())):
                await self._asked.wait()
        except TimeoutError:
            return

    def _taken(self) -> list[str]:
        """Whoever asks by now; those who come later get a run of their own."""
        asking, self._asking = self._asking, []
        self._asked.clear()
        return asking

    async def _ask(self) -> Finding:
        check = self._check
        try:
            return await self._turn.run(check.run, check.deadline_seconds)
        except TimeoutError:
            error = f"deadline exceeded ({check.deadline_seconds:g} s)"
        except Hanging:
            error = "deadline exceeded: an earlier run has not ended yet"
        except Exception as caught:  # noqa: BLE001  # whatever a check raises says that what it checks is not well
            return Finding("unhealthy", {"error": error_text(caught, check.secrets)})
        return Finding("unhealthy", {"reason": "timeout", "error": error})
