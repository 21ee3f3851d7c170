"""Settings of the routers: section `mikrotik` of `pantau.yaml`. The collector reads them, health checks them."""

import ssl
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.secret_values import secret_in
from shared.settings import Section, names_differ
from shared.tls import trusting

Part = Literal["health", "interfaces", "sessions", "queues", "netwatch", "leases", "pools", "connections", "reboots"]
PARTS: tuple[Part, ...] = (
    "health",
    "interfaces",
    "sessions",
    "queues",
    "netwatch",
    "leases",
    "pools",
    "connections",
    "reboots",
)
PLAIN_PORT, TLS_PORT = 8728, 8729

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class RouterTlsSettings(Section):
    """Whether and how the API is spoken over TLS (`api-ssl`)."""

    enabled: bool = False
    """TLS, on port 8729 unless another is given."""
    ca_file: Path | None = None
    """Certificates that are trusted, instead of the system's."""
    insecure_skip_verify: bool = False
    """Trust whatever certificate is shown."""
    anonymous: bool = False
    """For routers whose `api-ssl` has no certificate: encrypted, but nobody knows by whom it is read."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        self.context()
        return self

    def context(self) -> ssl.SSLContext | None:
        """The TLS context; None for plain. ValueError naming what is no good."""
        if not self.enabled:
            return None
        context = trusting(self.ca_file, anybody=self.insecure_skip_verify or self.anonymous)
        if self.anonymous:
            # Such ciphers exist only below TLS 1.3, and OpenSSL has them switched off otherwise.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ADH:AECDH:@SECLEVEL=0")
        return context


class LoginSettings(Section):
    """Who we are to a router. A router's own values come before those of the section."""

    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Absent: 8728, with TLS 8729."""
    username: Annotated[str, Field(min_length=1)] | None = None
    """A user with the policies `api` and `read`."""
    password: SecretStr | None = None
    """This or `password_file`."""
    password_file: Path | None = None
    """A file that holds the password; it is read at each login, so that it may be renewed."""
    tls: RouterTlsSettings | None = None
    """Absent: plain."""

    @model_validator(mode="after")
    def _has_one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("only one of password and password_file")
        return self


class RouterSettings(LoginSettings):
    """One router."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """The label `router`."""
    host: Annotated[str, Field(min_length=1)]
    """Its address or host name."""
    site: Annotated[str, Field(max_length=200)] = ""
    """Where it stands: a label of `mikrotik_info`."""


class MikrotikSettings(LoginSettings):
    """The routers."""

    interval_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """How often each is read."""
    deadline_seconds: Seconds = 20.0
    """How long a reading of one may take; never longer than its interval."""
    parts: list[Part] = list(PARTS)
    """What is read beside the resources."""
    sessions_by: list[Literal["server", "profile"]] = ["server"]
    """How sessions are counted beside their total. `profile` fetches the list of sessions and of all users."""
    ignored_interface_types: list[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]] = [
        *("pppoe-in", "l2tp-in", "pptp-in", "sstp-in", "ovpn-in")
    ]
    """Types of interfaces that are left out: by default those that each dialled-in subscriber has one of."""
    most_interfaces: Annotated[int, Field(ge=1, le=10_000)] = 500
    """What a router has beyond these is left out, and counted as the error `too_many`."""
    queues_top: Annotated[int, Field(ge=1, le=1_000)] = 10
    """How many queues of a router are told at most: the fullest."""
    queues_near_percent: Annotated[float, Field(ge=0, le=100)] = 80.0
    """From which use on a queue counts as near its limit."""
    routers: Annotated[list[RouterSettings], Field(max_length=20_000)] = []
    """The routers themselves."""

    @field_validator("routers")
    @classmethod
    def _names_differ(cls, routers: list[RouterSettings]) -> list[RouterSettings]:
        names_differ((one.name for one in routers), "routers")
        return routers

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        for router in self.routers:
            if (router.username or self.username) is None:
                raise ValueError(f"router {router.name}: neither it nor the section has a username")
            self.password_of(router)  # what can't be read is said at the start
        return self

    def password_of(self, router: RouterSettings) -> str:
        """The router's password. ValueError naming the router if there is none, or its file can't be read."""
        own = router if router.password is not None or router.password_file is not None else self
        if own.password is not None:
            return own.password.get_secret_value()
        if own.password_file is None:
            raise ValueError(f"router {router.name}: neither it nor the section has a password or password_file")
        return secret_in(f"router {router.name}: password_file", own.password_file)
