"""This machine, through psutil: processors, memory, disks, network, load."""

import asyncio
from collections.abc import Collection
from typing import Any, NamedTuple

import psutil
import structlog

from services.collector.core.block_devices import is_disk
from services.collector.core.cpu import busy_percent
from services.collector.settings import Settings
from services.collector.source import Reading, Source
from shared.blocking import BlockingCalls
from shared.disks import Disks, Mount, read_disks
from shared.messages.samples import Sample
from shared.metrics import Metric

log = structlog.get_logger()

CPU = Metric("system_cpu_usage_percent", "gauge", "percent", "Share of processor time not idle", ("host",))
CORE = Metric(
    "system_cpu_core_usage_percent", "gauge", "percent", "Share of one core's time not idle", ("host", "core")
)
MEMORY = Metric("system_memory_usage_percent", "gauge", "percent", "Memory that is not available", ("host",))
MEMORY_TOTAL = Metric("system_memory_total_bytes", "gauge", "bytes", "Size of the memory", ("host",))
MEMORY_USED = Metric("system_memory_used_bytes", "gauge", "bytes", "Memory in use", ("host",))
SWAP = Metric("system_swap_usage_percent", "gauge", "percent", "Swap space in use", ("host",))
SWAP_TOTAL = Metric("system_swap_total_bytes", "gauge", "bytes", "Size of the swap space", ("host",))
SWAP_USED = Metric("system_swap_used_bytes", "gauge", "bytes", "Swap space in use", ("host",))
_DISK = ("host", "mountpoint", "device", "fstype")
DISK = Metric("system_disk_usage_percent", "gauge", "percent", "Disk space in use, of what users may use", _DISK)
DISK_TOTAL = Metric("system_disk_total_bytes", "gauge", "bytes", "Size of the disk", _DISK)
DISK_USED = Metric("system_disk_used_bytes", "gauge", "bytes", "Disk space in use", _DISK)
DISK_READ = Metric("system_disk_read_bytes_total", "counter", "bytes", "Read from the disk", ("host", "device"))
DISK_WRITTEN = Metric("system_disk_written_bytes_total", "counter", "bytes", "Written to the disk", ("host", "device"))
RECEIVED = Metric(
    "system_network_receive_bytes_total", "counter", "bytes", "Received by the interface", ("host", "interface")
)
SENT = Metric("system_network_transmit_bytes_total", "counter", "bytes", "Sent by the interface", ("host", "interface"))
LOADS = tuple(
    Metric(f"system_load{minutes}", "gauge", "", f"Load average over {minutes} min", ("host",))
    for minutes in (1, 5, 15)
)
UPTIME = Metric("system_uptime_seconds", "gauge", "seconds", "Time since the machine started", ("host",))
PROCESSES = Metric("system_processes", "gauge", "", "Number of processes", ("host",))

METRICS = (
    *(CPU, CORE, MEMORY, MEMORY_TOTAL, MEMORY_USED, SWAP, SWAP_TOTAL, SWAP_USED),
    *(DISK, DISK_TOTAL, DISK_USED, DISK_READ, DISK_WRITTEN, RECEIVED, SENT),
    *(*LOADS, UPTIME, PROCESSES),
)

# Before the first reading there is none to compare processor times with: two, so far apart.
FIRST_CPU_SECONDS = 0.5

CpuTimes = dict[str, float]


class Machine(NamedTuple):
    """What psutil says at one moment."""

    cpu: CpuTimes
    cores: list[CpuTimes]
    memory: Any
    swap: Any
    disk_traffic: dict[str, Any]
    network: dict[str, Any]
    load: tuple[float, float, float]
    boot_time: float
    processes: int


class SystemSource:
    """Reads this machine; all samples of a reading have one time."""

    name = "system"
    metrics = METRICS
    reasons: tuple[str, ...] = ("disk_deadline", "disk_error")

    def __init__(
        self,
        host: str,
        interval_seconds: float,
        deadline_seconds: float,
        mount_deadline_seconds: float = 2.0,
        ignored_mountpoints: Collection[str] = (),
    ) -> None:
        self.host, self.origin = host, f"collector/{host}"
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds
        # Disks get most of the reading's deadline, never all of it: the rest of the reading must not wait in vain.
        self._disk_seconds = min(mount_deadline_seconds, 0.5 * deadline_seconds)
        self._ignored = frozenset(ignored_mountpoints)
        self._calls = BlockingCalls()
        self._before: Machine | None = None
        self._failing: set[Mount] = set()

    async def read(self, now_ms: int) -> Reading:
        """One reading. What psutil can't say raises; a disk that doesn't answer is left out, and is a problem."""
        if self._before is None:
            self._before = await self._measure()
            await asyncio.sleep(min(FIRST_CPU_SECONDS, 0.2 * self.deadline_seconds))
        machine, disks = await asyncio.gather(
            self._measure(), read_disks(self._calls, self._ignored, self._disk_seconds)
        )
        samples = [
            *_processor_samples(self.host, now_ms, self._before, machine),
            *_memory_samples(self.host, now_ms, machine),
            *_disk_samples(self.host, now_ms, disks),
            *_traffic_samples(self.host, now_ms, machine),
            *_kernel_samples(self.host, now_ms, machine),
        ]
        self._before = machine
        self._tell(disks)
        return Reading(samples, tuple(f"disk_{reason}" for _, reason in disks.failures))

    async def _measure(self) -> Machine:
        return await self._calls.call("machine", measure, self.deadline_seconds)

    def _tell(self, disks: Disks) -> None:
        failing = {mount for mount, _ in disks.failures}
        for mount, reason in disks.failures:
            if mount not in self._failing:
                log.warning("disk does not answer", mountpoint=mount.mountpoint, device=mount.device, reason=reason)
        for mount in self._failing - failing:
            log.info("disk answers again", mountpoint=mount.mountpoint, device=mount.device)
        self._failing = failing


