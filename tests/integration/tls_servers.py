"""Certificates made for a test by the machine's openssl, and what may be served with them."""

import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest


class Identity(NamedTuple):
    """A self-signed certificate for 127.0.0.1 and localhost, which is its own authority."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """The context of a server that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def identity(directory: Path, days: int) -> Identity:
    """One that runs out in so many days; with a negative number it has. Skips the test where there is no openssl."""
    made = Identity(directory / f"{days}.pem", directory / f"{days}.key")
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"),
        *("-keyout", str(made.key), "-out", str(made.certificate), "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
    )
    certificate = made.certificate.read_text()
    # Signed again, for `req` makes none that has run out.
    made.certificate.write_text(_openssl("x509", "-signkey", str(made.key), "-days", str(days), given=certificate))
    return made


def _openssl(*arguments: str, given: str = "") -> str:
    try:
        done = subprocess.run(
            ["openssl", *arguments], input=given, capture_output=True, text=True, timeout=60, check=False
        )
    except FileNotFoundError:
        pytest.skip("no openssl on this machine")
    assert done.returncode == 0, done.stderr
    return done.stdout
