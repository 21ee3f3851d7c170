"""Settings of the checks that have targets: lists in the section `health`, one entry for each target."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyAddress, SecretStr, field_validator, model_validator

from services.health.check_settings import CheckSettings, Seconds
from services.health.core.patterns import pattern_of
from services.health.tls import ClientTlsSettings
from shared.secret_values import secret_in


def _is_pattern(text: str) -> str:
    pattern_of(text)
    return text


Percent = Annotated[float, Field(ge=0, le=100)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Pattern = Annotated[str, Field(max_length=1_000), AfterValidator(_is_pattern)]
StatusRange = Annotated[str, BeforeValidator(str), Field(pattern=r"^[1-5]\d\d(-[1-5]\d\d)?$")]
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")]
RecordType = Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"]


class TargetSettings(CheckSettings):
    """One of several things that are checked in the same way."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """The check is called `<kind>:<name>`."""
    degraded_seconds: Seconds | None = None
    """Degraded when the answer took longer."""


class HttpTargetSettings(TargetSettings):
    """An HTTP service."""

    url: Annotated[str, Field(max_length=2_000)]
    """What is asked for."""
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: dict[HeaderName, SecretStr] = {}
    """Sent with the request; their values are told nobody."""
    header_files: dict[HeaderName, Path] = {}
    """Likewise, but the value is what the file holds; it is read at each run, so that it may be renewed."""
    body: str = ""
    """Sent with the request."""
    statuses: Annotated[list[StatusRange], Field(min_length=1)] = ["200-299"]
    """What the answer's status may be, e.g. `[200, 301-308]`."""
    body_contains: str | None = None
    """Text that the answer must contain."""
    body_matches: Pattern | None = None
    """A regular expression (RE2) that must match somewhere in the answer."""
    most_bytes: Annotated[int, Field(ge=1, le=64 * 1024 * 1024)] = 1024 * 1024
    """So much of the answer is read at most."""
    response_headers: dict[HeaderName, Pattern] = {}
    """Headers that the answer must have, each with a regular expression that must match its value."""
    redirects: Literal["same_host", "any", "none"] = "same_host"
    """Which redirects are followed; `none`: they are the answer."""
    tls: ClientTlsSettings = ClientTlsSettings()

    @field_validator("url")
    @classmethod
    def _can_be_asked(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("is not of the form http://HOST[:PORT][/PATH] or https://…")
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                "holds a password: send it in `headers` or `header_files` (Authorization), which are not told"
            )
        return url

    def request_headers(self) -> dict[str, str]:
        """The headers to send. ValueError naming a file that can't be used."""
        sent = {name: value.get_secret_value() for name, value in self.headers.items()}
        return sent | {name: secret_in("header_files", path) for name, path in self.header_files.items()}

    @model_validator(mode="after")
    def _has_its_files(self) -> Self:
        self.request_headers()  # what can't be read is said at the start
        return self


class TcpTargetSettings(TargetSettings):
    """Something that takes TCP connections."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Port
    send: Annotated[str, Field(max_length=4_096)] = ""
    """Sent once connected, before a banner is waited for."""
    banner: Pattern | None = None
    """A regular expression (RE2) that must match what comes first, e.g. `^220 `. Absent: connecting is enough."""
    tls: ClientTlsSettings | None = None
    """Absent: plain."""


class DnsTargetSettings(TargetSettings):
    """A name that a name server is asked for."""

    query: Annotated[str, Field(min_length=1, max_length=255)]
    """The name to ask for."""
    type: RecordType = "A"
    """The type of record."""
    resolver: IPvAnyAddress | None = None
    """The address of the name server; absent: the system's."""
    port: Port = 53
    """Its port."""
    expected: list[str] = []
    """Answers that must be among those given, e.g. `[203.0.113.7]`; of an MX record `10 mail.example.net`."""
    only: bool = False
    """Whether nothing else may be answered."""

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.only and not self.expected:
            raise ValueError("only says that nothing but `expected` may be answered, which is empty")
        return self


class IcmpTargetSettings(TargetSettings):
    """A host that answers echo requests."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    """Its address or name."""
    count: Annotated[int, Field(ge=1, le=20)] = 3
    """Echo requests in a run, 0.2 s apart."""
    degraded_percent: Percent = 0.0
    """Degraded when more of them get no reply."""
    unhealthy_percent: Percent = 50.0
    """Unhealthy when more of them get no reply."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.degraded_percent > self.unhealthy_percent:
            raise ValueError("degraded_percent must not be above unhealthy_percent")
        if self.unhealthy_percent == 100:
            raise ValueError("unhealthy_percent must be below 100: more can't be lost")
        return self
