"""Channel `webhook`: a POST of JSON, with the headers and the signature of Standard Webhooks."""

import asyncio
import json
import math
import re
import ssl
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

import aiohttp
from pydantic import Field, SecretStr, field_validator, model_validator

from services.notifier.channels import Payload
from services.notifier.channels.signing import key_of, signature
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.retrying import asked_wait_seconds
from shared import clock
from shared.messages.message import instant_to_text
from shared.settings import Section

BODY_VERSION = 1
RETRIED = frozenset({408, 429})
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What the channel itself says must not be contradicted.
OWN_HEADERS = ("webhook-", "content-", "host", "transfer-encoding", "connection")


class WebhookSettings(Section):
    """Where to, and how the receiver knows that it is us."""

    url: SecretStr | None = None
    """http:// or https://; it may hold a token, so it is never logged. This or `url_file`."""
    url_file: Path | None = None
    """A file that holds the URL."""
    headers: dict[str, SecretStr] = {}
    """Sent with each request, e.g. `Authorization`."""
    secret: SecretStr | None = None
    """`whsec_` and base64: requests are signed with it. This or `secret_file`, or neither: then nothing is signed."""
    secret_file: Path | None = None
    """A file that holds the secret."""
    deadline_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """For one request, from connecting to the answer's status."""

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if not HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name[:80]!r} is not the name of an HTTP header")
            if name.lower().startswith(OWN_HEADERS):
                raise ValueError(f"header {name} is set by Pantau itself")
            text = value.get_secret_value()
            if not text.isprintable() or not text.isascii():
                raise ValueError(f"the value of header {name} holds something else than printable ASCII")
        return headers

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        target, _ = self.target(), self.key()
        parts = urlsplit(target)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url is not of the form http://HOST[:PORT]/PATH or https://…")
        if parts.port == 0:
            raise ValueError("url has port 0")
        return self

    def target(self) -> str:
        """The URL. ValueError unless there is exactly one."""
        found = _one_of("url", self.url, self.url_file)
        if found is None:
            raise ValueError("a webhook needs url or url_file")
        return found

    def key(self) -> bytes | None:
        """The key that requests are signed with; None if they aren't."""
        secret = _one_of("secret", self.secret, self.secret_file)
        return None if secret is None else key_of(secret)


def render(notice: Notice) -> Payload:
    """The body, as docs/notifications.md describes it. It only grows; `version` rises if a field ever changes."""
    event = notice.alerts[0].event
    return {
        "version": BODY_VERSION,
        "notification_id": notice.id,
        "event_id": event.id,
        "alert_id": event.alert_id,
        "fingerprint": event.fingerprint,
        "group": event.group,
        "rule": event.rule,
        "rule_version": event.rule_version,
        "state": event.state,
        "severity": event.severity,
        "message": event.message,
        "labels": event.labels,
        "annotations": event.annotations,
        "value": _number(event.value),
        "expr": event.expr,
        "threshold": None if event.threshold is None else _number(event.threshold),
        "times": {
            "episode": instant_to_text(event.episode),
            "fired_at": None if event.fired_at is None else instant_to_text(event.fired_at),
            "resolved_at": instant_to_text(event.instant) if event.state == "resolved" else None,
            "instant": instant_to_text(event.instant),
            "late_ms": event.late_ms,
        },
    }


def verdict(status: int, retry_after: str | None, now_ms: int) -> Outcome:
    """What an HTTP status means."""
    if 200 <= status < 300:
        return Delivered()
    if status in RETRIED or status >= 500:
        return Retry(f"http_{status}", f"the receiver answered {status}", asked_wait_seconds(retry_after, now_ms))
    if 300 <= status < 400:
        return Permanent(f"http_{status}", f"the receiver answered {status}, and redirects are not followed")
    return Permanent(f"http_{status}", f"the receiver answered {status}")


def trouble(error: Exception) -> Retry:
    """What an error on the way means. Its text is left out: it may hold the URL."""
    if isinstance(error, TimeoutError):
        return Retry("timeout", "no answer within the deadline")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Retry("dns", "the receiver's name is not known")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Retry("tls", "no secure connection to the receiver")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Retry("connect", "no connection to the receiver")
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return Retry("reset", "the receiver cut the connection")
    return Retry("protocol", f"the receiver does not speak HTTP as it should: {type(error).__name__}")


class Webhook:
    """Posts to one URL."""

    kind = "webhook"
    deduplicates = True
    render = staticmethod(render)

    def __init__(self, settings: WebhookSettings, concurrency: int, user_agent: str) -> None:
        self._url, self._key = settings.target(), settings.key()
        self._headers = {
            "User-Agent": user_agent,
            **{name: value.get_secret_value() for name, value in settings.headers.items()},
            "Content-Type": "application/json",
        }
        self._deadline_seconds = settings.deadline_seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One request. The receiver may have got one that ends in `timeout` or `reset`; hence the id."""
        body = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        now_ms = clock.now_ms()
        headers = self._headers | {"webhook-id": notification_id, "webhook-timestamp": str(now_ms // 1000)}
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, notification_id, now_ms // 1000, body)
        try:
            async with (
                asyncio.timeout(self._deadline_seconds),
                self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                return verdict(response.status, response.headers.get("Retry-After"), clock.now_ms())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return trouble(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def _number(value: float) -> float | str:
    """JSON has no NaN or infinity; they travel as strings, as on the bus."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _one_of(name: str, value: SecretStr | None, file: Path | None) -> str | None:
    if value is not None and file is not None:
        raise ValueError(f"{name} and {name}_file: only one of the two")
    if file is None:
        return None if value is None else value.get_secret_value()
    try:
        return file.read_text().strip()
    except OSError as error:
        raise ValueError(f"{name}_file: {file} can't be read: {error.strerror}") from error
