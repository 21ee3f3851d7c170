"""The dead man's ping: an outside service is told that all is well, and says so to people when it no longer is."""

import asyncio
from collections.abc import Callable

import aiohttp
import structlog
from prometheus_client import Counter, Gauge

from shared import clock
from shared.routing.watchdog_settings import PingSettings

log = structlog.get_logger()

PINGS = Counter(
    "pantau_watchdog_pings_total",
    "Requests to the outside service, by outcome: answered, withheld (all is not well), or how they failed",
    ["outcome"],
)
LAST = Gauge("pantau_watchdog_last_ping_timestamp_seconds", "When the outside service last answered")


class Ping:
    """Asks as long as `is_well`."""

    def __init__(self, settings: PingSettings, is_well: Callable[[], bool]) -> None:
        self._settings, self._is_well = settings, is_well
        self._failed = ""

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=self._settings.deadline_seconds)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._once(session)
                # While all is not well, often: the outside service is to hear soon that it is again.
                wait = self._settings.interval_seconds
                await asyncio.sleep(wait if not self._failed else min(wait, 5.0))

    async def _once(self, session: aiohttp.ClientSession) -> None:
        outcome = await self._request(session) if self._is_well() else "withheld"
        PINGS.labels(outcome or "answered").inc()
        if outcome:
            if outcome != self._failed:  # once, not at every attempt
                log.warning("no ping to the outside service", reason=outcome)
        else:
            LAST.set(clock.now_ms() / 1000)
        self._failed = outcome

    async def _request(self, session: aiohttp.ClientSession) -> str:
        """Why it failed, in a word; empty if it did not. Never with the URL, which holds a token."""
        try:
            target = self._settings.target()
        except ValueError:
            return "bad_url"
        try:
            async with session.request(self._settings.method, target, allow_redirects=False) as response:
                return "" if 200 <= response.status < 300 else f"http_{response.status}"
        except TimeoutError:
            return "timeout"
        except (aiohttp.ClientError, OSError, ValueError):
            return "connect"
