"""Where Alertmanagers are, and how they know that it is us."""

import base64
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.http_settings import TlsSettings, secret
from shared.settings import Section

ALERTS_PATH = "/api/v2/alerts"


class BasicAuthSettings(Section):
    """HTTP basic authentication."""

    username: Annotated[str, Field(min_length=1)]
    password: SecretStr | None = None
    """This or `password_file`."""
    password_file: Path | None = None
    """A file that holds the password; it is read for each request."""

    @model_validator(mode="after")
    def _has_one_password(self) -> Self:
        if (self.password is None) == (self.password_file is None):
            raise ValueError("basic_auth needs either password or password_file")
        if ":" in self.username:
            raise ValueError("a user name can't hold a colon")
        return self


class AlertmanagerSettings(Section):
    """One Alertmanager. Each of the list gets all alerts, as the members of a cluster are to."""

    url: str
    """http:// or https://, with the path prefix that it is served under, e.g. `http://127.0.0.1:9093`."""
    name: Annotated[str, Field(max_length=200)] = ""
    """What metrics and logs call it; absent: the URL."""
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    """For one request, from connecting to the answer's status."""
    basic_auth: BasicAuthSettings | None = None
    """This, or a bearer token, or neither."""
    bearer_token: SecretStr | None = None
    """This or `bearer_token_file`."""
    bearer_token_file: Path | None = None
    """A file that holds the token; it is read for each request, so that it may be renewed."""
    tls: TlsSettings = TlsSettings()
    """For https://."""

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

    @model_validator(mode="after")
    def _knows_who_we_are(self) -> Self:
        given = [self.basic_auth, self.bearer_token, self.bearer_token_file]
        if sum(one is not None for one in given) > 1:
            raise ValueError("only one of basic_auth, bearer_token and bearer_token_file")
        self.authorization()  # what can't be read is said at the start
        return self

    @property
    def label(self) -> str:
        """What metrics and logs call it."""
        return self.name or self.url

    @property
    def target(self) -> str:
        """Where alerts are posted to."""
        return self.url + ALERTS_PATH

    def authorization(self) -> str | None:
        """The header `Authorization`; None without credentials. ValueError naming the file that can't be read."""
        if self.basic_auth is not None:
            password = secret("password_file", self.basic_auth.password, self.basic_auth.password_file)
            return f"Basic {base64.b64encode(f'{self.basic_auth.username}:{password}'.encode()).decode()}"
        if self.bearer_token is None and self.bearer_token_file is None:
            return None
        token = secret("bearer_token_file", self.bearer_token, self.bearer_token_file)
        if not token or not token.isprintable() or not token.isascii():
            raise ValueError("the bearer token is empty or holds something else than printable ASCII")
        return f"Bearer {token}"
