"""What the settings of channels that speak HTTP have in common, with Alertmanager's names."""

import re
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from shared.http_settings import HttpClientSettings, secret
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.secret_values import secret_of
from shared.settings import Section

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What channels themselves say must not be contradicted.
_OWN_HEADERS = ("webhook-", "content-", "host", "transfer-encoding", "connection", "authorization")
# What Alertmanager knows and Pantau doesn't: told by name, with the way out.
_FOREIGN = {
    "oauth2": "oauth2 is not supported: put a token into authorization.credentials_file and renew it there",
    "no_proxy": "no_proxy is not supported: leave proxy_url out where there is to be none",
    "proxy_from_environment": "proxy_from_environment is not supported: write proxy_url",
    "proxy_connect_header": "proxy_connect_header is not supported: put credentials into proxy_url",
}
# Redirects are never followed, and HTTP/1.1 is spoken, whatever these say: so that existing files load.
_HARMLESS = ("follow_redirects", "enable_http2")


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value) / 1000
    except BadQuery as error:
        raise ValueError(str(error)) from error


Timeout = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=300)]
"""Seconds, from `10s` or a plain number."""


class HeaderSettings(Section):
    """The values of one header, together."""

    values: list[str] = []
    secrets: list[SecretStr] = []
    files: list[Path] = []
    """Each holds a value; read for each request."""


class HttpConfig(HttpClientSettings):
    """Alertmanager's `http_config`."""

    proxy_url: SecretStr | None = None
    """http://HOST:PORT of a proxy that requests go through."""
    http_headers: dict[str, HeaderSettings] = {}
    """Sent with each request."""

    @model_validator(mode="before")
    @classmethod
    def _leaves_out_what_makes_no_difference(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for key in values:
            if key in _FOREIGN:
                raise ValueError(_FOREIGN[key])
        return {key: value for key, value in values.items() if key not in _HARMLESS}

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        for name in self.http_headers:
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name[:80]!r} is not the name of an HTTP header")
            if name.lower().startswith(_OWN_HEADERS):
                raise ValueError(f"header {name} is set by Pantau itself; credentials go into authorization")
        self.headers()
        if self.proxy_url is not None:
            check_url("proxy_url", self.proxy_url.get_secret_value())
        return self

    @property
    def reads_files(self) -> bool:
        """Whether `headers` and `credentials` look into files."""
        basic, other = self.basic_auth, self.authorization
        files: list[Path | None] = [self.bearer_token_file]
        files += [basic.username_file, basic.password_file] if basic is not None else []
        files += [other.credentials_file] if other is not None else []
        return any(files) or any(one.files for one in self.http_headers.values())

    def headers(self) -> list[tuple[str, str]]:
        """`http_headers` with what their files hold now. ValueError naming what can't be read or sent."""
        found = [
            (name, value)
            for name, one in self.http_headers.items()
            for value in (
                *one.values,
                *(hidden.get_secret_value() for hidden in one.secrets),
                *(secret("http_headers", None, file) for file in one.files),
            )
        ]
        for name, value in found:
            if not value.isprintable() or not value.isascii():
                raise ValueError(f"the value of header {name} holds something else than printable ASCII")
        return found


def check_url(name: str, url: str) -> str:
    """`url`, if requests can go there. ValueError otherwise; it does not repeat the URL, which may hold a token."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"{name} is not of the form http://HOST[:PORT]/PATH or https://…")
    return url


def url_of(name: str, url: SecretStr | None, file: Path | None) -> str:
    """The URL of the settings `name` and `name_file`, of which exactly one is to be there. ValueError otherwise."""
    found = secret_of(name, url, file)
    if found is None:
        raise ValueError(f"needs {name} or {name}_file")
    return check_url(name, found)
