"""`performance_snapshots` out of a collector's batch."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.history.core.snapshots import snapshot_rows
from services.history.core.tables import PERFORMANCE_SNAPSHOTS
from shared.messages.samples import Sample, SampleBatch

TIME = 1_795_428_900_500
GIB = 2**30
READING = {
    'system_cpu_usage_percent{host="web-1"}': 12.5,
    'system_cpu_core_usage_percent{core="0",host="web-1"}': 99.0,
    'system_memory_usage_percent{host="web-1"}': 40.25,
    'system_memory_total_bytes{host="web-1"}': 16.0 * GIB,
    'system_memory_used_bytes{host="web-1"}': 6.0 * GIB,
    'system_disk_usage_percent{device="/dev/sdb1",fstype="xfs",host="web-1",mountpoint="/data"}': 91.0,
    'system_disk_total_bytes{device="/dev/sdb1",fstype="xfs",host="web-1",mountpoint="/data"}': 900.0 * GIB,
    'system_disk_used_bytes{device="/dev/sdb1",fstype="xfs",host="web-1",mountpoint="/data"}': 800.0 * GIB,
    'system_disk_usage_percent{device="/dev/sda1",fstype="ext4",host="web-1",mountpoint="/"}': 50.0,
    'system_disk_total_bytes{device="/dev/sda1",fstype="ext4",host="web-1",mountpoint="/"}': 100.0 * GIB,
    'system_disk_used_bytes{device="/dev/sda1",fstype="ext4",host="web-1",mountpoint="/"}': 50.0 * GIB,
    'system_network_receive_bytes_total{host="web-1",interface="lo"}': 1_000_000.0,
    'system_network_receive_bytes_total{host="web-1",interface="eth0"}': 100.0,
    'system_network_receive_bytes_total{host="web-1",interface="eth1"}': 20.0,
    'system_network_transmit_bytes_total{host="web-1",interface="eth0"}': 7.0,
    'system_load1{host="web-1"}': 0.5,
    'system_load5{host="web-1"}': 0.25,
    'system_load15{host="web-1"}': 0.125,
    'system_uptime_seconds{host="web-1"}': 86_400.7,
    'system_processes{host="web-1"}': 321.0,
}


def rows(reading: dict[str, float], source: str = "collector/web-1", time_ms: int = TIME) -> list[dict[str, Any]]:
    batch = SampleBatch.of(source, [Sample(key, time_ms, value) for key, value in reading.items()])
    return [dict(zip(PERFORMANCE_SNAPSHOTS.columns, row, strict=True)) for row in snapshot_rows(batch)]


def test_a_reading_is_a_row() -> None:
    assert rows(READING) == [
        {
            "host": "web-1",
            "snapshot_time": datetime(2026, 11, 23, 10, 15, 0, 500_000, UTC),
            "cpu_usage": 12.5,
            "memory_usage": 40.25,
            "memory_total": 16 * GIB,
            "memory_used": 6 * GIB,
            "disk_usage": 50.0,
            "disk_total": 100 * GIB,
            "disk_used": 50 * GIB,
            "network_rx": 120,
            "network_tx": 7,
            "load_average": "[0.5,0.25,0.125]",
            "uptime_seconds": 86_401,
            "process_count": 321,
        }
    ]


def test_without_a_root_disk_the_largest_counts() -> None:
    (row,) = rows({key: value for key, value in READING.items() if 'mountpoint="/"' not in key})
    assert (row["disk_usage"], row["disk_total"]) == (91.0, 900 * GIB)


def test_what_is_not_told_or_no_number_is_absent() -> None:
    (row,) = rows({'system_cpu_usage_percent{host="web-1"}': 3.0, 'system_uptime_seconds{host="web-1"}': float("nan")})
    assert row["cpu_usage"] == 3.0
    assert [name for name, value in row.items() if value is not None] == ["host", "snapshot_time", "cpu_usage"]


@pytest.mark.parametrize(
    ("reading", "source"),
    [
        (READING, "push/3"),
        (READING, "health/web-1"),
        ({'mikrotik_uptime_seconds{router="r1"}': 5.0}, "collector/routers"),
        ({'system_load1{host="web-1"}': 5.0}, "collector/web-1"),
        ({}, "collector/web-1"),
    ],
)
def test_other_batches_tell_none(reading: dict[str, float], source: str) -> None:
    assert rows(reading, source) == []


def test_a_batch_of_several_instants_and_machines_is_a_row_each() -> None:
    samples = [
        Sample(f'system_cpu_usage_percent{{host="{host}"}}', TIME + later, 1.0) for host in "ab" for later in (0, 1000)
    ]
    found = snapshot_rows(SampleBatch.of("collector/x", samples))
    assert len({row[:2] for row in found}) == len(found) == 4
