"""The settings of api: section `api` of `pantau.yaml`, or `PANTAU_API__KEY`."""

import socket
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.api.heartbeat_settings import HeartbeatsSettings
from shared.routing.settings import NotificationsSettings
from shared.settings import CommonSettings, Section
from shared.whatsapp.settings import WhatsappSettings

TREE = Path(__file__).resolve().parents[2]


def shipped_rules() -> list[Path]:
    """The rule files that come with Pantau: each is found by being there."""
    folder = TREE / "infra" / "rules"
    return sorted(path for path in folder.glob("*.yaml") if not path.name.endswith(".test.yaml"))


class BacktestSettings(Section):
    """What trying rules on history may cost."""

    at_once: Annotated[int, Field(ge=1, le=64)] = 2
    """Backtests that run side by side, each a process of its own; what is above gets 429."""
    most_seconds: Annotated[float, Field(gt=0, le=3_600)] = 120.0
    """How long one may take."""
    most_days: Annotated[float, Field(gt=0, le=3_660)] = 31.0
    """The longest stretch of history."""
    most_samples: Annotated[int, Field(ge=1_000)] = 20_000_000
    """The most samples that one may read; about 16 bytes of memory each."""
    most_series: Annotated[int, Field(ge=100)] = 200_000
    """The most series that one may read."""
    most_transitions: Annotated[int, Field(ge=100)] = 50_000
    """The most transitions that one may find."""
    most_instants: Annotated[int, Field(ge=1_000)] = 1_000_000
    """At most so many instants may a group have; one that is evaluated on arrival has one for each sample."""
    most_megabytes: Annotated[int, Field(ge=256)] = 2_048
    """The memory of its process."""


class QuerySettings(Section):
    """What PromQL queries over history may cost."""

    at_once: Annotated[int, Field(ge=1, le=64)] = 4
    """Queries that are under way side by side; what is above waits, and gets 503 if that takes too long."""
    most_seconds: Annotated[float, Field(gt=0, le=3_600)] = 30.0
    """How long one may take; a request may ask for less."""
    most_samples: Annotated[int, Field(ge=1_000)] = 10_000_000
    """The most samples that one may read from history, and hold in results on the way."""
    most_series: Annotated[int, Field(ge=100)] = 100_000
    """The most series that one may read."""
    most_points: Annotated[int, Field(ge=1)] = 11_000
    """The most steps of a range query, as in Prometheus."""
    most_values: Annotated[int, Field(ge=1_000)] = 5_000_000
    """The most values in an answer, of all series and steps together."""


class SilenceSettings(Section):
    """What may be muted, and for how long."""

    most: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Silences and acknowledgements that are not over yet; what is above is refused."""
    longest_days: Annotated[float, Field(gt=0, le=3_660)] = 366.0
    """The longest a silence may last; all have an end."""
    longest_acknowledgement_days: Annotated[float, Field(gt=0, le=366)] = 30.0
    """The longest an acknowledgement may last."""
    acknowledgement_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 24.0
    """How long an acknowledgement lasts if nobody says how long; it ends with its alert anyway."""
    kept_days: Annotated[float, Field(ge=7, le=366)] = 7.0
    """How long those that are over are still shown; history keeps them for longer."""


class ApiSettings(Section):
    """Where api answers and what it allows."""

    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` for all of this machine's."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """The port to listen on; 0 takes a free one, which the log names."""
    name: str = ""
    """Label `instance` of its own metrics, the same after a restart; absent: `HOSTNAME:PORT`."""
    web: Path = TREE / "web" / "dist"
    """The folder of the built browser application."""
    rule_files: list[Path] = Field(default_factory=shipped_rules)
    """Rule files that are brought into force at start; a group that leaves them is deleted. Absent: all that come with
    Pantau."""
    trusted_proxies: list[str] = []
    """Addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    public_origins: list[str] = []
    """Origins of the browser application beside the one asked for itself, e.g. `https://pantau.example.net`."""
    secure_cookies: bool = False
    """Send the session cookie over HTTPS only; set it wherever people reach api over HTTPS."""
    session_hours: Annotated[float, Field(gt=0, le=24 * 90)] = 12.0
    """How long a login lasts."""
    login_attempts_per_minute: Annotated[int, Field(ge=1)] = 10
    """For one user name; what is above gets 429."""
    login_attempts_per_minute_and_address: Annotated[int, Field(ge=1)] = 30
    """For one address, whatever the user names."""
    link_uses_per_minute_and_address: Annotated[int, Field(ge=1)] = 30
    """Links of messages that one address may open or use; what is above gets 429."""
    most_stream_clients: Annotated[int, Field(ge=1)] = 500
    """Live streams that are open at once; what is above gets 503."""
    most_waiting_samples: Annotated[int, Field(ge=1_000)] = 100_000
    """Pushed samples that wait for the bus; what is above gets 503."""
    most_waiting_requests: Annotated[int, Field(ge=1_000)] = 20_000
    """Pushed request logs that wait for the bus; what is above gets 503."""
    bus_deadline_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """How long a push, or a changed rule, waits for the bus."""
    check_run_seconds: Annotated[float, Field(gt=0, le=300)] = 12.0
    """How long a health check that is to run now may take, with the way there and back; what is above gets 503."""
    most_check_runs: Annotated[int, Field(ge=1, le=1_000)] = 16
    """Health checks that run because somebody asked, side by side; what is above gets 429."""
    trial_send_seconds: Annotated[float, Field(gt=0, le=300)] = 12.0
    """How long the outcome of a test message to a receiver is waited for."""
    most_trial_sends: Annotated[int, Field(ge=1, le=1_000)] = 16
    """Receivers that are tried because somebody asked, side by side; what is above gets 429."""
    recent_minutes: Annotated[int, Field(ge=5, le=240)] = 30
    """How much of `pantau.samples` is read at start for the charts of the overview."""
    drain_seconds: Annotated[float, Field(gt=0, le=60)] = 8.0
    """How long requests under way may take once api is told to stop."""
    backtest: BacktestSettings = BacktestSettings()
    query: QuerySettings = QuerySettings()
    silences: SilenceSettings = SilenceSettings()


class RuleTerms(BaseModel):
    """What api tells of alerting's settings; the section is alerting's, which also says what is wrong in it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    evaluation_interval_seconds: Annotated[float, Field(gt=0, le=86_400)] = 15.0
    dark_after_seconds: Annotated[float, Field(gt=0, le=86_400)] = 120.0


class KeptSettings(BaseModel):
    """How long history keeps what, in days."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    samples: Annotated[int, Field(ge=1, le=36_500)] = 30


class HistoryTerms(BaseModel):
    """What api tells of history's settings: a rule can't look further back than samples are kept."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    retention: KeptSettings = KeptSettings()


class Settings(CommonSettings):
    """Everything api is told."""

    api: ApiSettings = ApiSettings()
    alerting: RuleTerms = RuleTerms()
    history: HistoryTerms = HistoryTerms()
    whatsapp: WhatsappSettings = WhatsappSettings()
    heartbeats: HeartbeatsSettings = HeartbeatsSettings()
    notifications: NotificationsSettings = NotificationsSettings()

    def instance_label(self, port: int) -> str:
        """What tells this api's own metrics from another's; `port` is the one it listens on."""
        return self.api.name or f"{socket.gethostname()}:{port}"
