"""Settings of WhatsApp gateways: section `whatsapp` of `pantau.yaml`. The collector asks them, health checks them, and
api takes their webhooks, the notifier sends through them."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from shared.secret_values import secret_of
from shared.settings import Section
from shared.whatsapp.pointers import check_pointer

Seconds = Annotated[float, Field(gt=0, le=86_400)]
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or parts.fragment:
        raise ValueError("is not of the form http://HOST[:PORT][/PATH] or https://…")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password: use a header")
    return url.rstrip("/")


def _are_headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in headers.items():
        text = value.get_secret_value()
        if not _HEADER_NAME.fullmatch(name) or not text.isprintable() or not text.isascii():
            raise ValueError(f"{name[:80]!r} is not the name of an HTTP header, or its value not printable ASCII")
    return headers


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


WebAddress = Annotated[str, AfterValidator(_web_address)]
Headers = Annotated[dict[str, SecretStr], AfterValidator(_are_headers)]
Pointer = Annotated[str, AfterValidator(check_pointer)]


class WahaSettings(Section):
    """A gateway with WAHA's HTTP API."""

    url: WebAddress
    """Where it answers, e.g. `http://10.0.0.7:3000`."""
    api_key: SecretStr | None = None
    """Sent as `X-Api-Key`. This or `api_key_file`, or neither."""
    api_key_file: Path | None = None
    """A file that holds the key."""
    sessions: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] = []
    """Sessions that must be there: one that the gateway doesn't list counts as STOPPED."""
    webhook_secret: SecretStr | None = None
    """The key of its webhooks' HMAC (`WHATSAPP_HOOK_HMAC_KEY`). This or the file; without, none are taken."""
    webhook_secret_file: Path | None = None
    """A file that holds that key."""

    @model_validator(mode="after")
    def _secrets_can_be_read(self) -> Self:
        self.key(), self.webhook_key()
        return self

    def key(self) -> str | None:
        """The API key."""
        return secret_of("api_key", self.api_key, self.api_key_file)

    def webhook_key(self) -> str | None:
        """The key that its webhooks are signed with; None: they aren't taken."""
        return secret_of("webhook_secret", self.webhook_secret, self.webhook_secret_file)


class CloudSettings(Section):
    """A number at Meta's Cloud API."""

    phone_number_id: Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]
    """Which number: the label `session`, and webhooks about other numbers are ignored."""
    url: WebAddress = "https://graph.facebook.com/v23.0"
    """The Graph API with its version."""
    access_token: SecretStr | None = None
    """A system user's token with `whatsapp_business_management`. This or the file; without, Meta is not asked."""
    access_token_file: Path | None = None
    """A file that holds the token."""
    app_secret: SecretStr | None = None
    """The app's secret, with which Meta signs webhooks. This or the file; without, none are taken."""
    app_secret_file: Path | None = None
    """A file that holds the app's secret."""
    verify_token: SecretStr | None = None
    """What Meta must say when the webhook is set up. This or the file."""
    verify_token_file: Path | None = None
    """A file that holds it."""

    @model_validator(mode="after")
    def _secrets_can_be_read(self) -> Self:
        self.token(), self.verification()
        if self.webhook_key() is None and self.token() is None:
            raise ValueError("neither access_token nor app_secret: nothing could be learnt from Meta")
        return self

    def token(self) -> str | None:
        """The access token."""
        return secret_of("access_token", self.access_token, self.access_token_file)

    def webhook_key(self) -> str | None:
        """The key that its webhooks are signed with; None: they aren't taken."""
        return secret_of("app_secret", self.app_secret, self.app_secret_file)

    def verification(self) -> str | None:
        """What Meta must say in the handshake."""
        return secret_of("verify_token", self.verify_token, self.verify_token_file)


