"""TLS towards servers: whose certificates are trusted."""

import ssl
from pathlib import Path


def trusting(ca_file: Path | None, *, anybody: bool = False) -> ssl.SSLContext:
    """A context that trusts whom `ca_file` says (absent: the system's authorities), or `anybody`, whatever certificate
    they show. ValueError if the file can't be used."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"ca_file: {ca_file} can't be used: {error.strerror or error}") from error
    if anybody:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
