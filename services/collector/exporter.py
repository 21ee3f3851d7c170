"""The Prometheus exporter: the latest value of every series, in text format or OpenMetrics; and how the targets are."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from services.collector.core.exposition import exposition
from services.collector.core.latest import Latest
from services.collector.settings import ExporterSettings
from shared import clock
from shared.metrics import Metric


class ExporterError(Exception):
    """The exporter can't listen; the text says where and what to change."""


class Helps:
    """Help texts: those of our own metrics, and what targets say of theirs."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._own = {one.name: one.help for one in metrics}
        self._of_targets: dict[object, Mapping[str, str]] = {}

    def told(self, target: object, helps: Mapping[str, str]) -> None:
        """What a target says of its metrics."""
        self._of_targets[target] = helps

    def forget(self, target: object) -> None:
        """The target is gone."""
        self._of_targets.pop(target, None)

    def all(self) -> dict[str, str]:
        """By name of family or metric; our own come first."""
        found: dict[str, str] = {}
        for helps in self._of_targets.values():
            found.update(helps)
        return found | self._own


class Exporter:
    """Serves `GET /metrics`, and `GET /api/v1/targets` as Prometheus has it."""

    def __init__(
        self, settings: ExporterSettings, latest: Latest, helps: Helps, targets: Callable[[], dict[str, Any]]
    ) -> None:
        self._settings, self._latest, self._helps, self._targets = settings, latest, helps, targets
        # A page of a million series takes seconds: one at a time, beside the event loop.
        self._turn = asyncio.Lock()
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/api/v1/targets", self._status)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> tuple[str, int]:
        """Listen; the address. ExporterError if the port can't be had."""
        host, port = self._settings.host, self._settings.port
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ExporterError(
                f"the exporter can't listen on {host}:{port} ({error.strerror or error}); free the port, or set "
                "collector.exporter.port in pantau.yaml or PANTAU_COLLECTOR__EXPORTER__PORT to another one"
            ) from error
        address = self._runner.addresses[0]
        return address[0], address[1]

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        _, content_type = choose_encoder(request.headers.get("Accept", ""))
        openmetrics = content_type.startswith("application/openmetrics-text")
        async with self._turn:
            fresh, helps = self._latest.view(clock.now_ms()), self._helps.all()
            body = await asyncio.to_thread(lambda: exposition(fresh(), helps, openmetrics))
        response = web.Response(body=body, headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response(self._targets())
