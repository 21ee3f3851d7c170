"""Channel `webhook`: a POST of JSON, with the headers and the signature of Standard Webhooks."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from services.notifier.channels import Channel, ChannelSettings, Context, Kind, Payload
from services.notifier.channels.http import Http, json_body
from services.notifier.channels.http_settings import HttpConfig, Timeout, url_of
from services.notifier.channels.signing import key_of, signature
from services.notifier.channels.webhook_bodies import alertmanager_body, pantau_body
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Outcome
from services.notifier.core.postable import Outside
from shared import clock
from shared.secret_values import secret_of


class WebhookSettings(ChannelSettings):
    """One of `webhook_configs`: where to, what in, and how the receiver knows that it is us."""

    url: SecretStr | None = None
    """http:// or https://; it may hold a token, so it is never logged. This or `url_file`."""
    url_file: Path | None = None
    """A file that holds the URL."""
    format: Literal["alertmanager", "pantau"] = "alertmanager"
    """Whose JSON the body is."""
    max_alerts: Annotated[int, Field(ge=0)] = 0
    """Of Alertmanager's JSON: so many alerts at most, 0 for all; `truncatedAlerts` says how many are left out."""
    secret: SecretStr | None = None
    """`whsec_` and base64: requests are signed with it. This or `secret_file`, or neither: then nothing is signed."""
    secret_file: Path | None = None
    """A file that holds the secret."""
    http_config: HttpConfig = HttpConfig()
    """Credentials, certificates, headers, proxy."""
    timeout: Timeout = 10.0
    """For one request, from connecting to the answer."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        self.target(), self.key()
        if self.max_alerts and self.format == "pantau":
            raise ValueError("max_alerts is for Alertmanager's format")
        return self

    def target(self) -> str:
        """The URL. ValueError unless there is exactly one."""
        return url_of("url", self.url, self.url_file)

    def key(self) -> bytes | None:
        """The key that requests are signed with; None if they aren't."""
        secret = secret_of("secret", self.secret, self.secret_file)
        return None if secret is None else key_of(secret)


def render(notice: Notice, settings: WebhookSettings, outside: Outside) -> Payload:
    """The body, as docs/webhooks.md describes it."""
    if settings.format == "pantau":
        return pantau_body(notice)
    return alertmanager_body(notice, outside, settings.max_alerts)


class Webhook:
    """Posts to one URL."""

    kind = "webhook"
    deduplicates = True

    def __init__(self, settings: WebhookSettings, outside: Outside) -> None:
        self._settings, self._outside = settings, outside
        self._url, self._key = settings.target(), settings.key()
        self._http = Http(settings.http_config, settings.timeout)

    def render(self, notice: Notice) -> Payload:
        """The body."""
        return render(notice, self._settings, self._outside)

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One request. The receiver may have got one that ends in `timeout` or `reset`; hence the id."""
        body, seconds = json_body(payload), clock.now_ms() // 1000
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notification_id,
            "webhook-timestamp": str(seconds),
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, notification_id, seconds, body)
        return await self._http.post(self._url, body, headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _make(settings: WebhookSettings, destination: str, context: Context) -> Channel:
    return Webhook(settings, Outside(context.wording.external_url))


KIND = Kind(WebhookSettings, _make, from_global={"http_config": "http_config"})