class StatusSettings(Section):
    """A URL that answers with JSON about the queue and the messages. What has no pointer is not read."""

    url: WebAddress
    """Asked with GET; redirects are not followed."""
    headers: Headers = {}
    """Sent with the request, e.g. `Authorization`."""
    connected: Pointer | None = None
    """True or false, or a text that is one of `connected_values`."""
    connected_values: list[str] = ["connected", "working", "open", "ready", "online", "authenticated"]
    """Texts that mean that a session can send; upper and lower case are the same."""
    sessions: Pointer | None = None
    """An object of states by session, or a list of objects that have a `name` and a `status`."""
    queue_size: Pointer | None = None
    """A number, or the list of those that wait."""
    oldest_seconds: Pointer | None = None
    """For how long the oldest has waited, in seconds; null if none waits."""
    oldest_at: Pointer | None = None
    """Or since when: RFC 3339, or a number of seconds or milliseconds since the epoch; null if none waits."""
    messages: Pointer | None = None
    """Counters since some beginning: `{"invoice": {"sent": 12, "failed": 1}}`."""

    @model_validator(mode="after")
    def _has_something_to_read(self) -> Self:
        if self.oldest_seconds is not None and self.oldest_at is not None:
            raise ValueError("only one of oldest_seconds and oldest_at")
        if all(
            one is None
            for one in (
                *(self.connected, self.sessions, self.queue_size, self.oldest_seconds, self.oldest_at, self.messages),
            )
        ):
            raise ValueError(
                "names nothing to read: give a pointer for connected, sessions, queue_size, oldest_seconds, oldest_at "
                "or messages"
            )
        return self


class SendSettings(Section):
    """How another gateway takes a message: a request of your own making."""

    url: WebAddress
    """Asked with POST; redirects are not followed."""
    headers: Headers = {}
    """Sent with the request, e.g. `Authorization`."""
    encoding: Literal["json", "form"] = "json"
    """What the body is."""
    body: dict[str, Any]
    """Its fields. In texts `{to}` becomes the number (`6281…`), `{text}` the message, `{id}` the notification's id."""
    accepted: Pointer | None = None
    """Where the answer, JSON then, says whether the message was taken; absent: any 2xx says so."""
    accepted_values: list[str] = ["true", "ok", "success", "sent", "queued", "pending", "accepted"]
    """What it says then; upper and lower case are the same."""
    deduplicates: bool = False
    """Whether the gateway drops what comes twice with one `{id}`: then what may have been sent is sent again."""

    @model_validator(mode="after")
    def _says_what_to_whom(self) -> Self:
        texts = list(_texts(self.body))
        for name in ("{to}", "{text}"):
            if not any(name in text for text in texts):
                raise ValueError(f"body has {name} nowhere: nobody would be told, or nothing")
        if self.deduplicates and not any("{id}" in text for text in texts):
            raise ValueError("deduplicates: body has {id} nowhere, by which the gateway could tell")
        if self.encoding == "form" and not all(isinstance(one, str) for one in self.body.values()):
            raise ValueError("a form has texts only")
        return self


class RateSettings(Section):
    """How fast notifications may go through a gateway, from all receivers: numbers that send too much get banned."""

    per_minute: Annotated[float, Field(gt=0, le=6_000)] = 20.0
    """Messages a minute in the long run."""
    burst: Annotated[int, Field(ge=1, le=1_000)] = 5
    """So many may go at once; never less than those of a second."""
    longest_wait: Annotated[float, Field(ge=0, le=300)] = 10.0
    """Seconds that a message waits for its turn; then it is put back, and tried again like one that failed."""

    def window(self) -> tuple[int, int]:
        """(messages, seconds): so many may go in any so many seconds; that is both, the burst and the long run."""
        seconds = max(1, math.ceil(self.burst * 60 / self.per_minute))
        return max(self.burst, math.floor(seconds * self.per_minute / 60)), seconds


