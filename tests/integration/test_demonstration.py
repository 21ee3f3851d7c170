"""`./pantau up --demo`, and `./pantau simulate --history` beside it, as a person uses them: one stack for all."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from infra.commands.demo import NAME, ROUTERS
from infra.local import ports
from infra.local.places import PROJECT, Places
from infra.local.supervisor import Control
from tests.conftest import clean_environment, eventually, two_ports_in_a_row

SECONDS = 300  # the first start on a machine downloads Kafka and builds the browser application
TOLD = (
    *("mikrotik_up{", "whatsapp_session_connected{", "http_requests_total{", "business_daily_revenue_total"),
    *('health_check_status{service="mikrotik",', 'health_check_status{service="whatsapp",'),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Demonstration:
    """The command line on one data directory, with ports of its own."""

    def __init__(self, directory: Path) -> None:
        self.places = Places.at(directory / "data")
        kafka, controller, postgres, self.api, self.exporter, *admin = ports.free(10)
        services = ("collector", "health", "alerting", "history", "notifier")
        chosen = {
            "LOCAL__KAFKA_PORT": kafka,
            "LOCAL__KAFKA_CONTROLLER_PORT": controller,
            "LOCAL__POSTGRES_PORT": postgres,
            "LOCAL__KAFKA_HEAP_MB": 256,
            "LOCAL__ALERTING_WORKER_PORT": two_ports_in_a_row(),
            "API__PORT": self.api,
            "COLLECTOR__EXPORTER__PORT": self.exporter,
            **{f"{name.upper()}__ADMIN__PORT": port for name, port in zip(services, admin, strict=True)},
        }
        settings = {f"PANTAU_{name}": str(value) for name, value in chosen.items()}
        self._environment = clean_environment(**settings, PYTHONPATH=str(PROJECT / "sdk"))

    def cli(self, *arguments: str) -> str:
        """What `pantau ARGUMENTS` prints; fails the test with it unless it exits with 0."""
        done = subprocess.run(
            [sys.executable, "-m", "infra.cli", *arguments, "--data", str(self.places.data)],
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    async def exported(self) -> dict[str, float]:
        """What the exporter shows, by series."""
        url = f"http://127.0.0.1:{self.exporter}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            lines = (await response.text()).splitlines()
        return {series: float(value) for series, _, value in (one.rpartition(" ") for one in lines if one[:1] != "#")}


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """It runs; at the end it is stopped."""
    made = Demonstration(tmp_path_factory.mktemp("demonstration"))
    try:
        made.cli("up", "--demo", "--detach")
        yield made
    finally:
        made.cli("down")


async def test_product_and_provider_run_together_and_one_watches_the_other(demonstration: Demonstration) -> None:
    programs = {one.name: one.state for one in Control(demonstration.places).programs()}
    assert programs[NAME] == "RUNNING"

    async def all_of_it() -> dict[str, float] | None:
        """Once routers, gateway, application, its database and the checks have told."""
        found = await demonstration.exported()
        return found if all(any(one.startswith(name) for one in found) for name in TOLD) else None

    found = await eventually(all_of_it, SECONDS)
    assert [value for series, value in found.items() if series.startswith("mikrotik_up{")] == [1.0] * ROUTERS
    assert found['health_check_status{service="mikrotik",status="healthy"}'] == 1
    assert found['health_check_status{service="whatsapp",status="healthy"}'] == 1
    assert any('job="billing"' in series for series in found if series.startswith("http_requests_total{"))
    told = demonstration.cli("logs", NAME)
    assert "router-down" in told, "the tour begins with it"
    assert "are to raise mikrotik_api_down, router_down" in told


async def test_a_past_that_was_lived_through_is_in_history(demonstration: Demonstration) -> None:
    told = demonstration.cli("simulate", "calm", "--history", "1h", "--routers", "1", "--seed", "2")
    written = re.search(r"(\d+) samples are on the bus", told)
    assert written, told
    assert int(written[1]) > 60 * 50
    # Of the hour's end the stack that runs has readings of its own, of a router that has the same name.
    counted = 'count_over_time({}{{router="kota-1"}}[40m] offset 20m)'

    async def stored() -> bool:
        return re.search(r"\s40\s*$", demonstration.cli("query", counted.format("mikrotik_uptime_seconds"))) is not None

    await eventually(stored, SECONDS)
    assert re.search(r"\s40\s*$", demonstration.cli("query", counted.format("mikrotik_up")))
    health = 'count_over_time(health_check_status{service="mikrotik",status="healthy"}[40m] offset 20m)'
    assert re.search(r"\s40\s*$", demonstration.cli("query", health))
