"""Settings of the health service: section `health` of `pantau.yaml`, `PANTAU_HEALTH__…` in the environment; and the
sections `mikrotik`, the routers, and `whatsapp`, the gateways."""

import socket
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.routeros.settings import MikrotikSettings
from shared.settings import AdminSettings, CommonSettings, Section
from shared.whatsapp.settings import WhatsappSettings

Interval = Annotated[float, Field(ge=1, le=86_400)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Percent = Annotated[float, Field(ge=0, le=100)]


class CheckSettings(Section):
    """What can be said of every check."""

    enabled: bool = True
    """Whether it runs at all."""
    interval_seconds: Interval | None = None
    """How often; `health.interval_seconds` if not said."""
    deadline_seconds: Seconds | None = None
    """How long it may take; `health.deadline_seconds` if not said."""


class ThresholdSettings(CheckSettings):
    """A check of how much of something is used."""

    degraded_percent: Percent = 80.0
    """Degraded when more is used."""
    unhealthy_percent: Percent = 90.0
    """Unhealthy when more is used."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.degraded_percent > self.unhealthy_percent:
            raise ValueError("degraded_percent must not be above unhealthy_percent")
        return self


class DiskSpaceSettings(ThresholdSettings):
    """The check of the fullest disk."""

    ignored_mountpoints: list[str] = []
    """Mount points that are not to be watched, e.g. an image that is full by nature."""


class HealthSettings(Section):
    """The health service."""

    host: str = Field(default_factory=socket.gethostname, min_length=1, max_length=255)
    """The name of this machine: whose samples these are."""
    interval_seconds: Interval = 15.0
    """How often checks run, unless they say otherwise."""
    deadline_seconds: Seconds = 5.0
    """How long a check may take, unless it says otherwise; never longer than its interval."""
    buffer_seconds: Annotated[float, Field(gt=0, le=7 * 86_400)] = 3600.0
    """How long results are kept while the bus is away. What is older is dropped and counted."""
    buffer_bytes: Annotated[int, Field(ge=1024)] = 16 * 1024 * 1024
    """How much of them is kept at most."""
    database: CheckSettings = CheckSettings()
    """Whether PostgreSQL (section `database`) answers a query."""
    kafka: CheckSettings = CheckSettings()
    """Whether the brokers (section `kafka`) answer and every partition has a leader."""
    disk_space: DiskSpaceSettings = DiskSpaceSettings()
    """How full the fullest disk is."""
    memory: ThresholdSettings = ThresholdSettings()
    """How much of the machine's memory is used."""
    mikrotik: CheckSettings = CheckSettings()
    """Whether each router (section `mikrotik`) answers through its API."""
    whatsapp: CheckSettings = CheckSettings()
    """Whether each gateway (section `whatsapp`) answers, and its sessions are connected."""
    admin: AdminSettings = AdminSettings(port=18082)
    """Where /health/live, /health/ready and the service's own /metrics answer."""

    def interval_of(self, check: CheckSettings) -> float:
        """How often `check` runs, in seconds."""
        return check.interval_seconds or self.interval_seconds

    def deadline_of(self, check: CheckSettings) -> float:
        """How long `check` may take, in seconds."""
        return min(check.deadline_seconds or self.deadline_seconds, self.interval_of(check))


class Settings(CommonSettings):
    """Everything the health service reads."""

    health: HealthSettings = HealthSettings()
    mikrotik: MikrotikSettings = MikrotikSettings()
    whatsapp: WhatsappSettings = WhatsappSettings()
