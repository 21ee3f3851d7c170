"""Whether a port takes connections, and says what it should."""

import asyncio
from functools import partial

from services.health.check import Check, Figures, Finding, judged
from services.health.core.complaints import Complaint
from services.health.core.judgments import of_time
from services.health.core.patterns import pattern_of
from services.health.reasons import of_connection
from services.health.settings import Settings
from services.health.target_settings import TcpTargetSettings
from services.health.tls import certificate_of
from shared import clock

KIND = "tcp"
MOST_BANNER_BYTES = 4_096
SHOWN = 120


class TcpCheck:
    """A connection of its own each time, closed at once."""

    kind = KIND
    secrets: frozenset[str] = frozenset()

    def __init__(self, settings: TcpTargetSettings, interval_seconds: float, deadline_seconds: float) -> None:
        self.name = f"{KIND}:{settings.name}"
        self._settings = settings
        self._tls = settings.tls.context() if settings.tls else None
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds

    async def run(self) -> Finding:
        """Connect; then, where a banner is expected, read until it matches."""
        settings, began = self._settings, clock.elapsed()
        address = {"address": f"{settings.host}:{settings.port}"}
        try:
            name = settings.tls.server_name if settings.tls else None
            reader, writer = await asyncio.open_connection(
                settings.host, settings.port, ssl=self._tls, server_hostname=name
            )
        except OSError as error:
            return judged([of_connection(error)], address | {"connected": False})
        try:
            complaints: list[Complaint] = []
            details: dict[str, object] = address | {"connected": True}
            figures: Figures = ()
            if settings.tls is not None:
                certificate = certificate_of(writer.get_extra_info("ssl_object"), settings.tls, clock.now_ms())
                complaints += certificate.complaints
                details |= certificate.details
                figures = certificate.figures
            if settings.send:
                writer.write(settings.send.encode())
            if settings.banner is not None:
                banner, complaint = await self._banner(reader, settings.banner)
                complaints += complaint
                details["banner"] = banner[:SHOWN]
        finally:
            writer.transport.abort()
        complaints += of_time(clock.elapsed() - began, settings.degraded_seconds)
        return judged(complaints, details, figures)

    async def _banner(self, reader: asyncio.StreamReader, pattern: str) -> tuple[str, list[Complaint]]:
        """What came, and what is wrong with it."""
        came = b""
        matches = partial(_matches, pattern)
        try:
            # Half of the time is left for the connection itself, so that silence is told as such.
            async with asyncio.timeout(self.deadline_seconds / 2):
                while not matches(came) and len(came) < MOST_BANNER_BYTES:
                    more = await reader.read(MOST_BANNER_BYTES - len(came))
                    if not more:
                        break
                    came += more
        except TimeoutError:
            if not came:
                return "", [Complaint("unhealthy", "timeout", "connected, but nothing was said in time")]
        except OSError as error:
            return "", [of_connection(error)]
        text = came.decode(errors="replace").strip()
        if matches(came):
            return text, []
        return text, [Complaint("unhealthy", "banner", f"what came first does not match {pattern!r}")]


def _matches(pattern: str, came: bytes) -> bool:
    return pattern_of(pattern).search(came.decode(errors="replace")) is not None


def checks(settings: Settings) -> list[Check]:
    """One check for each target, `tcp:<name>`."""
    own = settings.health
    return [TcpCheck(one, own.interval_of(one), own.deadline_of(one)) for one in own.tcp if one.enabled]