class CanarySettings(Section):
    """A message that is really sent, to see that it arrives: `connected` is only what the gateway believes."""

    to: Annotated[str, Field(pattern=r"^[0-9]{5,20}@(c\.us|g\.us|lid)$")]
    """Whom, e.g. `628110000000@c.us`: a telephone of your own."""
    session: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "default"
    """Which session sends it."""
    every_seconds: Annotated[float, Field(ge=60, le=86_400)] = 900.0
    """How often; after one that did not arrive, every 5 min if that is sooner."""
    deadline_seconds: Annotated[float, Field(ge=5, le=240)] = 60.0
    """How long it may take until it is acknowledged."""
    acknowledged_by: Literal["server", "device"] = "server"
    """By whom: WhatsApp's servers, or the telephone, which must be on then."""
    text: Annotated[str, Field(min_length=1, max_length=200)] = "Pantau canary"
    """What it says, before the time."""


class GatewaySettings(Section):
    """One gateway: `waha`, `cloud` or `send`, through which messages go, `status`, or one of the three with it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """The label `gateway`."""
    waha: WahaSettings | None = None
    cloud: CloudSettings | None = None
    send: SendSettings | None = None
    status: StatusSettings | None = None
    rate: RateSettings = RateSettings()
    """Of notifications; what others send through the gateway does not count."""
    canary: CanarySettings | None = None
    """Through `waha` only: what Meta's numbers deliver is told by their webhooks."""

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        ways = sum(one is not None for one in (self.waha, self.cloud, self.send))
        if ways > 1:
            raise ValueError(f"gateway {self.name}: only one of waha, cloud and send; make it several gateways")
        if ways == 0 and self.status is None:
            raise ValueError(f"gateway {self.name}: needs waha, cloud, send or status")
        if self.status is not None and (self.waha or self.cloud) and (self.status.connected or self.status.sessions):
            raise ValueError(
                f"gateway {self.name}: status.connected and status.sessions are for one without waha or cloud"
            )
        if self.canary is not None and self.waha is None:
            raise ValueError(f"gateway {self.name}: a canary is sent through waha, which it has not")
        return self

    @property
    def can_send(self) -> bool:
        """Whether notifications can go through it. ValueError if the file of its token can't be read."""
        return self.waha is not None or self.send is not None or (self.cloud is not None and bool(self.cloud.token()))

    def secrets(self) -> frozenset[str]:
        """What must not appear in texts."""
        headers = [
            *(self.status.headers.values() if self.status else ()),
            *(self.send.headers.values() if self.send else ()),
        ]
        found = [header.get_secret_value() for header in headers]
        if self.waha is not None:
            found += [self.waha.key() or "", self.waha.webhook_key() or ""]
        if self.cloud is not None:
            found += [self.cloud.token() or "", self.cloud.webhook_key() or "", self.cloud.verification() or ""]
        return frozenset(one for one in found if one)


class WhatsappSettings(Section):
    """The gateways."""

    interval_seconds: Annotated[float, Field(ge=1, le=300)] = 60.0
    """How often each is asked."""
    deadline_seconds: Seconds = 15.0
    """How long that may take; never longer than the interval."""
    webhook_window_seconds: Annotated[float, Field(ge=43_200, le=7 * 86_400)] = 86_400.0
    """Webhooks about what happened longer ago don't count; so long each is remembered, so that none counts twice."""
    most_messages: Annotated[int, Field(ge=1_000, le=1_000_000)] = 50_000
    """So many messages of a gateway are remembered at most for it."""
    gateways: Annotated[list[GatewaySettings], Field(max_length=200)] = []
    """The gateways themselves."""

    @field_validator("gateways")
    @classmethod
    def _names_differ(cls, gateways: list[GatewaySettings]) -> list[GatewaySettings]:
        twice = [name for name, count in Counter(one.name for one in gateways).items() if count > 1]
        if twice:
            raise ValueError(f"two gateways are called {', '.join(twice)}")
        return gateways
