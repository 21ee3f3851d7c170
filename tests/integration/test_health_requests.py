"""A check that somebody wants run now: from the api over the bus to the health service and back, all real."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.local import ports
from tests.conftest import eventually
from tests.integration.api_process import Api, is_problem, make_tokens, new_database, running_api
from tests.integration.programs import running
from tests.integration.test_health_checks import silent_server

HEALTH = "/api/monitoring/health"


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, topics: str, postgres_dsn: str) -> AsyncIterator[Api]:
    dsn = new_database(postgres_dsn)
    settings = {"PANTAU_API__CHECK_RUN_SECONDS": "8"}
    async with running_api(tmp_path_factory.mktemp("api"), topics, dsn, make_tokens(dsn), **settings) as api:
        await api.known()
        yield api


def environment(topics: str, silent_port: int, **more: str) -> dict[str, str]:
    """Checks that run once an hour: whatever comes sooner was asked for."""
    (admin,) = ports.free()
    slow = {"name": "slow", "host": "127.0.0.1", "port": silent_port, "banner": "x", "deadline_seconds": 2}
    fast = {"name": "fast", "host": "127.0.0.1", "port": silent_port, "depends_on": ["tcp:slow"]}
    return {
        "PANTAU_KAFKA__BOOTSTRAP": topics,
        "PANTAU_HEALTH__INTERVAL_SECONDS": "3600",
        "PANTAU_HEALTH__DATABASE__ENABLED": "false",
        "PANTAU_HEALTH__DISK_SPACE__ENABLED": "false",
        "PANTAU_HEALTH__TCP": json.dumps([slow, fast]),
        "PANTAU_HEALTH__ADMIN__PORT": str(admin),
    } | more


async def test_a_check_is_run_now_and_its_result_told(api: Api, topics: str, tmp_path: Path) -> None:
    async with silent_server() as port:
        with running("services.health", tmp_path / "health.log", **environment(topics, port)):

            async def all_there() -> bool:
                return {"memory", "kafka", "tcp:slow", "tcp:fast"} <= set((await api.get(HEALTH)).body["checks"])

            async def is_taken() -> bool:
                return (await api.ask("POST", f"{HEALTH}/memory/run", "operator")).status == 200

            await eventually(all_there)
            await eventually(is_taken)  # the service reads requests only once it has found the topic
            before = (await api.get(f"{HEALTH}/memory", "viewer")).body
            answer = await api.ask("POST", f"{HEALTH}/memory/run", "operator")
            assert answer.status == 200, answer.text
            assert answer.body["checked_at"] > before["checked_at"]
            assert (await api.get(f"{HEALTH}/memory", "viewer")).body == answer.body
            assert (await api.get(HEALTH)).body["checks"]["memory"] == answer.body

            both = await asyncio.gather(
                *(api.ask("POST", f"{HEALTH}/tcp:slow/run", "operator") for _ in range(2)),
                api.ask("POST", f"{HEALTH}/memory/run", "operator"),
            )
            assert sorted(one.status for one in both[:2]) == [200, 429], "one at a time"
            assert both[2].status == 200, "another does not wait"
            refused = next(one for one in both if one.status == 429)
            assert is_problem(refused, 429)
            assert refused.headers["retry-after"]

            child = (await api.ask("POST", f"{HEALTH}/tcp:fast/run", "admin")).body
            assert child["status"] == "healthy"
            assert child["depends_on"] == child["unhealthy_parents"] == ["tcp:slow"]

    gone = await api.ask("POST", f"{HEALTH}/memory/run", "operator")
    assert is_problem(gone, 503)
    assert "health service" in gone.body["detail"]


async def test_who_may_and_what_there_is_not(api: Api) -> None:
    assert is_problem(await api.get(f"{HEALTH}/nothing", "viewer"), 404)
    assert is_problem(await api.ask("POST", f"{HEALTH}/nothing/run", "operator"), 404)
    assert is_problem(await api.ask("POST", f"{HEALTH}/memory/run", "viewer"), 403)
    assert is_problem(await api.ask("POST", f"{HEALTH}/memory/run", None), 401)
    assert is_problem(await api.get(f"{HEALTH}/{'x' * 201}", "viewer"), 422)
