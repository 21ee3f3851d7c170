"""How full the disks and the memory of other machines are, by what their collectors tell on the bus."""

import asyncio

from services.health.check import Check, Finding
from services.health.core.host_readings import Percents, newest_percents
from services.health.core.judgments import of_percent
from services.health.settings import Settings, ThresholdSettings
from shared import clock
from shared.messages.samples import SampleBatch

SILENT_SECONDS = 180.0
"""So long a reading counts: several intervals of a collector, as in the rule machine_silent."""
KINDS = {"disk_space": "system_disk_usage_percent", "memory": "system_memory_usage_percent"}


class HostCheck:
    """Judges the last reading of one machine; somebody hands it what comes."""

    secrets: frozenset[str] = frozenset()

    def __init__(
        self,
        kind: str,
        host: str,
        thresholds: ThresholdSettings,
        interval_seconds: float,
        ignored: list[str],
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self.kind, self.host, self.name = kind, host, f"{kind}:{host}"
        self.interval_seconds, self.deadline_seconds = interval_seconds, silent_seconds + interval_seconds
        self._thresholds, self._ignored, self._silent = thresholds, ignored, silent_seconds
        self._at_ms, self._percents = 0, Percents()
        self._first: asyncio.Event | None = asyncio.Event()

    @property
    def source(self) -> str:
        """The source of the batches that it wants."""
        return f"collector/{self.host}"

    def take(self, batch: SampleBatch) -> None:
        """Look into a batch of that source; what is older than what is known changes nothing."""
        told = newest_percents(batch, KINDS[self.kind], self._ignored)
        if told is None or told[0] < self._at_ms:
            return
        at_ms, percents = told
        # A reading may come in several batches.
        self._percents = self._percents | percents if at_ms == self._at_ms else percents
        self._at_ms = at_ms
        if self._first is not None:
            self._first.set()

    async def run(self) -> Finding:
        """What was told last, judged. After the start the first reading is waited for as long as one counts."""
        if self._first is not None:
            try:
                async with asyncio.timeout(self._silent):
                    await self._first.wait()
            except TimeoutError:
                pass  # it is silent: told below, and from now on at once
            self._first = None
        if clock.now_ms() - self._at_ms > 1000 * self._silent:
            # Not the machine's fault, as far as anybody knows: degraded, for what should be watched is not.
            error = f"its collector has told nothing for {self._silent:g} s"
            return Finding("degraded", {"reason": "silent", "error": error})
        mountpoint, percent = max(self._percents.items(), key=lambda one: one[1])
        status = of_percent(percent, self._thresholds.degraded_percent, self._thresholds.unhealthy_percent)
        return Finding(status, {"percent": percent} | ({"mountpoint": mountpoint} if mountpoint else {}))


def checks(settings: Settings) -> list[Check]:
    """One of each kind for each of the other machines, `disk_space:<host>` and `memory:<host>`."""
    own = settings.health
    found: list[Check] = []
    for kind, section in (("disk_space", own.disk_space), ("memory", own.memory)):
        ignored = own.disk_space.ignored_mountpoints if kind == "disk_space" else []
        if section.enabled:
            found += [HostCheck(kind, host, section, own.interval_of(section), ignored) for host in own.hosts]
    return found
