"""How Pantau is itself watched: `notifications.watchdog` of `pantau.yaml`. Only the notifier acts by it."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from shared.promql.durations import parse_duration
from shared.routing.duration_field import Between, Duration
from shared.secret_values import secret_of
from shared.settings import Section


class PingSettings(Section):
    """An outside service that says so when our requests stay away, such as healthchecks.io or another Pantau."""

    url: SecretStr | None = None
    """http:// or https://; it usually holds a token, so it is never logged. This or `url_file`."""
    url_file: Path | None = None
    """A file that holds it; it is read at each request, so that it may be renewed."""
    method: Literal["GET", "POST"] = "GET"
    """How it is asked."""
    interval: Annotated[Duration, Between("1s", "1d")] = "60s"
    """How often, as long as all is well."""
    deadline_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    """For one request."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("exactly one of url and url_file")
        if self.url is not None:
            self.target()
        return self

    def target(self) -> str:
        """The URL. ValueError if the file can't be read, or if it is none; the text does not repeat it."""
        found = secret_of("url", self.url, self.url_file) or ""
        parts = urlsplit(found)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url is not of the form http://HOST[:PORT]/PATH or https://…")
        return found

    @property
    def interval_seconds(self) -> float:
        """How often."""
        return parse_duration(self.interval) / 1000


class WatchdogSettings(Section):
    """Who is told, past Kafka, that no alerts can arrive."""

    receiver: str | None = None
    """One of `receivers`; absent: that of the root route. Better one that is not for alerts alone."""
    silent_after: Annotated[Duration, Between("2s", "1h")] = "60s"
    """How long the bus, or alerting, is not to be heard of before that is told."""
    not_ready_after: Annotated[Duration, Between("1m", "1d")] = "10m"
    """How long alerting may live without working before that is told."""
    startup_grace: Annotated[Duration, Between("0", "1h")] = "2m"
    """Nothing is told before, counted from the notifier's start."""
    repeat_interval: Annotated[Duration, Between("1m", "1d")] = "10m"
    """When it is told again; it doubles each time, up to four hours."""
    stagger: Annotated[Duration, Between("0", "1h")] = "1m"
    """By how much later the second, the third, … notifier tells of a silent bus."""
    ping: PingSettings | None = None
    """Absent: nobody is asked to notice that all is dark."""
