"""The Prometheus exporter: the latest value of every collected series, in text format or OpenMetrics."""

from collections.abc import Iterable, Iterator, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as ExposedMetric
from prometheus_client.registry import Collector

from services.collector.core.latest import Latest, families, family_name
from services.collector.settings import ExporterSettings
from shared import clock
from shared.messages.series import NAME, labels_of
from shared.metrics import Metric


class ExporterError(Exception):
    """The exporter can't listen; the text says where and what to change."""


class LatestValues(Collector):
    """What prometheus_client's encoders read."""

    def __init__(self, latest: Latest, metrics: Iterable[Metric]) -> None:
        self._latest = latest
        self._help: Mapping[str, str] = {family_name(one.name, one.type): one.help for one in metrics}

    def collect(self) -> Iterator[ExposedMetric]:
        """The families of all series that are not stale now."""
        for family in families(self._latest.fresh(clock.now_ms())):
            exposed = ExposedMetric(family.name, self._help.get(family.name, ""), family.type)
            for sample in family.samples:
                labels = dict(labels_of(sample.series))
                exposed.add_sample(labels.pop(NAME), labels, sample.value)
            yield exposed


class Exporter:
    """Serves `GET /metrics`."""

    def __init__(self, settings: ExporterSettings, latest: Latest, metrics: Iterable[Metric]) -> None:
        self._settings = settings
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(LatestValues(latest, metrics))
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
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
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        response = web.Response(body=encode(self._registry), headers={"Content-Type": content_type})
        response.enable_compression()
        return response
