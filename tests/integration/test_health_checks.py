"""Each check against what it checks: real servers, gone ones, and ones that accept a connection and say no more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from infra.local import ports, postgres
from services.health.check import Check, Finding
from services.health.checks.database import DatabaseCheck
from services.health.checks.disk_space import DiskSpaceCheck
from services.health.checks.kafka import KafkaCheck
from services.health.checks.memory import MemoryCheck
from services.health.runner import Runner
from services.health.settings import DiskSpaceSettings, ThresholdSettings
from shared.messages.health import HealthResult
from tests.conftest import eventually


async def outcome(check: Check) -> HealthResult:
    """The result of one run, as the service makes it."""
    return await Runner(check, lambda _: None).run_once()


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """The port of a server that takes connections and never says a word."""
    connections: list[asyncio.StreamWriter] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await asyncio.Event().wait()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in connections:
            writer.transport.abort()
        server.close()


async def test_a_database_that_stops_and_starts(tmp_path: Path) -> None:
    (port,) = ports.free()
    with postgres.running(tmp_path, port) as dsn:
        found = await outcome(DatabaseCheck(dsn, 15.0, 20.0))
        assert (found.status, found.details["connected"]) == ("healthy", True)
        assert found.response_time_ms > 0
        assert found.valid_until == found.checked_at + 65_000
    found = await outcome(DatabaseCheck(dsn, 15.0, 20.0))
    assert found.status == "unhealthy"
    assert str(port) in found.details["error"]
    with postgres.running(tmp_path, port) as dsn:
        assert (await outcome(DatabaseCheck(dsn, 15.0, 20.0))).status == "healthy"


async def test_a_refused_password_is_told_without_it(postgres_dsn: str) -> None:
    password = urlsplit(postgres_dsn).password
    assert password
    found = await outcome(DatabaseCheck(postgres_dsn.replace(password, "wr0ng-secret"), 15.0, 20.0))
    assert found.status == "unhealthy"
    assert "password" in found.details["error"]
    assert "wr0ng-secret" not in str(found)


@pytest.mark.parametrize("dsn", ["postgresql://pantau:s3cr3t@host:not-a-port/x", "mysql://pantau:s3cr3t@host/x"])
async def test_a_bad_address_is_told_without_its_password(dsn: str) -> None:
    found = await outcome(DatabaseCheck(dsn, 15.0, 20.0))
    assert found.status == "unhealthy"
    assert "database.dsn" in found.details["error"]
    assert "s3cr3t" not in str(found)


@pytest.mark.parametrize(
    "make",
    [
        lambda port: DatabaseCheck(f"postgresql://pantau:x@127.0.0.1:{port}/pantau", 15.0, 0.3),
        lambda port: KafkaCheck(f"127.0.0.1:{port}", 15.0, 0.3),
    ],
    ids=["database", "kafka"],
)
async def test_a_server_that_hangs_is_unhealthy_at_the_deadline(make: Callable[[int], Check]) -> None:
    async with silent_server() as port:
        found = await outcome(make(port))
    assert found.status == "unhealthy"
    assert found.details["error"].startswith("deadline exceeded")


async def test_kafka_that_answers(topics: str) -> None:
    found = await outcome(KafkaCheck(topics, 15.0, 20.0))
    assert found.status == "healthy", found.details
    assert (found.details["brokers"], found.details["brokers_answering"]) == (1, 1)
    assert found.details["topics"] >= 12
    assert found.details["partitions_without_leader"] == 0


async def test_no_kafka() -> None:
    (port,) = ports.free()
    found = await outcome(KafkaCheck(f"127.0.0.1:{port}", 15.0, 20.0))
    assert found.status == "unhealthy"
    assert str(port) in found.details["error"]


async def test_memory_and_disks_are_this_machines() -> None:
    memory = await outcome(MemoryCheck(ThresholdSettings(), 15.0, 5.0))
    assert memory.details["percent"] == pytest.approx(psutil.virtual_memory().percent, abs=5)
    assert memory.details["total"] == f"{round(psutil.virtual_memory().total / 1024 / 1024)}MB"
    disk = await outcome(DiskSpaceCheck(DiskSpaceSettings(), 15.0, 5.0))
    assert disk.details["percent"] >= psutil.disk_usage("/").percent - 2
    assert disk.details["mountpoint"] in {part.mountpoint for part in psutil.disk_partitions(all=True)}


async def test_thresholds_are_those_of_the_settings() -> None:
    percent = (await outcome(MemoryCheck(ThresholdSettings(), 15.0, 5.0))).details["percent"]
    assert percent > 0
    low = ThresholdSettings(degraded_percent=0, unhealthy_percent=0)
    assert (await outcome(MemoryCheck(low, 15.0, 5.0))).status == "unhealthy"
    high = DiskSpaceSettings(degraded_percent=0, unhealthy_percent=100)
    assert (await outcome(DiskSpaceCheck(high, 15.0, 5.0))).status == "degraded"


class Scripted:
    """A check that does what a test says."""

    kind = "scripted"
    secrets = frozenset({"hunter2"})

    def __init__(self, name: str, act: Callable[[], "asyncio.Future[None] | None"], deadline: float = 0.05) -> None:
        self.name, self._act = name, act
        self.interval_seconds, self.deadline_seconds = 0.05, deadline
        self.begun = 0

    async def run(self) -> Finding:
        self.begun += 1
        waited_for = self._act()
        if waited_for is not None:
            await waited_for
        return Finding("healthy", {})


async def results_of(
    *checks: Scripted, until: Callable[[dict[str, list[HealthResult]]], bool]
) -> dict[str, list[HealthResult]]:
    """What `checks`, run side by side, published until the condition held."""
    results: dict[str, list[HealthResult]] = {check.name: [] for check in checks}
    tasks = [
        asyncio.create_task(Runner(check, lambda result: results[result.check].append(result)).run())
        for check in checks
    ]

    async def look() -> bool:
        return until(results)

    try:
        await eventually(look)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return results


def raising() -> None:
    raise ConnectionError("refused for hunter2")


async def test_a_check_that_hangs_delays_no_other() -> None:
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    stuck, good = Scripted("stuck", lambda: never, deadline=30.0), Scripted("good", lambda: None)
    await results_of(stuck, good, until=lambda results: len(results["good"]) >= 5)
    assert stuck.begun == 1


async def test_a_check_that_raises_is_unhealthy_without_secrets_and_runs_on() -> None:
    results = await results_of(Scripted("broken", raising), until=lambda results: len(results["broken"]) >= 3)
    assert {result.status for result in results["broken"]} == {"unhealthy"}
    assert {result.details["error"] for result in results["broken"]} == {"refused for ***"}


async def test_one_that_resists_its_cancellation_stays_unhealthy_and_is_not_run_twice_at_once() -> None:
    release: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Stubborn(Scripted):
        async def run(self) -> Finding:
            self.begun += 1
            while not release.done():
                try:
                    await asyncio.shield(release)
                except asyncio.CancelledError:
                    continue
            return Finding("healthy", {})

    check = Stubborn("stubborn", lambda: None)
    results = await results_of(check, until=lambda results: len(results["stubborn"]) >= 3)
    assert check.begun == 1
    assert {result.status for result in results["stubborn"]} == {"unhealthy"}
    assert all(result.details["error"].startswith("deadline exceeded") for result in results["stubborn"])
    release.set_result(None)
