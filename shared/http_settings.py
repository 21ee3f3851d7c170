"""How HTTP servers that we talk to know us, and we them: credentials, certificates, secrets that may lie in files. The
names are those of Prometheus' and Alertmanager's HTTP client."""

import base64
import ssl
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import Section


class TlsSettings(Section):
    """What is trusted, and what we show."""

    ca_file: Path | None = None
    """Certificates that are trusted, instead of the system's."""
    cert_file: Path | None = None
    """Our certificate, with `key_file`."""
    key_file: Path | None = None
    """Its key."""
    server_name: str | None = None
    """The name that the certificate must be for; absent: that of the URL."""
    insecure_skip_verify: bool = False
    """Trust whatever certificate is shown."""
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    """The oldest version that is spoken."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        self.context()
        return self

    def context(self) -> ssl.SSLContext:
        """The TLS context. ValueError naming the file that is no good."""
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file: both or neither")
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ValueError(f"ca_file: {self.ca_file} can't be used: {error.strerror or error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3 if self.min_version == "TLS13" else ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except OSError as error:
                raise ValueError(f"cert_file: {self.cert_file} can't be used: {error.strerror or error}") from error
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class BasicAuthSettings(Section):
    """HTTP basic authentication."""

    username: str = ""
    """This or `username_file`."""
    username_file: Path | None = None
    password: SecretStr | None = None
    """This or `password_file`, or neither for an empty one."""
    password_file: Path | None = None
    """Files are read for each request, so that they may be renewed."""

    @model_validator(mode="after")
    def _is_told_once(self) -> Self:
        if bool(self.username) == (self.username_file is not None):
            raise ValueError("basic_auth needs either username or username_file")
        if self.password is not None and self.password_file is not None:
            raise ValueError("only one of password and password_file")
        if ":" in self.username:
            raise ValueError("a user name can't hold a colon")
        return self


class AuthorizationSettings(Section):
    """The header `Authorization`, as type and credentials."""

    type: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~+-]+$")] = "Bearer"
    credentials: SecretStr | None = None
    """This or `credentials_file`."""
    credentials_file: Path | None = None
    """Read for each request, so that it may be renewed."""

    @model_validator(mode="after")
    def _is_told_once(self) -> Self:
        if (self.credentials is None) == (self.credentials_file is None):
            raise ValueError("authorization needs either credentials or credentials_file")
        if self.type.lower() == "basic":
            raise ValueError("for the type Basic use basic_auth")
        return self


class HttpClientSettings(Section):
    """What a request carries beside its URL."""

    basic_auth: BasicAuthSettings | None = None
    """At most one of basic_auth, authorization, bearer_token and bearer_token_file."""
    authorization: AuthorizationSettings | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None
    tls_config: TlsSettings = TlsSettings()
    """For https."""

    @model_validator(mode="after")
    def _knows_who_we_are(self) -> Self:
        given = [self.basic_auth, self.authorization, self.bearer_token, self.bearer_token_file]
        if sum(one is not None for one in given) > 1:
            raise ValueError("only one of basic_auth, authorization, bearer_token and bearer_token_file")
        self.credentials()  # what can't be read is said at the start
        return self

    def credentials(self) -> str | None:
        """The header `Authorization`; None without credentials. ValueError naming the file that can't be read."""
        basic, other = self.basic_auth, self.authorization
        if basic is not None:
            name = basic.username or secret("username_file", None, basic.username_file)
            password = secret("password_file", basic.password, basic.password_file)
            return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"
        if other is not None:
            kind, token = other.type, secret("credentials_file", other.credentials, other.credentials_file)
        elif self.bearer_token is not None or self.bearer_token_file is not None:
            kind, token = "Bearer", secret("bearer_token_file", self.bearer_token, self.bearer_token_file)
        else:
            return None
        if not token or not token.isprintable() or not token.isascii():
            raise ValueError("the credentials are empty or hold something else than printable ASCII")
        return f"{kind} {token}"


def secret(name: str, value: SecretStr | None, file: Path | None) -> str:
    """The value, or what its file holds now; empty without either. ValueError naming a file that can't be read."""
    if file is None:
        return "" if value is None else value.get_secret_value()
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ValueError(f"{name}: {file} can't be read: {reason}") from error
