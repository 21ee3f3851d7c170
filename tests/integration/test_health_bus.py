"""The health service as a program: what comes out on a real bus, also when that was away."""

from pathlib import Path

import pytest
from aiokafka import ConsumerRecord

from infra.local import ports
from shared import clock
from shared.messages.cloudevents import attributes
from shared.messages.health import STATUSES, HealthResult
from shared.messages.samples import SampleBatch
from shared.messages.topics import HEALTH, SAMPLES
from tests.conftest import eventually, run_module
from tests.integration.programs import RestartableKafka, page, records, running

CHECKS = {"database", "disk_space", "kafka", "memory"}


def environment(bootstrap: str, dsn: str) -> tuple[dict[str, str], int]:
    """(settings, port of the admin pages)"""
    (admin,) = ports.free()
    return (
        {
            "PANTAU_KAFKA__BOOTSTRAP": bootstrap,
            "PANTAU_DATABASE__DSN": dsn,
            "PANTAU_HEALTH__HOST": "web-1",
            "PANTAU_HEALTH__INTERVAL_SECONDS": "1",
            "PANTAU_HEALTH__ADMIN__PORT": str(admin),
        },
        admin,
    )


def result_of(record: ConsumerRecord[bytes, bytes]) -> HealthResult:
    assert record.value is not None
    result = HealthResult.decode(record.value)
    assert record.key == result.check.encode()
    assert attributes(dict(record.headers))["type"] == "pantau.health"
    return result


async def test_results_and_samples_arrive_as_the_contract_says(topics: str, postgres_dsn: str, tmp_path: Path) -> None:
    settings, admin = environment(topics, postgres_dsn)
    began = clock.now_ms()
    with running("services.health", tmp_path / "health.log", **settings):

        async def all_checks() -> list[HealthResult]:
            found = [result_of(record) for record in await records(topics, HEALTH)]
            return found if {result.check for result in found} == CHECKS else []

        results = await eventually(all_checks)
        ready, _ = await page(f"http://127.0.0.1:{admin}/health/ready")
    assert ready == 200
    latest = {result.check: result for result in results}
    assert latest["database"].status == "healthy", latest["database"].details
    assert latest["kafka"].status == "healthy", latest["kafka"].details
    for result in results:
        assert result.kind == result.check
        assert began <= result.checked_at <= clock.now_ms()
        assert result.valid_until > result.checked_at + 3_000

    at_time: dict[tuple[str, int], float] = {}
    for record in await records(topics, SAMPLES):
        assert record.value is not None
        assert record.key == b"health/web-1"
        for sample in SampleBatch.decode(record.value).samples():
            at_time[sample.series, sample.time_ms] = sample.value
    for result in results:
        for status in STATUSES:
            series = f'health_check_status{{service="{result.check}",status="{status}"}}'
            assert at_time[series, result.checked_at] == float(status == result.status)
        duration = f'health_check_duration_seconds{{service="{result.check}"}}'
        assert at_time[duration, result.checked_at] * 1000 == pytest.approx(result.response_time_ms)


async def test_that_the_bus_was_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    kafka = RestartableKafka(tmp_path / "kafka")
    settings, admin = environment(kafka.bootstrap, f"postgresql://pantau:x@127.0.0.1:{ports.free()[0]}/pantau")

    async def running_without_bus() -> bool:
        status, text = await page(f"http://127.0.0.1:{admin}/health/ready")
        return status == 503 and "bus" in text

    async def told() -> list[HealthResult]:
        found = [result_of(record) for record in await records(kafka.bootstrap, HEALTH)]
        return found if any(result.check == "kafka" and result.status == "healthy" for result in found) else []

    with running("services.health", tmp_path / "health.log", **settings):
        await eventually(running_without_bus)
        with kafka.there():
            back = clock.now_ms()
            run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
            results = await eventually(told)
    kafka_results = list({one.checked_at: one for one in results if one.check == "kafka"}.values())
    assert [one.checked_at for one in kafka_results] == sorted(one.checked_at for one in kafka_results)
    assert kafka_results[0].status == "unhealthy"
    assert kafka_results[0].checked_at < back
    assert kafka_results[-1].status == "healthy"
    assert {one.status for one in results if one.check == "database"} == {"unhealthy"}