def sources(settings: Settings) -> list[Source]:
    """The source that `settings` ask for, if they do."""
    own, system = settings.collector, settings.collector.system
    if not system.enabled:
        return []
    interval = system.interval_seconds or own.interval_seconds
    deadline = min(own.deadline_seconds, interval)
    return [SystemSource(own.host, interval, deadline, system.mount_deadline_seconds, system.ignored_mountpoints)]


def measure() -> Machine:
    """Ask the kernel; takes milliseconds, but reads many files: not on an event loop."""
    return Machine(
        cpu=psutil.cpu_times()._asdict(),
        cores=[times._asdict() for times in psutil.cpu_times(percpu=True)],
        memory=psutil.virtual_memory(),
        swap=psutil.swap_memory(),
        # The kernel's own counters: a reset is for the reader to see, as with any counter.
        disk_traffic=psutil.disk_io_counters(perdisk=True, nowrap=False),
        network=psutil.net_io_counters(pernic=True, nowrap=False),
        load=psutil.getloadavg(),
        boot_time=psutil.boot_time(),
        processes=len(psutil.pids()),
    )


def _processor_samples(host: str, now_ms: int, before: Machine, after: Machine) -> list[Sample]:
    samples = []
    if (percent := busy_percent(before.cpu, after.cpu)) is not None:
        samples.append(CPU.sample(now_ms, percent, host=host))
    if len(before.cores) != len(after.cores):  # one came or went, and they have no names to compare by
        return samples
    for number, (earlier, later) in enumerate(zip(before.cores, after.cores, strict=True)):
        if (percent := busy_percent(earlier, later)) is not None:
            samples.append(CORE.sample(now_ms, percent, host=host, core=str(number)))
    return samples


def _memory_samples(host: str, now_ms: int, machine: Machine) -> list[Sample]:
    memory, swap = machine.memory, machine.swap
    return [
        MEMORY.sample(now_ms, memory.percent, host=host),
        MEMORY_TOTAL.sample(now_ms, memory.total, host=host),
        MEMORY_USED.sample(now_ms, memory.used, host=host),
        SWAP.sample(now_ms, swap.percent, host=host),
        SWAP_TOTAL.sample(now_ms, swap.total, host=host),
        SWAP_USED.sample(now_ms, swap.used, host=host),
    ]


def _disk_samples(host: str, now_ms: int, disks: Disks) -> list[Sample]:
    samples = []
    for usage in disks.usages:
        labels = {"host": host, **usage.mount._asdict()}
        samples += [
            DISK.sample(now_ms, usage.percent, **labels),
            DISK_TOTAL.sample(now_ms, usage.total, **labels),
            DISK_USED.sample(now_ms, usage.used, **labels),
        ]
    return samples


def _traffic_samples(host: str, now_ms: int, machine: Machine) -> list[Sample]:
    samples = []
    for device, traffic in machine.disk_traffic.items():
        if is_disk(device):
            samples.append(DISK_READ.sample(now_ms, traffic.read_bytes, host=host, device=device))
            samples.append(DISK_WRITTEN.sample(now_ms, traffic.write_bytes, host=host, device=device))
    for interface, traffic in machine.network.items():
        samples.append(RECEIVED.sample(now_ms, traffic.bytes_recv, host=host, interface=interface))
        samples.append(SENT.sample(now_ms, traffic.bytes_sent, host=host, interface=interface))
    return samples


def _kernel_samples(host: str, now_ms: int, machine: Machine) -> list[Sample]:
    return [
        *(metric.sample(now_ms, load, host=host) for metric, load in zip(LOADS, machine.load, strict=True)),
        UPTIME.sample(now_ms, now_ms / 1000 - machine.boot_time, host=host),
        PROCESSES.sample(now_ms, machine.processes, host=host),
    ]
