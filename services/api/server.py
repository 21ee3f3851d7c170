"""The HTTP server inside the service's life: listens at once, drains when the service is to stop."""

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
from prometheus_client import Gauge

from services.api.app import build
from services.api.logins import sweep_expired
from services.api.parts import Parts
from services.api.settings import ApiSettings, Settings
from shared.service import Runtime

log = structlog.get_logger()

CONNECTIONS = Gauge("http_active_connections", "Connections to the API that are open")
FLUSH_SECONDS = 3.0


class PortTaken(OSError):
    """Nobody can listen there; the text says what to do."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the Runtime's."""
        yield


def listen(api: ApiSettings) -> socket.socket:
    """The socket to serve on. PortTaken."""
    family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
    try:
        return socket.create_server((api.host, api.port), family=family, backlog=2048)
    except OSError as error:
        raise PortTaken(
            f"can't listen on {api.host}:{api.port} ({error.strerror}): end what does, or choose another api.port"
        ) from error


async def serve(settings: Settings, listening: socket.socket, runtime: Runtime) -> None:
    """Answer requests until cancelled; then finish those under way and send what they left behind."""
    host, port = listening.getsockname()[:2]
    parts = Parts(settings, runtime.producer, runtime.readiness, settings.instance_label(port))
    server = _Server(_config(settings.api, parts))
    CONNECTIONS.set_function(lambda: len(server.server_state.connections))
    # What requests under way need goes on until they are finished.
    background = [asyncio.create_task(one) for one in _background(parts)]
    serving = asyncio.create_task(server.serve([listening]))
    log.info("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}")
    try:
        await asyncio.wait([serving, *background], return_when=asyncio.FIRST_COMPLETED)
        for task in (serving, *background):
            if task.done():
                task.result()
                raise RuntimeError(f"{task.get_coro()} ended")
    finally:
        parts.live.close()
        parts.backtests.close()
        server.should_exit = True
        await asyncio.wait([serving], timeout=settings.api.drain_seconds + 2)
        for task in (serving, *background):
            task.cancel()
        await asyncio.wait([serving, *background], timeout=FLUSH_SECONDS)
        await asyncio.gather(parts.request_logs.flush(FLUSH_SECONDS), parts.own_samples.send(FLUSH_SECONDS))
        await parts.database.close()


def _background(parts: Parts) -> list[Coroutine[Any, Any, None]]:
    return [
        parts.views.follow(parts.readiness),
        parts.intake.run(),
        parts.outbox.run(),
        parts.request_logs.run(),
        parts.own_samples.run(),
        parts.silences.run(),
        parts.told_mutes.run(),
        parts.webhooks.reporter.run(),
        parts.heartbeats.run(parts.views.recent_samples_known, parts.database),
        sweep_expired(parts.database),
        _sync_files(parts),
    ]


async def _sync_files(parts: Parts) -> None:
    await parts.rulebook.sync_files(parts.settings.api.rule_files)
    await asyncio.Event().wait()


def _config(api: ApiSettings, parts: Parts) -> uvicorn.Config:
    return uvicorn.Config(
        build(parts),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(api.trusted_proxies),
        forwarded_allow_ips=api.trusted_proxies,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(round(api.drain_seconds), 1),
    )
