"""The life of a service: start, say how it is, drain on SIGTERM.

    run("collector", settings, settings.collector.admin, program)

calls `program(runtime)` on an event loop and ends it when a signal comes. Meanwhile `/health/live`, `/health/ready`
and `/metrics` answer, and heartbeats go out.
"""

import asyncio
import importlib.metadata
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
import uvloop
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from shared import clock
from shared.bus import BrokerClock, BusUnavailable, Outgoing, Producer
from shared.messages.heartbeats import Heartbeat
from shared.messages.topics import HEARTBEATS
from shared.settings import AdminSettings, BadSettings, CommonSettings, S, load
from shared.telemetry import configure_logging

log = structlog.get_logger()

READY = Gauge("pantau_service_ready", "1 when the service does its work")
DRAIN_SECONDS = 10.0


class Readiness:
    """What a service waits for. It is ready when nothing is missing."""

    def __init__(self) -> None:
        self._missing: dict[str, str] = {}
        READY.set_function(lambda: float(not self._missing))

    def missing(self, what: str, why: str) -> None:
        """`what` is not there (yet); people read `why`."""
        self._missing[what] = why

    def there(self, what: str) -> None:
        """`what` is there (again)."""
        self._missing.pop(what, None)

    def report(self, what: str, why: str | None) -> None:
        """`what` is missing for the reason `why`; it is there if that is None."""
        if why is None:
            self.there(what)
        else:
            self.missing(what, why)

    @property
    def reasons(self) -> dict[str, str]:
        """What is missing, and why."""
        return dict(self._missing)


class Runtime:
    """What a program is given: its producer, its readiness, and the word to stop."""

    def __init__(self, service: str, settings: CommonSettings) -> None:
        self.service, self.settings = service, settings
        self.stopping = asyncio.Event()
        self.readiness = Readiness()
        self.producer = Producer(settings.kafka.bootstrap, service)
        self.lag: Callable[[], dict[str, int]] = dict
        """Asked at each heartbeat: messages behind, by `topic/partition`."""
        self.broker_clock = BrokerClock()
        """Set by each heartbeat."""
        self._started_ms = clock.now_ms()

    async def until_stopped(self, *work: Coroutine[Any, Any, None]) -> None:
        """Run `work` side by side; cancel it all when the service is to stop. What one raises ends them all."""
        stop = asyncio.create_task(self.stopping.wait())
        tasks = [asyncio.create_task(one) for one in work]
        everything: list[asyncio.Task[Any]] = [stop, *tasks]
        try:
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in everything:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    log.error("work ended with an error", error=repr(outcome))

    def heartbeat(self) -> Heartbeat:
        """The sign of life as of now."""
        reasons = self.readiness.reasons
        return Heartbeat(
            service=self.service,
            instance=self.settings.instance,
            at=clock.now_ms(),
            started_at=self._started_ms,
            version=VERSION,
            interval_ms=round(self.settings.heartbeat.interval_seconds * 1000),
            ready=not reasons,
            not_ready=[f"{what}: {why}" for what, why in reasons.items()],
            lag=self.lag(),
        )

    async def send_heartbeats(self) -> None:
        """Say that we live, until cancelled. A bus that is away is no reason to stop, but one not to be ready."""
        while True:
            beat = self.heartbeat()
            try:
                acknowledged = await self.producer.send(
                    Outgoing(HEARTBEATS, f"{beat.service}/{beat.instance}", beat, time_ms=beat.at), deadline_seconds=5
                )
                self.broker_clock.heard(acknowledged.accepted_ms)
                self.readiness.there("bus")
            except BusUnavailable as error:
                log.warning("heartbeat not sent", reason=str(error))
                self.readiness.missing("bus", str(error))
            await asyncio.sleep(self.settings.heartbeat.interval_seconds)


Program = Callable[[Runtime], Awaitable[None]]


def main(
    service: str,
    kind: type[S],
    admin: Callable[[S], AdminSettings | None],
    program: Callable[[S], Program],
    *,
    needs_bus: bool = True,
) -> None:
    """Load the settings of `kind` and run the program that they make. Exits with 2 if the settings are bad.

    `admin` says where the service's own pages are served; None if the program serves them itself. With `needs_bus`
    the program starts once the bus is there; without, at once: it has work to do meanwhile.
    """
    try:
        settings = load(kind)
    except BadSettings as error:
        print(f"{service}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    configure_logging(service, settings.log)
    uvloop.run(_run(service, settings, admin(settings), program(settings), needs_bus))


async def _run(
    service: str, settings: CommonSettings, admin: AdminSettings | None, program: Program, needs_bus: bool
) -> None:
    runtime = Runtime(service, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.stopping.set)
    pages = await _serve(runtime, admin) if admin else None
    log.info("starting", version=VERSION, instance=settings.instance)
    connected = asyncio.Event()
    try:
        await runtime.until_stopped(
            _stay_on_the_bus(runtime, connected), _work(runtime, program, connected if needs_bus else None)
        )
    finally:
        await runtime.producer.stop()
        if pages:
            await pages.cleanup()
    log.info("stopped")


async def _stay_on_the_bus(runtime: Runtime, connected: asyncio.Event) -> None:
    runtime.readiness.missing("bus", "not connected yet")
    await runtime.producer.start()
    runtime.readiness.there("bus")
    connected.set()
    await runtime.send_heartbeats()


async def _work(runtime: Runtime, program: Program, after: asyncio.Event | None) -> None:
    if after is not None:
        await after.wait()
    await program(runtime)


async def _serve(runtime: Runtime, admin: AdminSettings) -> web.AppRunner:
    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        reasons = runtime.readiness.reasons
        return web.json_response(
            {"status": "not ready" if reasons else "ready", "missing": reasons}, status=503 if reasons else 200
        )

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, admin.host, admin.port).start()
    return runner


def _version() -> str:
    try:
        return importlib.metadata.version("pantau-monitoring")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout, not installed
        return "0.1.0+checkout"


VERSION = _version()
