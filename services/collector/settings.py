"""Settings of the collector: section `collector` of `pantau.yaml`, `PANTAU_COLLECTOR__…` in the environment; and the
sections of what it reads: `mikrotik`, `whatsapp`, `postgres`, `business`, `scrape`, `notifications` (of which only
`admins`)."""

import socket
from typing import Annotated

from pydantic import Field

from services.collector.business_settings import BusinessSettings
from services.collector.recipients_settings import NotificationsSettings
from services.collector.scraping.settings import ScrapeSettings
from shared.postgres.settings import PostgresSettings
from shared.routeros.settings import MikrotikSettings
from shared.settings import AdminSettings, CommonSettings, Section
from shared.whatsapp.settings import WhatsappSettings

Interval = Annotated[float, Field(ge=1, le=86_400)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ExporterSettings(Section):
    """Where Prometheus scrapes the latest values."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 9090
    """The port to listen on."""
    follow_bus: bool = True
    """Whether it also shows what is pushed to Pantau, and what its other services measure."""
    most_followed_series: Annotated[int, Field(ge=0, le=10_000_000)] = 100_000
    """How many series of these at most; what is beyond is counted in `pantau_exporter_series_refused_total`."""


class SystemSettings(Section):
    """The readings of this machine."""

    enabled: bool = True
    """Whether this machine is read at all."""
    interval_seconds: Interval | None = None
    """How often; `collector.interval_seconds` if not said."""
    mount_deadline_seconds: Seconds = 2.0
    """How long one disk may take to say how full it is. One that hangs is left out and counted."""
    ignored_mountpoints: list[str] = []
    """Mount points that are not to be watched, e.g. an image that is full by nature."""


class CollectorSettings(Section):
    """The collector."""

    host: str = Field(default_factory=socket.gethostname, min_length=1, max_length=255)
    """The name of this machine in the label `host`."""
    interval_seconds: Interval = 30.0
    """How often sources are read, unless they say otherwise."""
    deadline_seconds: Seconds = 10.0
    """How long a reading may take; never longer than its interval."""
    longest_pause_seconds: Seconds = 120.0
    """How rarely a failing source is tried at least; below 5 min, so that its `pantau_source_up` doesn't go stale."""
    buffer_seconds: Annotated[float, Field(gt=0, le=7 * 86_400)] = 3600.0
    """How long readings are kept while the bus is away. What is older is dropped and counted."""
    buffer_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    """How much of them is kept at most."""
    system: SystemSettings = SystemSettings()
    """The readings of this machine."""
    exporter: ExporterSettings = ExporterSettings()
    """The Prometheus exporter."""
    admin: AdminSettings = AdminSettings(port=18081)
    """Where /health/live, /health/ready and the collector's own /metrics answer."""


class Settings(CommonSettings):
    """Everything the collector reads."""

    collector: CollectorSettings = CollectorSettings()
    mikrotik: MikrotikSettings = MikrotikSettings()
    whatsapp: WhatsappSettings = WhatsappSettings()
    postgres: PostgresSettings = PostgresSettings()
    business: BusinessSettings = BusinessSettings()
    scrape: ScrapeSettings = ScrapeSettings()
    notifications: NotificationsSettings = NotificationsSettings()
