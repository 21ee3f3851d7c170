"""The health service's own checks, run at the world's time instead of ours: what would have been found.

Services are known by their module names only, as everywhere in `infra`.
"""

import asyncio
import importlib
from collections.abc import Mapping
from typing import Any

from infra.simulator.watching import HOST, Read, settings_of
from shared.messages.samples import Sample

# This machine, our own database and our own bus are no part of the simulated provider.
OURS = ("database", "kafka", "disk_space", "memory")
DURATION = "health_check_duration_seconds"


class Checker:
    """Runs every check whenever it is asked. `section` is the `pantau.yaml` that says what there is to check."""

    def __init__(self, section: Mapping[str, Any], host: str = HOST) -> None:
        own = {"host": host} | {check: {"enabled": False} for check in OURS}
        settings = settings_of("health", {**section, "health": own})
        board = _health("board").Board()
        checks = _health("checks").all_checks(settings, board)
        terms = _health("plan").terms_of(settings, checks)
        self._runners = [_health("runner").Runner(one, _nobody, terms[one.name], board) for one in checks]
        self._samples_of = _health("core.results").samples_of
        self._origin = f"health/{host}"

    async def read(self, now_ms: int) -> list[Read]:
        """What is told of a run of all checks, but for how long it took: that says nothing of then."""
        results = await asyncio.gather(*(runner.run_once() for runner in self._runners))
        samples: list[Sample] = []
        for result in results:
            samples += self._samples_of(result.model_copy(update={"checked_at": now_ms}))
        return [Read(self._origin, [one for one in samples if not one.series.startswith(DURATION)])] if samples else []


def _health(module: str) -> Any:
    return importlib.import_module(f"services.health.{module}")


def _nobody(result: object) -> None:
    """Who is told of results: they are read instead."""
