"""The check of WhatsApp gateways against the simulated one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.simulator.whatsapp.faults import Fault
from infra.simulator.whatsapp.served import ServedGateway
from services.health.board import Board
from services.health.check import Check
from services.health.checks import all_checks
from services.health.runner import Runner
from services.health.settings import Settings
from shared.messages.health import HealthResult
from tests.integration.gateways import entry, served, settings
from tests.integration.routers import StandingClock


@pytest.fixture
async def gateway() -> AsyncIterator[ServedGateway]:
    async with served(StandingClock()) as running:
        yield running


def checking(path: Path, *gateways: dict[str, object], board: Board | None = None, **check: object) -> dict[str, Check]:
    given = settings(Settings, path, *gateways, health={"whatsapp": check} if check else {})
    return {one.name: one for one in all_checks(given, board) if one.kind == "whatsapp"}


async def result(check: Check, board: Board | None = None) -> HealthResult:
    return await Runner(check, lambda _: None, board=board).run_once()


async def test_healthy_degraded_unhealthy(gateway: ServedGateway, tmp_path: Path) -> None:
    (check,) = checking(tmp_path, entry(gateway)).values()
    found = await result(check)
    assert (found.check, found.kind, found.status) == ("whatsapp", "whatsapp", "healthy")
    assert found.details == {"connected": True, "sessions": {"default": "WORKING"}, "disconnected": 0}
    gateway.gateway.log_out(noticed=True)
    found = await result(check)
    assert found.status == "degraded"
    assert found.details == {"connected": False, "sessions": {"default": "SCAN_QR_CODE"}, "disconnected": 1}
    await gateway.switch_off()
    found = await result(check)
    assert (found.status, found.details["connected"], found.details["reason"]) == ("unhealthy", False, "refused")


@pytest.mark.parametrize(
    ("fault", "reason"), [(Fault.HANG, "timeout"), (Fault.UNAUTHORIZED, "unauthorized"), (Fault.GARBAGE, "bad_json")]
)
async def test_what_is_wrong_is_told_without_secrets(
    gateway: ServedGateway, tmp_path: Path, fault: Fault, reason: str
) -> None:
    gateway.trouble.fault = fault
    (check,) = checking(tmp_path, entry(gateway), deadline_seconds=0.5).values()
    found = await result(check)
    assert (found.status, found.details["reason"]) == ("unhealthy", reason)
    assert gateway.plan.api_key not in str(found.details)


async def test_of_several_each_has_its_own_and_the_kind_is_the_worst(gateway: ServedGateway, tmp_path: Path) -> None:
    status = {"url": gateway.status_url, "queue_size": "/queue/size"}
    status_only: dict[str, object] = {"name": "page", "status": status}
    board = Board()
    of = checking(tmp_path, entry(gateway), status_only, board=board)
    assert set(of) == {"whatsapp", "whatsapp:billing", "whatsapp:page"}
    gateway.gateway.fail()
    # All begin at once; the kind waits for the first result of each.
    results = await asyncio.gather(*(result(check, board) for check in of.values()))
    statuses = {one.check: one.status for one in results}
    assert statuses == {"whatsapp:billing": "degraded", "whatsapp:page": "healthy", "whatsapp": "degraded"}


def test_no_gateway_no_check(tmp_path: Path) -> None:
    assert checking(tmp_path) == {}
