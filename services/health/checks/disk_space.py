"""How full the fullest disk of this machine is."""

from typing import Any

from services.health.check import Check, Finding
from services.health.core.judgments import of_percent
from services.health.core.results import worse
from services.health.settings import DiskSpaceSettings, Settings
from shared.blocking import BlockingCalls
from shared.disks import Disks, read_disks
from shared.messages.health import Status

KIND = "disk_space"
GIGABYTE = 1024 * 1024 * 1024


class DiskSpaceCheck:
    """The worst of all disks decides. One that does not answer is unhealthy: nobody can write to it."""

    kind = KIND
    secrets: frozenset[str] = frozenset()

    def __init__(
        self, settings: DiskSpaceSettings, interval_seconds: float, deadline_seconds: float, name: str = KIND
    ) -> None:
        self._settings = settings
        self.name = name
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds
        self._calls = BlockingCalls()

    async def run(self) -> Finding:
        """Ask every disk, each with a deadline of its own."""
        disks = await read_disks(self._calls, self._settings.ignored_mountpoints, 0.8 * self.deadline_seconds)
        return judge(disks, self._settings.degraded_percent, self._settings.unhealthy_percent)


def judge(disks: Disks, degraded_percent: float, unhealthy_percent: float) -> Finding:
    """The finding for what the disks said: figures of the fullest, and which did not answer."""
    details: dict[str, Any] = {}
    status: Status = "healthy"
    if disks.usages:
        fullest = max(disks.usages, key=lambda usage: usage.percent)
        status = of_percent(fullest.percent, degraded_percent, unhealthy_percent)
        details = {
            "used": f"{fullest.used / GIGABYTE:.1f}GB",
            "total": f"{fullest.total / GIGABYTE:.1f}GB",
            "percent": fullest.percent,
            "mountpoint": fullest.mount.mountpoint,
        }
    if disks.failures:
        silent = sorted(mount.mountpoint for mount, _ in disks.failures)
        details["error"] = f"no answer from {', '.join(silent)}"
        status = worse(status, "unhealthy")
    elif not disks.usages:
        return Finding("unhealthy", {"error": "no disk found"})
    return Finding(status, details)


def checks(settings: Settings) -> list[Check]:
    """The check that `settings` ask for, if they do."""
    own, check = settings.health, settings.health.disk_space
    if not check.enabled:
        return []
    return [DiskSpaceCheck(check, own.interval_of(check), own.deadline_of(check), own.named(KIND))]
