"""Accounts at Datadog and New Relic: where they are, and the key. For events and for metrics."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from services.notifier.channels.http_settings import HttpConfig, Timeout, check_url
from shared.secret_values import secret_of
from shared.settings import Section


def _is_address(url: str) -> str:
    return check_url("it", url).rstrip("/")


Address = Annotated[str, AfterValidator(_is_address)]

# By region: where events and where metrics go.
_NEWRELIC = {
    "us": ("https://insights-collector.newrelic.com", "https://metric-api.newrelic.com"),
    "eu": ("https://insights-collector.eu01.nr-data.net", "https://metric-api.eu.newrelic.com"),
}


class AccountSettings(Section):
    """What both have."""

    api_key: SecretStr | None = None
    """The key. This or `api_key_file`."""
    api_key_file: Path | None = None
    """A file that holds it; read again for each request, so that it may be renewed."""
    http_config: HttpConfig = HttpConfig()
    """Certificates, headers, proxy."""
    timeout: Timeout = 10.0
    """For one request, from connecting to the answer."""

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        self.key()
        return self

    def key(self) -> str:
        """The key. ValueError naming what is missing or can't be read."""
        found = secret_of("api_key", self.api_key, self.api_key_file)
        if found is None:
            raise ValueError("needs api_key or api_key_file")
        if not found.isascii() or not found.isprintable():
            raise ValueError("the key holds something else than printable ASCII")
        return found


class DatadogAccount(AccountSettings):
    """An organisation at Datadog."""

    site: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,100}$")] = "datadoghq.com"
    """Which of theirs, e.g. `datadoghq.eu`, `us5.datadoghq.com`, `ap1.datadoghq.com`."""
    api_url: Address | None = None
    """Another address, e.g. of a proxy; absent: `https://api.SITE`."""

    def url(self, path: str) -> str:
        """Where `path` is."""
        return (self.api_url or f"https://api.{self.site}") + path

    def headers(self) -> dict[str, str]:
        """The key stands in a header: URLs are logged on their way. ValueError naming the file that can't be read."""
        return {"DD-API-KEY": self.key()}


class NewRelicAccount(AccountSettings):
    """An account at New Relic; the key is a license key."""

    account_id: Annotated[int, Field(ge=1)] | None = None
    """Its number: events need it."""
    region: Literal["us", "eu"] = "us"
    """Where the data is kept."""
    api_url: Address | None = None
    """Another address for both, e.g. of a proxy; absent: New Relic's own for the region."""

    def events_url(self) -> str:
        """Where events go."""
        return f"{self.api_url or _NEWRELIC[self.region][0]}/v1/accounts/{self.account_id}/events"

    def metrics_url(self) -> str:
        """Where metrics go."""
        return f"{self.api_url or _NEWRELIC[self.region][1]}/metric/v1"

    def headers(self) -> dict[str, str]:
        """ValueError naming the file that can't be read."""
        return {"Api-Key": self.key()}
