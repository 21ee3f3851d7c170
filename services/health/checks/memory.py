"""How much of this machine's memory is used."""

import psutil

from services.health.check import Check, Finding
from services.health.core.judgments import of_percent
from services.health.settings import Settings, ThresholdSettings
from shared.blocking import BlockingCalls

KIND = "memory"
MEGABYTE = 1024 * 1024


class MemoryCheck:
    """What is not available to programs, in percent of all."""

    kind = KIND
    secrets: frozenset[str] = frozenset()

    def __init__(
        self, thresholds: ThresholdSettings, interval_seconds: float, deadline_seconds: float, name: str = KIND
    ) -> None:
        self._thresholds = thresholds
        self.name = name
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds
        self._calls = BlockingCalls()

    async def run(self) -> Finding:
        """Ask the kernel."""
        memory = await self._calls.call("memory", psutil.virtual_memory, self.deadline_seconds)
        return Finding(
            of_percent(memory.percent, self._thresholds.degraded_percent, self._thresholds.unhealthy_percent),
            {
                "used": f"{round((memory.total - memory.available) / MEGABYTE)}MB",
                "total": f"{round(memory.total / MEGABYTE)}MB",
                "percent": memory.percent,
            },
        )


def checks(settings: Settings) -> list[Check]:
    """The check that `settings` ask for, if they do."""
    own, check = settings.health, settings.health.memory
    if not check.enabled:
        return []
    return [MemoryCheck(check, own.interval_of(check), own.deadline_of(check), own.named(KIND))]
