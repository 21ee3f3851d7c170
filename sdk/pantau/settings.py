"""What the application says about itself, and where its metrics go."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Settings:
    """ValueError, naming the setting, if one can't be right."""

    service: str
    """Which application this is: the label `job` of its metrics, and the source of its request logs."""
    url: str | None = None
    """Where Pantau's api answers, e.g. `https://pantau.example.net`; None: all is counted and nothing is sent."""
    token: str = field(default="", repr=False)
    """Of the role `ingest`: `./pantau token create --role ingest`."""
    instance: str = ""
    """Which process of the application this is: the label `instance`; absent: `HOSTNAME:PID`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels of all metrics, e.g. `{"site": "bandung"}`."""
    push_seconds: float = 15.0
    """How often metrics are read and sent."""
    timeout_seconds: float = 5.0
    """How long Pantau may take to connect, and to answer; nobody but the background thread waits for it."""
    most_waiting_bytes: int = 8 * 1024 * 1024
    """What is kept while Pantau is away; above that the oldest is given up, and counted."""
    most_waiting_requests: int = 10_000
    """Request logs, and single samples, that wait for the background thread."""
    request_logs: bool = True
    """Whether each request is also sent as a line of `api_performance_logs`."""
    client_addresses: bool = True
    """Whether these lines hold the client's address and user agent."""
    slow_request_seconds: float = 1.0
    """Requests that took longer are logged."""
    slow_query_seconds: float = 0.5
    """Queries that took longer are logged and counted."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.service) <= 200 or not self.service.isprintable():
            raise ValueError("service: say what the application is called, in at most 200 printable characters")
        if self.url is not None:
            _check_url(self.url)
        if not (self.token.isascii() and self.token.isprintable()):
            raise ValueError("token: holds what no token does")  # never shown
        for name, value in self.labels.items():
            if not LABEL.fullmatch(name) or name.startswith("__") or not isinstance(value, str):
                raise ValueError(f"labels: {name!r} is not a label's name, or its value is no text")
        for name in ("push_seconds", "timeout_seconds", "most_waiting_bytes", "most_waiting_requests"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name}: must be above 0, not {value!r}")

    @classmethod
    def from_environment(cls, service: str = "", **named: Any) -> Self:
        """Settings from PANTAU_URL, PANTAU_TOKEN, PANTAU_SERVICE and PANTAU_INSTANCE; arguments come first."""
        token = os.environ.get("PANTAU_TOKEN", "")
        if not token and (file := os.environ.get("PANTAU_TOKEN_FILE")):
            with open(file, encoding="utf-8") as opened:
                token = opened.read().strip()
        found: dict[str, Any] = {
            "service": service or os.environ.get("PANTAU_SERVICE", ""),
            "url": os.environ.get("PANTAU_URL") or None,
            "token": token,
            "instance": os.environ.get("PANTAU_INSTANCE", ""),
        }
        return cls(**(found | named))


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        usable = False
    if not usable:
        raise ValueError("url: must be like https://pantau.example.net")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("url: holds credentials, a query or a fragment; the token is a setting of its own")
