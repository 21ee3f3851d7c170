"""What went wrong with a connection, in a word."""

import errno
import socket
import ssl
from collections.abc import Iterable

import aiohttp

from services.health.core.complaints import Complaint
from services.health.core.redaction import error_text

# The first that fits.
KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "timeout"),
    (ssl.SSLError, "tls"),
    (socket.gaierror, "name"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "closed"),
    (aiohttp.ServerDisconnectedError, "closed"),
    (aiohttp.ClientPayloadError, "closed"),
    (aiohttp.ClientConnectorCertificateError, "tls"),
    (aiohttp.ClientConnectionError, "unreachable"),
    (OSError, "unreachable"),
)


def of_connection(error: Exception, secrets: Iterable[str] = ()) -> Complaint:
    """Why a connection could not be made or did not last: `refused`, `tls`, ...; `protocol` where none fits."""
    # aiohttp's errors are told best by the one of the system that they wrap.
    inner = getattr(error, "os_error", None)
    reason = (inner and _reason(inner)) or _reason(error) or "protocol"
    if getattr(error, "errno", None) in (errno.ECONNRESET, errno.EPIPE):
        reason = "closed"
    # Of a host with several addresses asyncio tells all that went wrong as one text.
    if reason == "unreachable" and f"[Errno {errno.ECONNREFUSED}]" in str(error):
        reason = "refused"
    return Complaint("unhealthy", reason, error_text(error, secrets))


def _reason(error: BaseException) -> str | None:
    return next((reason for kind, reason in KINDS if isinstance(error, kind)), None)
