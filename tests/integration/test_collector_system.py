"""Readings of this very machine, compared with what psutil says of it."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.collector.sources.system import METRICS, SystemSource
from shared import clock
from shared.blocking import BlockingCalls
from shared.deadlines import Hanging
from shared.disks import read_disks
from shared.messages.samples import Sample
from shared.messages.series import labels_of
from tests.conftest import eventually


def by_series(samples: list[Sample]) -> dict[str, float]:
    return {sample.series: sample.value for sample in samples}


async def test_a_reading_is_what_psutil_says() -> None:
    source = SystemSource("web-1", 30.0, 10.0)
    psutil.cpu_percent()
    now = clock.now_ms()
    before_disk, before_net = psutil.disk_io_counters(perdisk=True, nowrap=False), psutil.net_io_counters(pernic=True)
    reading = await source.read(now)
    busy, memory = psutil.cpu_percent(), psutil.virtual_memory()
    after_disk, after_net = psutil.disk_io_counters(perdisk=True, nowrap=False), psutil.net_io_counters(pernic=True)
    values = by_series(reading.samples)

    assert reading.problems == ()
    assert {sample.time_ms for sample in reading.samples} == {now}
    assert values['system_cpu_usage_percent{host="web-1"}'] == pytest.approx(busy, abs=25)
    assert values['system_memory_total_bytes{host="web-1"}'] == memory.total
    assert values['system_memory_usage_percent{host="web-1"}'] == pytest.approx(memory.percent, abs=5)
    assert values['system_swap_total_bytes{host="web-1"}'] == psutil.swap_memory().total
    assert values['system_uptime_seconds{host="web-1"}'] == pytest.approx(now / 1000 - psutil.boot_time(), abs=2)
    assert values['system_processes{host="web-1"}'] == pytest.approx(len(psutil.pids()), rel=0.5)
    assert values['system_load1{host="web-1"}'] == pytest.approx(psutil.getloadavg()[0], abs=1)
    for interface, counters in after_net.items():
        value = values[f'system_network_receive_bytes_total{{host="web-1",interface="{interface}"}}']
        assert before_net[interface].bytes_recv <= value <= counters.bytes_recv
    devices = {labels_of(series)["device"] for series in values if series.startswith("system_disk_written_bytes_total")}
    assert devices or not after_disk
    for device in devices:
        value = values[f'system_disk_written_bytes_total{{device="{device}",host="web-1"}}']
        assert before_disk[device].write_bytes <= value <= after_disk[device].write_bytes


async def test_the_root_disk_and_every_core_are_there() -> None:
    reading = await SystemSource("web-1", 30.0, 10.0).read(clock.now_ms())
    cores = {labels_of(s.series)["core"] for s in reading.samples if s.series.startswith("system_cpu_core_usage")}
    assert cores == {str(number) for number in range(len(psutil.cpu_times(percpu=True)))}
    (root,) = [
        sample
        for sample in reading.samples
        if sample.series.startswith("system_disk_usage_percent") and labels_of(sample.series)["mountpoint"] == "/"
    ]
    assert root.value == pytest.approx(psutil.disk_usage("/").percent, abs=2)


async def test_processors_are_compared_with_the_previous_reading() -> None:
    source = SystemSource("web-1", 30.0, 10.0)
    await source.read(clock.now_ms())
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            sum(range(10_000))

    burning = threading.Thread(target=burn)
    before = psutil.Process().cpu_times()
    began = clock.elapsed()
    burning.start()
    stop.wait(1.0)
    stop.set()
    burning.join()
    used = sum(psutil.Process().cpu_times()[:2]) - sum(before[:2])
    percent = by_series((await source.read(clock.now_ms())).samples)['system_cpu_usage_percent{host="web-1"}']
    # Others may have used more; what we used ourselves must be in it, less one tick of the kernel's clock a core.
    assert percent >= 100 * used / (clock.elapsed() - began) / len(psutil.cpu_times(percpu=True)) - 5


async def test_no_metric_is_undescribed_and_none_described_is_missing() -> None:
    reading = await SystemSource("web-1", 30.0, 10.0).read(clock.now_ms())
    described = {(metric.name, metric.type, frozenset(metric.labels)) for metric in METRICS}
    taken = {
        (labels_of(s.series)["__name__"], s.type, frozenset(labels_of(s.series)) - {"__name__"})
        for s in reading.samples
    }
    assert taken == described


class StuckDisk:
    """A mount whose server is gone: looking at it hangs until it is back."""

    def __init__(self, mountpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.back, self.looks = threading.Event(), Counter[str]()
        self._usage = psutil.disk_usage
        table = [disk for disk in psutil.disk_partitions(all=True) if disk.mountpoint == "/"]
        stuck = table[0]._replace(device="nas:/backup", mountpoint=str(mountpoint), fstype="nfs4")
        monkeypatch.setattr(psutil, "disk_partitions", lambda all: [*table, stuck])
        monkeypatch.setattr(psutil, "disk_usage", self.usage)
        self.mountpoint = str(mountpoint)

    def usage(self, mountpoint: str) -> Any:
        self.looks[mountpoint] += 1
        if mountpoint == self.mountpoint:
            self.back.wait()
        return self._usage(mountpoint)


async def test_a_hanging_disk_costs_only_its_own_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = StuckDisk(tmp_path, monkeypatch)
    source = SystemSource("web-1", 30.0, 10.0, mount_deadline_seconds=0.1)
    try:
        for _ in range(3):
            reading = await source.read(clock.now_ms())
            disks = {
                labels_of(s.series)["mountpoint"] for s in reading.samples if s.series.startswith("system_disk_us")
            }
            assert disks == {"/"}
            assert reading.problems == ("disk_deadline",)
        assert stuck.looks == {"/": 3, str(tmp_path): 1}  # no second thread beside the one that hangs
    finally:
        stuck.back.set()

    async def both() -> bool:
        return not (await source.read(clock.now_ms())).problems

    await eventually(both)


async def test_a_disk_is_read_again_once_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = StuckDisk(tmp_path, monkeypatch)
    calls = BlockingCalls()
    try:
        disks = await read_disks(calls, (), 0.1)
        assert [(mount.mountpoint, reason) for mount, reason in disks.failures] == [(str(tmp_path), "deadline")]
        with pytest.raises(Hanging):
            await calls.call("disk nas:/backup", lambda: None, 0.1)
        assert (await read_disks(calls, (str(tmp_path),), 0.1)).failures == []
    finally:
        stuck.back.set()
