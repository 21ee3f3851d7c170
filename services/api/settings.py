"""The settings of api: section `api` of `pantau.yaml`, or `PANTAU_API__KEY`."""

import socket
from pathlib import Path
from typing import Annotated

from pydantic import Field

from shared.settings import CommonSettings, Section

TREE = Path(__file__).resolve().parents[2]


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
    rule_files: list[Path] = [TREE / "infra" / "rules" / "default.yaml"]
    """Rule files that are brought into force at start; a group that leaves them is deleted."""
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
    most_stream_clients: Annotated[int, Field(ge=1)] = 500
    """Live streams that are open at once; what is above gets 503."""
    most_waiting_samples: Annotated[int, Field(ge=1_000)] = 100_000
    """Pushed samples that wait for the bus; what is above gets 503."""
    bus_deadline_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """How long a push, or a changed rule, waits for the bus."""
    recent_minutes: Annotated[int, Field(ge=5, le=240)] = 30
    """How much of `pantau.samples` is read at start for the charts of the overview."""
    drain_seconds: Annotated[float, Field(gt=0, le=60)] = 8.0
    """How long requests under way may take once api is told to stop."""


class Settings(CommonSettings):
    """Everything api is told."""

    api: ApiSettings = ApiSettings()

    def instance_label(self, port: int) -> str:
        """What tells this api's own metrics from another's; `port` is the one it listens on."""
        return self.api.name or f"{socket.gethostname()}:{port}"
