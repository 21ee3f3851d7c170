"""`performance_snapshots`: a machine's state at one instant, out of the sample batch that tells of it."""

import math
from collections import defaultdict
from collections.abc import Iterable

from services.history.core.instants import at
from services.history.core.observations import as_json
from services.history.core.tables import Row
from shared.messages.samples import SampleBatch
from shared.messages.series import NAME, Labels, labels_of

SOURCE = "collector/"
PREFIX = "system_"
# A reading of a machine has at least one of them; other sources' batches have neither.
TELLING = ("system_cpu_usage_percent", "system_memory_usage_percent")
LOOPBACK = "lo"

Reading = list[tuple[Labels, float]]


def snapshot_rows(batch: SampleBatch) -> list[Row]:
    """The rows of PERFORMANCE_SNAPSHOTS that `batch` tells, one for each machine and instant; none for a batch of
    something else."""
    if not batch.source.startswith(SOURCE) or not any(key.startswith(TELLING) for key in batch.series):
        return []
    readings: dict[tuple[str, int], Reading] = defaultdict(list)
    for key, time_ms, value, _ in batch.samples():
        if key.startswith(PREFIX):
            labels = labels_of(key)
            readings[labels.get("host", batch.source.removeprefix(SOURCE)), time_ms].append((labels, value))
    return [_row(host, time_ms, reading) for (host, time_ms), reading in readings.items() if _tells(reading)]


def _tells(reading: Reading) -> bool:
    return any(labels[NAME] in TELLING for labels, _ in reading)


def _row(host: str, time_ms: int, reading: Reading) -> Row:
    disk = _main_disk(reading)
    load = [_one(reading, f"system_load{minutes}") for minutes in (1, 5, 15)]
    return (
        host,
        at(time_ms),
        _one(reading, "system_cpu_usage_percent"),
        _one(reading, "system_memory_usage_percent"),
        _whole(_one(reading, "system_memory_total_bytes")),
        _whole(_one(reading, "system_memory_used_bytes")),
        _one(disk, "system_disk_usage_percent"),
        _whole(_one(disk, "system_disk_total_bytes")),
        _whole(_one(disk, "system_disk_used_bytes")),
        _whole(_network(reading, "system_network_receive_bytes_total")),
        _whole(_network(reading, "system_network_transmit_bytes_total")),
        None if all(one is None for one in load) else as_json(load),
        _whole(_one(reading, "system_uptime_seconds")),
        _whole(_one(reading, "system_processes")),
    )


def _main_disk(reading: Reading) -> Reading:
    """What is told of the disk mounted at `/`, else of the largest."""
    disks: dict[str, Reading] = defaultdict(list)
    for labels, value in reading:
        if "mountpoint" in labels:
            disks[labels["mountpoint"]].append((labels, value))
    if not disks:
        return []
    return disks.get("/") or max(disks.values(), key=lambda disk: _one(disk, "system_disk_total_bytes") or 0.0)


def _network(reading: Reading, name: str) -> float | None:
    values = [value for labels, value in reading if labels[NAME] == name and labels.get("interface") != LOOPBACK]
    return _finite(sum(values)) if values else None


def _one(reading: Iterable[tuple[Labels, float]], name: str) -> float | None:
    return next((_finite(value) for labels, value in reading if labels[NAME] == name), None)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
