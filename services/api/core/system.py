"""The latest reading of each machine, from the collectors' sample batches."""

import math
from collections.abc import Iterable

from services.api.core.bodies import SystemBody
from shared.messages.samples import SampleBatch
from shared.messages.series import NAME, Labels, labels_of

SOURCE_PREFIX = "collector/"
# As long as Prometheus looks back for a sample; what is older is not the present.
LOOKBACK_MS = 5 * 60 * 1000
LOOPBACK = "lo"

Reading = tuple[Labels, float]


class SystemView:
    """The latest snapshot per host."""

    def __init__(self) -> None:
        self._latest: dict[str, SystemBody] = {}

    def put(self, batch: SampleBatch) -> SystemBody | None:
        """Take a batch; the snapshot in it if it has one that is newer than what was known."""
        if not batch.source.startswith(SOURCE_PREFIX):
            return None
        found = snapshot(batch)
        if found is None:
            return None
        known = self._latest.get(found.host)
        if known is not None and known.snapshot_time >= found.snapshot_time:
            return None
        self._latest[found.host] = found
        return found

    def body(self, now_ms: int, host: str | None, own_host: str) -> SystemBody | None:
        """The present snapshot of `host`; without one, of this very machine, else of the first there is."""
        present = {name: one for name, one in self._latest.items() if one.snapshot_time > now_ms - LOOKBACK_MS}
        if host is not None:
            return present.get(host)
        return present.get(own_host) or next((present[name] for name in sorted(present)), None)


def snapshot(batch: SampleBatch) -> SystemBody | None:
    """What a reading of the system says; None if the batch is none. All its samples have one time."""
    index, times, values = batch.columns()
    readings: dict[str, list[Reading]] = {}
    time_ms = 0
    for position, at, value in zip(index.tolist(), times.tolist(), values.tolist(), strict=True):
        labels = labels_of(batch.series[position])
        if labels[NAME].startswith("system_") and math.isfinite(value):
            readings.setdefault(labels[NAME], []).append((labels, value))
            time_ms = max(time_ms, at)
    if "system_cpu_usage_percent" not in readings and "system_memory_usage_percent" not in readings:
        return None
    disk = _main_disk(readings)
    load = [_one(readings, f"system_load{minutes}") for minutes in (1, 5, 15)]
    return SystemBody(
        host=_host(readings),
        cpu_usage=_one(readings, "system_cpu_usage_percent"),
        memory_usage=_one(readings, "system_memory_usage_percent"),
        memory_total=_whole(_one(readings, "system_memory_total_bytes")),
        memory_used=_whole(_one(readings, "system_memory_used_bytes")),
        disk_usage=_of_disk(readings, "system_disk_usage_percent", disk),
        disk_total=_whole(_of_disk(readings, "system_disk_total_bytes", disk)),
        disk_used=_whole(_of_disk(readings, "system_disk_used_bytes", disk)),
        network_rx=_whole(_network(readings.get("system_network_receive_bytes_total", ()))),
        network_tx=_whole(_network(readings.get("system_network_transmit_bytes_total", ()))),
        load_average=[one for one in load if one is not None] if None not in load else None,
        uptime_seconds=_whole(_one(readings, "system_uptime_seconds")),
        process_count=_whole(_one(readings, "system_processes")),
        snapshot_time=time_ms,
    )


def _host(readings: dict[str, list[Reading]]) -> str:
    return next((labels["host"] for found in readings.values() for labels, _ in found if "host" in labels), "")


def _one(readings: dict[str, list[Reading]], metric: str) -> float | None:
    found = readings.get(metric)
    return found[0][1] if found else None


def _main_disk(readings: dict[str, list[Reading]]) -> str | None:
    sizes = {labels.get("mountpoint", ""): size for labels, size in readings.get("system_disk_total_bytes", ())}
    if "/" in sizes:
        return "/"
    return max(sizes, key=lambda mountpoint: sizes[mountpoint], default=None)


def _of_disk(readings: dict[str, list[Reading]], metric: str, mountpoint: str | None) -> float | None:
    return next(
        (value for labels, value in readings.get(metric, ()) if labels.get("mountpoint", "") == mountpoint), None
    )


def _network(found: Iterable[Reading]) -> float | None:
    counted = [value for labels, value in found if labels.get("interface") != LOOPBACK]
    return sum(counted) if counted else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
