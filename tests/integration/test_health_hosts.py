"""Disks and memory of other machines, judged by what their collectors put on the bus."""

from pathlib import Path

from services.collector.sources.system import DISK, MEMORY
from services.health.checks.hosts import HostCheck
from services.health.settings import DiskSpaceSettings
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.health import HealthResult
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import HEALTH, SAMPLES
from tests.conftest import eventually
from tests.integration.programs import records, running
from tests.integration.test_health_bus import environment


def disk(host: str, mountpoint: str, percent: float, at_ms: int) -> Sample:
    return DISK.sample(at_ms, percent, host=host, mountpoint=mountpoint, device="/dev/vda1", fstype="ext4")


async def test_each_host_has_checks_of_its_own_also_from_before_the_start(
    topics: str, producer: Producer, postgres_dsn: str, tmp_path: Path
) -> None:
    now, source = clock.now_ms(), "collector/db-1"
    told = [disk("db-1", "/", 40, now), disk("db-1", "/data", 93, now), MEMORY.sample(now, 85, host="db-1")]
    await producer.send_all([Outgoing(SAMPLES, source, SampleBatch.of(source, told))], 30.0)
    settings, _ = environment(topics, postgres_dsn)
    with running("services.health", tmp_path / "health.log", **settings, PANTAU_HEALTH__HOSTS='["db-1"]'):

        async def all_told() -> dict[str, HealthResult] | None:
            found = [HealthResult.decode(record.value or b"") for record in await records(topics, HEALTH)]
            latest = {one.check: one for one in found}
            complete = latest.get("disk_space") and latest["disk_space"].status == "unhealthy"
            return latest if complete and "memory" in latest else None

        latest = await eventually(all_told)
    assert {"disk_space:db-1", "disk_space:web-1", "memory:db-1", "memory:web-1", "memory"} <= set(latest)
    full = latest["disk_space:db-1"]
    assert (full.kind, full.status, full.details) == (
        "disk_space",
        "unhealthy",
        {"percent": 93.0, "mountpoint": "/data"},
    )
    assert (latest["memory:db-1"].status, latest["memory:db-1"].details) == ("degraded", {"percent": 85.0})
    assert "db-1" in latest["disk_space"].details["not_healthy"]


async def test_the_newest_reading_counts_and_one_that_is_old_says_nothing() -> None:
    check = HostCheck("disk_space", "db-1", DiskSpaceSettings(), 15.0, ["/mnt"], silent_seconds=60.0)
    now = clock.now_ms()

    def take(*samples: Sample) -> None:
        check.take(SampleBatch.of(check.source, samples))

    take(disk("db-1", "/", 70, now - 30_000))
    take(disk("db-1", "/", 95, now - 45_000))
    assert (await check.run()).status == "healthy", "what comes late is older"
    take(disk("db-1", "/data", 82, now))
    take(disk("db-1", "/", 71, now), disk("db-1", "/mnt", 99, now))  # a reading in two batches
    found = await check.run()
    assert (found.status, found.details) == ("degraded", {"percent": 82.0, "mountpoint": "/data"})


async def test_a_host_that_is_silent_is_degraded_not_unhealthy() -> None:
    silent = HostCheck("memory", "db-1", DiskSpaceSettings(), 15.0, [], silent_seconds=0.05)
    found = await silent.run()
    assert (found.status, found.details["reason"]) == ("degraded", "silent")
    old = MEMORY.sample(clock.now_ms() - 60_000, 10, host="db-1")
    silent.take(SampleBatch.of(silent.source, [old]))
    assert (await silent.run()).details["reason"] == "silent"
