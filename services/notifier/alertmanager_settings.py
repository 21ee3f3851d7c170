"""Where Alertmanagers are, and how they know that it is us."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from services.notifier.channels.http_settings import HttpConfig, Timeout

ALERTS_PATH = "/api/v2/alerts"


class AlertmanagerSettings(HttpConfig):
    """One Alertmanager. Each of the list gets all alerts, as the members of a cluster are to."""

    url: str
    """http:// or https://, with the path prefix that it is served under, e.g. `http://127.0.0.1:9093`."""
    name: Annotated[str, Field(max_length=200)] = ""
    """What metrics and logs call it; absent: the URL."""
    timeout: Timeout = 10.0
    """For one request, from connecting to the answer."""

    @field_validator("url")
    @classmethod
    def _leads_there(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("is not of the form http://HOST[:PORT][/PREFIX] or https://…")
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds credentials: they belong into basic_auth, for URLs are logged")
        if parts.query or parts.fragment:
            raise ValueError("has a query or a fragment")
        return url.rstrip("/").removesuffix(ALERTS_PATH)

    @property
    def label(self) -> str:
        """What metrics and logs call it."""
        return self.name or self.url

    @property
    def target(self) -> str:
        """Where alerts are posted to."""
        return self.url + ALERTS_PATH
