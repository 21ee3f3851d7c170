"""Whether a host answers echo requests."""

import icmplib  # type: ignore[import-untyped]

from services.health.check import Check, Finding, judged
from services.health.core.complaints import Complaint
from services.health.core.judgments import of_loss, of_time
from services.health.core.results import LOSS, ROUND_TRIP
from services.health.settings import Settings
from services.health.target_settings import IcmpTargetSettings

KIND = "icmp"
BETWEEN_SECONDS = 0.2
NOT_PERMITTED = (
    "this process may not send echo requests, so nothing is known of the host: let its group do so "
    "(sysctl net.ipv4.ping_group_range) or give the process CAP_NET_RAW"
)


class IcmpCheck:
    """Some echo requests in a row."""

    kind = KIND
    secrets: frozenset[str] = frozenset()

    def __init__(self, settings: IcmpTargetSettings, interval_seconds: float, deadline_seconds: float) -> None:
        self.name = f"{KIND}:{settings.name}"
        self._settings = settings
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds

    async def run(self) -> Finding:
        """Send them, and count what comes back."""
        settings = self._settings
        details: dict[str, object] = {"address": settings.host}
        try:
            host = await self._ping()
        except icmplib.SocketPermissionError:
            # Not the host's fault: degraded, for what should be watched is not.
            return judged([Complaint("degraded", "not_permitted", NOT_PERMITTED)], details)
        except icmplib.NameLookupError:
            return judged([Complaint("unhealthy", "name", f"there is no host {settings.host}")], details)
        lost = 100 - 100 * host.packets_received / settings.count
        details |= {"sent": settings.count, "received": host.packets_received}
        complaints = of_loss(round(lost, 1), settings.degraded_percent, settings.unhealthy_percent)
        if not host.packets_received:
            return judged(complaints, details, ((LOSS, lost),))
        seconds = host.avg_rtt / 1000
        details |= {"round_trip_ms": host.avg_rtt, "longest_ms": host.max_rtt}
        complaints += of_time(seconds, settings.degraded_seconds)
        return judged(complaints, details, ((LOSS, lost), (ROUND_TRIP, seconds)))

    async def _ping(self) -> icmplib.Host:
        """Over the kernel's echo sockets where our group may use them, else over a raw one. SocketPermissionError where
        neither is ours."""
        count = self._settings.count
        each = (0.9 * self.deadline_seconds - (count - 1) * BETWEEN_SECONDS) / count
        for privileged in (False, True):
            try:
                return await icmplib.async_ping(
                    self._settings.host,
                    count=count,
                    interval=BETWEEN_SECONDS,
                    timeout=each,
                    privileged=privileged,
                )
            except icmplib.SocketPermissionError:
                if privileged:
                    raise
        raise AssertionError("unreachable")


def checks(settings: Settings) -> list[Check]:
    """One check for each target, `icmp:<name>`."""
    own = settings.health
    return [IcmpCheck(one, own.interval_of(one), own.deadline_of(one)) for one in own.icmp if one.enabled]
