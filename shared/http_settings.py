"""How we are known to HTTP servers that we talk to: certificates, and secrets that may lie in files."""

import ssl
from pathlib import Path
from typing import Self

from pydantic import SecretStr, model_validator

from shared.secret_values import secret_in
from shared.settings import Section
from shared.tls import trusting


class TlsSettings(Section):
    """What is trusted, and what we show. The names are those of Prometheus' `tls_config`."""

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

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        self.context()
        return self

    def context(self) -> ssl.SSLContext:
        """The TLS context. ValueError naming the file that is no good."""
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file: both or neither")
        context = trusting(self.ca_file, anybody=self.insecure_skip_verify)
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except OSError as error:
                raise ValueError(f"cert_file: {self.cert_file} can't be used: {error.strerror or error}") from error
        return context


def secret(name: str, value: SecretStr | None, file: Path | None) -> str:
    """The value, or what its file holds now; empty without either. ValueError naming a file that can't be read."""
    if file is None:
        return "" if value is None else value.get_secret_value()
    return secret_in(name, file)
