"""HTTP to Pantau's api: one connection, kept open, that neither follows redirects nor reads more than a little."""

import http.client
import ssl
from urllib.parse import urlsplit

from pantau.parcels import Parcel
from pantau.settings import Settings

PATHS = {"samples": "/api/monitoring/metrics", "requests": "/api/monitoring/requests"}
MOST_READ = 64 * 1024


class Transport:
    """Not for use by several threads."""

    def __init__(self, settings: Settings) -> None:
        """ValueError if the settings name no url."""
        if settings.url is None:
            raise ValueError("url: there is none to send to")
        parts = urlsplit(settings.url)
        self._tls = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        self._timeout = settings.timeout_seconds
        self._connection: http.client.HTTPConnection | None = None

    def send(self, parcel: Parcel) -> tuple[int, dict[str, str], bytes]:
        """Status, headers with lower-case names and the beginning of the body of the answer. OSError or HTTPException
        if there is none; then the next one starts from a new connection."""
        headers = self._headers | {"Content-Type": "application/json", "User-Agent": "pantau-sdk"}
        kept = self._connection is not None
        try:
            return self._exchange(parcel, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The api closes connections that were idle for long; what was sent twice is stored once.
            self.close()
            if not kept:
                raise
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        try:
            return self._exchange(parcel, headers)
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next parcel opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, parcel: Parcel, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request("POST", self._path + PATHS[parcel.what], parcel.body, headers)
        response = self._connection.getresponse()
        body = response.read(MOST_READ)
        if not response.isclosed():
            self.close()  # there is more, which nobody wants to read
        return response.status, {name.lower(): value for name, value in response.getheaders()}, body

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
