"""The check of routers against simulated ones."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from infra.simulator.routeros.faults import Fault
from infra.simulator.routeros.fleet import Fleet
from infra.simulator.routeros.router import Plan
from services.health.check import Check
from services.health.checks import all_checks
from services.health.runner import Runner
from services.health.settings import Settings
from shared.messages.health import HealthResult
from shared.settings import load
from tests.integration.routers import StandingClock, entry, fleet


@pytest.fixture
async def routers() -> AsyncIterator[Fleet]:
    async with fleet(StandingClock(), *(Plan(f"r-{number}", pppoe=5, hotspot=2) for number in range(3))) as running:
        yield running


def checks(path: Path, *routers: dict[str, object], **health: object) -> dict[str, Check]:
    file = path / "pantau.yaml"
    file.write_text(yaml.safe_dump({"mikrotik": {"routers": [*routers]}, "health": {"mikrotik": health}}))
    return {check.name: check for check in all_checks(load(Settings, {}, file)) if check.kind == "mikrotik"}


async def result(check: Check) -> HealthResult:
    return await Runner(check, lambda _: None).run_once()


async def test_a_single_router_is_the_check(routers: Fleet, tmp_path: Path) -> None:
    served = routers.routers["r-1"]
    (check,) = checks(tmp_path, entry(served)).values()
    for _ in range(2):
        found = await result(check)
        assert (found.check, found.kind, found.status) == ("mikrotik", "mikrotik", "healthy")
        assert found.details["connected"] is True
        assert found.details["version"] == served.router.plan.version
    assert served.connections == 1


async def test_a_router_that_has_been_rebooted_since_is_healthy(routers: Fleet, tmp_path: Path) -> None:
    (check,) = checks(tmp_path, entry(routers.routers["r-1"])).values()
    assert (await result(check)).status == "healthy"
    await routers.switch_off("r-1")
    down = await result(check)
    assert (down.status, down.details["reason"]) == ("unhealthy", "refused")
    await routers.switch_on("r-1")
    assert (await result(check)).status == "healthy"
    await routers.switch_off("r-1")
    await routers.switch_on("r-1")
    assert (await result(check)).status == "healthy"


@pytest.mark.parametrize(
    ("fault", "reason"), [(Fault.HANG, "timeout"), (Fault.GARBAGE, "protocol"), (Fault.TRAP, "login")]
)
async def test_what_is_wrong_is_told(routers: Fleet, tmp_path: Path, fault: Fault, reason: str) -> None:
    served = routers.routers["r-1"]
    served.trouble.fault = fault
    (check,) = checks(tmp_path, entry(served), deadline_seconds=1.0).values()
    found = await result(check)
    assert (found.status, found.details["reason"]) == ("unhealthy", reason)
    assert "rahasia" not in str(found.details)


async def test_of_several_each_has_its_own_and_the_kind_is_the_worst(routers: Fleet, tmp_path: Path) -> None:
    of = checks(tmp_path, *(entry(served) for served in routers.routers.values()))
    assert set(of) == {"mikrotik", "mikrotik:r-0", "mikrotik:r-1", "mikrotik:r-2"}
    # All begin at once; the kind waits for the first finding of each.
    first = await asyncio.gather(*(result(check) for check in of.values()))
    assert {found.status for found in first} == {"healthy"}
    await routers.switch_off("r-2")
    assert (await result(of["mikrotik:r-2"])).status == "unhealthy"
    worst = await result(of["mikrotik"])
    assert worst.status == "unhealthy"
    assert worst.details == {"routers": 3, "unhealthy": 1, "unhealthy_routers": ["r-2"]}
    assert (await result(of["mikrotik:r-0"])).status == "healthy"


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    login: dict[str, object] = {"name": "r-1", "host": "127.0.0.1", "username": "pantau", "password": "x"}
    assert checks(tmp_path, login, enabled=False) == {}
