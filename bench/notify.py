"""`./pantau bench notify`: an alert event on the bus -> the request at its receiver, beside Debian's Alertmanager.

Both are told of one alert after another that begins to fire, by the same webhook, each alert as a group of its own
without a wait (`immediate`; Alertmanager: `group_wait: 0s`). Ours gets them as alert events, durable on a Kafka of its
own; Alertmanager as posts to its API v2, which it keeps in memory. Then many at once: deliveries a second. Sender,
Kafka, notifier and receiver share this machine.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from rich.console import Console
from rich.table import Table

from bench._bus import own_bus
from bench._figures import percentile
from infra.local import ports
from infra.local.places import PROJECT
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.alerts import AlertEvent, alert_id, event_id, fingerprint
from shared.messages.message import instant_to_text
from shared.messages.topics import ALERT_EVENTS

out = Console(highlight=False)
START_SECONDS, DEADLINE_SECONDS = 60.0, 300.0
# One after another before the first that counts: connections, caches, and a broker whose JVM has compiled what it does.
WARM_UP = 1_000


class Arrivals:
    """When the receiver got each alert, by its name."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._arrived = asyncio.Event()

    async def receive(self, request: web.Request) -> web.Response:
        """A webhook's request, in Alertmanager's format."""
        now = time.perf_counter()
        for alert in (await request.json())["alerts"]:
            self.at.setdefault(alert["labels"]["alertname"], now)
        self._arrived.set()
        return web.Response()

    async def until(self, *names: str) -> None:
        """Return once all of them have come. TimeoutError after five minutes."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not all(name in self.at for name in names):
                self._arrived.clear()
                await self._arrived.wait()


Tell = Callable[[list[str]], Awaitable[None]]
"""Says that alerts of these names fire."""


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="pantau bench notify", description=__doc__)
    parser.add_argument("--alerts", type=int, default=300, help="alerts, one after another (300)")
    parser.add_argument("--many", type=int, default=3_000, help="alerts at once (3,000)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, too
    with own_bus() as bus:
        figures = asyncio.run(measure(bus.bootstrap, bus.directory, arguments.alerts, arguments.many))
    table = Table("", "p50 ms", "p99 ms", "deliveries/s")
    for name, prefix in (("Pantau", ""), ("Alertmanager", "alertmanager_")):
        found = [figures.get(f"{prefix}{key}") for key in ("p50_ms", "p99_ms", "deliveries_per_s")]
        table.add_row(name, *("-" if one is None else f"{one:,.1f}" for one in found))
    out.print(table)
    print(json.dumps(figures))


async def measure(bootstrap: str, directory: Path, alerts: int, many: int) -> dict[str, float]:
    """Both, one after the other; without the peer where it is not installed."""
    figures: dict[str, float] = {}
    async with receiver() as (arrivals, url), pantau(bootstrap, directory, url) as tell:
        figures |= await figures_of(tell, arrivals, "ours", alerts, many)
    peer = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if peer is None:
        out.print("Alertmanager is not installed here (Debian: prometheus-alertmanager): measured without it")
        return figures
    async with receiver() as (arrivals, url), alertmanager(peer, directory, url) as tell:
        theirs = await figures_of(tell, arrivals, "theirs", alerts, many)
    return figures | {f"alertmanager_{name}": value for name, value in theirs.items()}


async def figures_of(tell: Tell, arrivals: Arrivals, prefix: str, alerts: int, many: int) -> dict[str, float]:
    """p50 and p99 of one alert after another, then the rate of many at once."""
    took = []
    for number in range(alerts + WARM_UP):
        name = f"{prefix}_{number}"
        begun = time.perf_counter()
        await tell([name])
        await arrivals.until(name)
        if number >= WARM_UP:
            took.append((arrivals.at[name] - begun) * 1000)
    names = [f"{prefix}_many_{number}" for number in range(many)]
    begun = time.perf_counter()
    await tell(names)
    await arrivals.until(*names)
    seconds = max(arrivals.at[name] for name in names) - begun
    return {
        "p50_ms": round(percentile(took, 50), 2),
        "p99_ms": round(percentile(took, 99), 2),
        "deliveries_per_s": round(many / seconds, 1),
    }


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[Arrivals, str]]:
    """Who is told, and where."""
    arrivals = Arrivals()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/", arrivals.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    (port,) = ports.free()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield arrivals, f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def pantau(bootstrap: str, directory: Path, url: str) -> AsyncIterator[Tell]:
    """The notifier, told on the bus."""
    (admin,) = ports.free()
    sections: dict[str, Any] = {
        "ROUTE": {"receiver": "bench", "immediate": True},
        "RECEIVERS": [{"name": "bench", "webhook_configs": [{"url": url}]}],
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PANTAU_")}
    environment = kept | {f"PANTAU_NOTIFICATIONS__{name}": json.dumps(one) for name, one in sections.items()}
    environment |= {"PANTAU_KAFKA__BOOTSTRAP": bootstrap, "PANTAU_NOTIFIER__ADMIN__PORT": str(admin)}
    producer = Producer(bootstrap, "bench")
    await producer.start()
    try:
        with process([sys.executable, "-m", "services.notifier"], directory / "notifier.log", environment):
            await answers(f"http://127.0.0.1:{admin}/health/ready")

            async def tell(names: list[str]) -> None:
                events = [firing(name) for name in names]
                await producer.send_all([Outgoing(ALERT_EVENTS, one.alert_id, one, one.id) for one in events])

            yield tell
    finally:
        await producer.stop()


@asynccontextmanager
async def alertmanager(program: str, directory: Path, url: str) -> AsyncIterator[Tell]:
    """Alertmanager, told by its API."""
    (port,) = ports.free()
    route = {"receiver": "bench", "group_by": ["..."], "group_wait": "0s"}
    config = directory / "alertmanager.yml"
    config.write_text(
        yaml.safe_dump({"route": route, "receivers": [{"name": "bench", "webhook_configs": [{"url": url}]}]})
    )
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with process(command, directory / "alertmanager.log", dict(os.environ)):
        await answers(f"http://127.0.0.1:{port}/-/ready")
        async with aiohttp.ClientSession() as session:

            async def tell(names: list[str]) -> None:
                now = instant_to_text(clock.now_ms())
                body = [{"labels": {"alertname": name, "severity": "warning"}, "startsAt": now} for name in names]
                async with session.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=body) as response:
                    response.raise_for_status()

            yield tell


def firing(name: str) -> AlertEvent:
    """The event of an alert that begins to fire now."""
    now_ms, labels = clock.now_ms(), {"alertname": name, "severity": "warning"}
    alert = alert_id("bench", name, labels)
    return AlertEvent(
        id=event_id(alert, now_ms, 1),
        alert_id=alert,
        fingerprint=fingerprint(labels),
        group="bench",
        rule=name,
        rule_version="1",
        episode=now_ms,
        transition=1,
        state="firing",
        previous_state="inactive",
        instant=now_ms,
        labels=labels,
        severity="warning",
        message=f"{name} fires",
        value=1.0,
        expr="bench > 0",
        fired_at=now_ms,
    )


@contextmanager
def process(command: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """It runs for as long as the block lasts."""
    with log.open("wb") as output:
        running = subprocess.Popen(command, cwd=PROJECT, env=dict(environment), stdout=output, stderr=output)
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)


async def answers(url: str) -> None:
    """Return once the page is there. TimeoutError after a minute."""
    async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    main()
