"""The latest reading of a machine."""

from services.api.core.system import LOOKBACK_MS, SystemView, snapshot
from shared.messages.samples import Sample, SampleBatch

NOW = 1_700_000_000_000


def reading(host: str = "web-1", at: int = NOW, cpu: float = 12.5) -> SampleBatch:
    values = {
        f'system_cpu_usage_percent{{host="{host}"}}': cpu,
        f'system_cpu_core_usage_percent{{core="0",host="{host}"}}': 99,
        f'system_memory_usage_percent{{host="{host}"}}': 40,
        f'system_memory_total_bytes{{host="{host}"}}': 8e9,
        f'system_memory_used_bytes{{host="{host}"}}': 3.2e9,
        f'system_load1{{host="{host}"}}': 0.5,
        f'system_load5{{host="{host}"}}': 0.25,
        f'system_load15{{host="{host}"}}': 0.125,
        f'system_uptime_seconds{{host="{host}"}}': 1234.6,
        f'system_processes{{host="{host}"}}': 87,
        f'system_network_receive_bytes_total{{host="{host}",interface="lo"}}': 1e12,
        f'system_network_receive_bytes_total{{host="{host}",interface="eth0"}}': 1000,
        f'system_network_receive_bytes_total{{host="{host}",interface="eth1"}}': 500,
        f'system_disk_usage_percent{{device="a",fstype="ext4",host="{host}",mountpoint="/"}}': 55,
        f'system_disk_total_bytes{{device="a",fstype="ext4",host="{host}",mountpoint="/"}}': 100e9,
        f'system_disk_used_bytes{{device="a",fstype="ext4",host="{host}",mountpoint="/"}}': 55e9,
        f'system_disk_usage_percent{{device="b",fstype="ext4",host="{host}",mountpoint="/data"}}': 5,
        f'system_disk_total_bytes{{device="b",fstype="ext4",host="{host}",mountpoint="/data"}}': 900e9,
    }
    return SampleBatch.of(f"collector/{host}", [Sample(series, at, value) for series, value in values.items()])


def test_a_reading_becomes_a_snapshot() -> None:
    found = snapshot(reading())
    assert found is not None
    assert found.model_dump() == {
        "host": "web-1",
        "cpu_usage": 12.5,
        "memory_usage": 40.0,
        "memory_total": 8_000_000_000,
        "memory_used": 3_200_000_000,
        "disk_usage": 55.0,
        "disk_total": 100_000_000_000,
        "disk_used": 55_000_000_000,
        "network_rx": 1500,
        "network_tx": None,
        "load_average": [0.5, 0.25, 0.125],
        "uptime_seconds": 1235,
        "process_count": 87,
        "snapshot_time": NOW,
    }


def test_without_a_root_the_largest_disk_is_the_main_one() -> None:
    samples = [one for one in reading().samples() if 'mountpoint="/"' not in one.series]
    samples.append(Sample('system_disk_total_bytes{host="web-1",mountpoint="/small"}', NOW, 1))
    found = snapshot(SampleBatch.of("collector/web-1", samples))
    assert found is not None
    assert (found.disk_usage, found.disk_total) == (5, 900_000_000_000)


def test_other_batches_are_none() -> None:
    assert snapshot(SampleBatch.of("collector/web-1", [Sample("up", NOW, 1)])) is None
    pushed = SampleBatch.of("push/3", reading().samples())
    assert SystemView().put(pushed) is None, "anybody may push"


def test_the_present_one_of_the_asked_host() -> None:
    view = SystemView()
    view.put(reading("a", cpu=1))
    view.put(reading("b", cpu=2))
    assert view.put(reading("b", at=NOW - 1, cpu=3)) is None, "older than what is known"

    def cpu(host: str | None, own: str, now: int = NOW) -> float | None:
        body = view.body(now, host, own)
        return None if body is None else body.cpu_usage

    assert cpu("b", "a") == 2
    assert cpu(None, "b") == 2
    assert cpu(None, "elsewhere") == 1
    assert cpu("c", "a") is None
    assert cpu(None, "a", NOW + LOOKBACK_MS) is None
