"""The whole product, started as a user starts it, and what tests do with it."""

import asyncio
import contextlib
import json
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import yaml
from aiohttp import web

from infra.local import ports
from infra.local.places import Places
from infra.local.processes import wait_until
from infra.local.supervisor import Control, ProgramState
from tests.conftest import clean_environment, two_ports_in_a_row
from tests.e2e.browsing import browser, page, signed_in, user_page  # noqa: F401  # fixtures

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 240  # the first start on a machine downloads Kafka and builds the pages
GARBAGE_KEY = b"garbage"
MOST_SERIES = 3_000  # of one rule group
SERVICES = ("collector", "health", "alerting", "history", "notifier", "api")


@dataclass
class Stack:
    """A running `./pantau up`."""

    data: Path
    config: Path
    settings: dict[str, Any]
    password: str = ""
    environment: dict[str, str] = field(default_factory=clean_environment)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings['api']['port']}"

    @property
    def exporter_url(self) -> str:
        return f"http://127.0.0.1:{self.settings['collector']['exporter']['port']}/metrics"

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{self.settings['local']['kafka_port']}"

    @property
    def dsn(self) -> str:
        return Places.at(self.data).dsn_file.read_text().strip()

    def cli(self, *arguments: str, seconds: float = START_SECONDS) -> str:
        """The output of `pantau ARGUMENTS --data …`; fails the test with it if the exit status is not 0."""
        done = subprocess.run(
            [PROJECT / "pantau", *arguments, "--data", str(self.data)],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, (
            f"pantau {' '.join(arguments)} exited with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def up(self) -> str:
        """Start it, or find it running."""
        return self.cli("up", "--detach", "--config", str(self.config))

    def token(self, role: str) -> str:
        """A new bearer token."""
        found = re.search(
            r"pantau_[A-Za-z0-9_-]+", self.cli("token", "create", "--role", role, "--name", f"test-{role}")
        )
        assert found, "no token in the output of `pantau token create`"
        return found[0]

    def program(self, name: str) -> ProgramState:
        """How the supervisor sees one program."""
        return next(one for one in self.control.programs() if one.name == name)

    @property
    def control(self) -> Control:
        """The stack's supervisor."""
        return Control(Places.at(self.data))

    def kill(self, name: str) -> None:
        """SIGKILL, as the kernel does it when memory runs out; returns once the process is gone."""
        wait_until(lambda: bool(self.program(name).pid), 60, late=lambda: f"{name} does not run")
        pid = self.program(name).pid
        assert pid is not None
        process = psutil.Process(pid)
        process.kill()
        with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
            process.wait(10)

    def stop(self, name: str) -> None:
        """Stop a program, so that it stays away."""
        self.control.stop(self.program(name))
        wait_until(lambda: self.program(name).state == "STOPPED", 60, late=lambda: f"{name} did not stop")

    def start(self, name: str) -> None:
        """Start a program that was stopped."""
        self.control.start(self.program(name))


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory, recorder: "Recorder") -> Iterator[Stack]:
    """The product on ports and in a directory of its own, telling `recorder` of its alerts."""
    directory = tmp_path_factory.mktemp("stack")
    names = ["kafka", "postgres", "api", "exporter", "collector", "health", "alerting", "history", "notifier"]
    free = dict(zip(names, ports.free(len(names)), strict=True))
    settings: dict[str, Any] = {
        "local": {
            "kafka_port": free["kafka"],
            "postgres_port": free["postgres"],
            "alerting_worker_port": two_ports_in_a_row(),
        },
        "api": {"port": free["api"]},
        "collector": {
            "admin": {"port": free["collector"]},
            "exporter": {"port": free["exporter"]},
            "system": {"interval_seconds": 2},
        },
        "health": {"admin": {"port": free["health"]}, "interval_seconds": 2},
        "alerting": {
            "admin": {"port": free["alerting"]},
            "evaluation_interval_seconds": 2,
            "most_series_per_group": MOST_SERIES,
        },
        "history": {"admin": {"port": free["history"]}},
        "notifier": {"admin": {"port": free["notifier"]}},
        "notifications": {
            "route": {"receiver": "recorder", "immediate": True},
            "flapping": None,  # faults come more often here than anywhere
            "receivers": [
                {
                    "name": "recorder",
                    "webhook_configs": [{"url": recorder.url, "format": "pantau"}],
                    "log_configs": [{}],
                }
            ],
        },
    }
    config = directory / "pantau.yaml"
    config.write_text(yaml.safe_dump(settings))
    running = Stack(directory / "data", config, settings)
    try:
        said = running.up()
        found = re.search(r"admin\b.*?\bpassword\W+(\S+)", said, re.DOTALL | re.IGNORECASE)
        assert found, f"`pantau up` did not tell the admin login:\n{said}"
        running.password = found[1]
        yield running
    finally:
        running.cli("down")


@dataclass
class Delivery:
    """A webhook request."""

    id: str
    alert: dict[str, Any]
    """The first alert in it."""
    at: float


@dataclass
class Recorder:
    """A webhook receiver that remembers."""

    url: str
    deliveries: list[Delivery] = field(default_factory=list)

    def of(self, rule: str) -> list[Delivery]:
        """The deliveries about alerts of `rule`, in the order they came."""
        return [one for one in self.deliveries if one.alert["rule"] == rule]

    def states(self, rule: str) -> list[str]:
        """Their states, in the order they came, each once (a kill between send and record repeats an id)."""
        told = {(one.id, one.alert["event_id"]): one.alert["status"] for one in self.of(rule)}
        return list(told.values())


@pytest.fixture(scope="package")
async def recorder() -> AsyncIterator[Recorder]:
    """A webhook receiver on a port of its own, in the tests' event loop."""

    async def receive(request: web.Request) -> web.Response:
        for alert in (await request.json())["alerts"]:
            record.deliveries.append(Delivery(request.headers["webhook-id"], alert, time.monotonic()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    (port,) = ports.free()
    record = Recorder(f"http://127.0.0.1:{port}/")
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield record
    await runner.cleanup()


class Client:
    """HTTP as a system with a token speaks it, patient with services that were killed."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def get(self, path: str, **query: str) -> Any:
        """The JSON answer to a GET; fails the test on another status than 200."""
        async with self._session.get(self._url + path, params=query) as response:
            body = await response.text()
            assert response.status == 200, f"GET {path}: {response.status} {body}"
            return json.loads(body)

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON answer of a POST."""
        async with self._session.post(self._url + path, json=body) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def sample(self, name: str, value: float, /, **labels: str) -> None:
        """Post one sample until it is accepted."""
        deadline = time.monotonic() + 90
        last: object = None
        while time.monotonic() < deadline:
            try:
                status, last = await self.post(
                    "/api/monitoring/metrics", {"metric_name": name, "value": value, "labels": labels}
                )
                if status == 202:
                    return
                assert status in (429, 503), f"sample refused with {status}: {last}"
            except aiohttp.ClientError as error:
                last = error
            await asyncio.sleep(0.2)
        raise AssertionError(f"sample not accepted within 90 s: {last}")

    async def rule(self, name: str, condition: str) -> None:
        """Create the specification's small rule."""
        status, body = await self.post(
            "/api/monitoring/alerts/rules",
            {"name": name, "condition": condition, "severity": "warning", "message": f"{name} threshold exceeded"},
        )
        assert status in (200, 201), body

    async def active(self, name: str) -> list[dict[str, Any]]:
        """The active alerts of a rule."""
        return [one for one in await self.get("/api/monitoring/alerts", status="active") if one["name"] == name]


@pytest.fixture(scope="package")
async def client(stack: Stack) -> AsyncIterator[Client]:
    """A client with an admin's token."""
    token = await asyncio.to_thread(stack.token, "admin")
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as session:
        yield Client(session, stack.url)
