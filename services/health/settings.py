"""Settings of the health service: section `health` of `pantau.yaml`, `PANTAU_HEALTH__…` in the environment; and the
sections `mikrotik`, the routers, and `whatsapp`, the gateways."""

import socket
from collections.abc import Sequence
from typing import Annotated, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from services.health.check_settings import CheckSettings, Interval, Seconds
from services.health.target_settings import (
    DnsTargetSettings,
    HttpTargetSettings,
    IcmpTargetSettings,
    TargetSettings,
    TcpTargetSettings,
)
from shared.routeros.settings import MikrotikSettings
from shared.settings import AdminSettings, CommonSettings, Section, names_differ
from shared.whatsapp.settings import WhatsappSettings

HostName = Annotated[str, Field(min_length=1, max_length=255)]
Percent = Annotated[float, Field(ge=0, le=100)]
Target = TypeVar("Target", bound=TargetSettings)
Targets = Annotated[list[Target], Field(max_length=10_000)]


class MikrotikCheckSettings(CheckSettings):
    """The check of each router."""

    behind: dict[str, list[str]] = {}
    """Of routers that are reached through others: by router, the checks that it depends on beside `depends_on`, e.g.
    `{edge-7: ["mikrotik:core-1"]}`."""


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

    host: HostName = Field(default_factory=socket.gethostname)
    """The name of this machine: whose samples these are."""
    interval_seconds: Interval = 15.0
    """How often checks run, unless they say otherwise."""
    deadline_seconds: Seconds = 5.0
    """How long a check may take, unless it says otherwise; never longer than its interval."""
    most_at_once: Annotated[int, Field(ge=1, le=10_000)] = 256
    """How many checks of one kind run side by side; the others wait, which counts for no deadline."""
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
    hosts: Annotated[list[HostName], Field(max_length=1_000)] = []
    """Other machines, as their collectors call themselves (`collector.host`): of each, `disk_space` and `memory`."""
    mikrotik: MikrotikCheckSettings = MikrotikCheckSettings()
    """Whether each router (section `mikrotik`) answers through its API."""
    whatsapp: CheckSettings = CheckSettings()
    """Whether each gateway (section `whatsapp`) answers, and its sessions are connected."""
    http: Targets[HttpTargetSettings] = []
    """HTTP services that must answer as expected."""
    tcp: Targets[TcpTargetSettings] = []
    """Ports that must take connections."""
    dns: Targets[DnsTargetSettings] = []
    """Names that must be resolved."""
    icmp: Targets[IcmpTargetSettings] = []
    """Hosts that must answer echo requests."""
    admin: AdminSettings = AdminSettings(port=18082)
    """Where /health/live, /health/ready and the service's own /metrics answer."""

    @field_validator("http", "tcp", "dns", "icmp")
    @classmethod
    def _have_their_own_names(cls, targets: Sequence[TargetSettings]) -> Sequence[TargetSettings]:
        names_differ((one.name for one in targets), "targets")
        return targets

    @model_validator(mode="after")
    def _hosts_differ(self) -> Self:
        names_differ([self.host, *self.hosts], "hosts")
        return self

    def named(self, kind: str) -> str:
        """What the check of this machine is called: as its kind, unless other machines are checked beside it."""
        return f"{kind}:{self.host}" if self.hosts else kind

    @property
    def has_dependencies(self) -> bool:
        """Whether any check depends on another."""
        sections = [one for _, section in self for one in (section if isinstance(section, list) else [section])]
        return bool(self.mikrotik.behind) or any(one.depends_on for one in sections if isinstance(one, CheckSettings))

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

    @model_validator(mode="after")
    def _dependencies_can_be(self) -> Self:
        if self.health.has_dependencies:
            # Which checks there are, only all of them together know; they are loaded where it matters.
            from services.health.checks import all_checks
            from services.health.plan import check_dependencies

            check_dependencies(self, all_checks(self))
        return self
