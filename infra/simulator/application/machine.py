"""The machine that the application runs on: a disk that fills, as an agent on it would tell."""

from collections.abc import Callable

from pantau import Pantau

from infra.simulator.passing import Now

HOST = "billing-1"
DISK_BYTES = 120 * 1024**3
USED_PERCENT = 46.0
FULL_PERCENT = 100.0
LABELS = ("host", "mountpoint", "device", "fstype")
VALUES = (HOST, "/", "/dev/vda1", "ext4")


class Machine:
    """Its disk fills at a rate that can be changed; the rest is taken from the time."""

    def __init__(self, client: Pantau, now_ms: Now) -> None:
        self._now_ms, self._since_ms = now_ms, now_ms()
        self._percent, self._per_minute = USED_PERCENT, 0.0
        told: list[tuple[str, str, Callable[[], float]]] = [
            ("system_disk_usage_percent", "Disk space in use, of what users may use", self.disk_percent),
            ("system_disk_used_bytes", "Disk space in use", lambda: DISK_BYTES * self.disk_percent() / 100),
            ("system_disk_total_bytes", "Size of the disk", lambda: float(DISK_BYTES)),
        ]
        for name, help, value in told:
            client.gauge(name, help, LABELS).labels(*VALUES).set_function(value)

    def disk_percent(self) -> float:
        """How full the disk is now."""
        grown = self._percent + self._per_minute * (self._now_ms() - self._since_ms) / 60_000
        return min(FULL_PERCENT, grown)

    def fill(self, percent_per_minute: float) -> None:
        """From now on the disk fills at that rate."""
        self._percent, self._since_ms, self._per_minute = self.disk_percent(), self._now_ms(), percent_per_minute

    def clear(self) -> None:
        """Somebody makes room, and what filled the disk has stopped."""
        self._percent, self._since_ms, self._per_minute = USED_PERCENT, self._now_ms(), 0.0
