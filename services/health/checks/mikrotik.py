"""Whether each router answers through its API."""

import asyncio

from services.health.check import Check, Finding
from services.health.settings import Settings
from shared.routeros.errors import RouterError
from shared.routeros.settings import MikrotikSettings, RouterSettings

KIND = "mikrotik"
# Asked at once at most: all of a large fleet, at the start, would keep each other waiting beyond their deadlines.
MOST_AT_ONCE = 64


class RouterCheck:
    """One router, over a connection that is kept open: a login each time would fill the router's log."""

    kind = KIND

    def __init__(
        self,
        name: str,
        settings: MikrotikSettings,
        router: RouterSettings,
        at_once: asyncio.Semaphore,
        interval_seconds: float,
        answer_seconds: float,
    ) -> None:
        """`answer_seconds`: how long the router itself may take; waiting for its turn among `at_once` doesn't count."""
        # librouteros is loaded where there are routers.
        from shared.routeros.client import Connection, Target

        self.name, self.router = name, router.name
        self.interval_seconds = self.deadline_seconds = interval_seconds
        self._answer_seconds = answer_seconds
        self.secrets = frozenset({settings.password_of(router)})
        self._connection = Connection(Target.of(settings, router))
        self._at_once = at_once

    async def run(self) -> Finding:
        """`/system/resource/print`. What goes wrong is told with its reason."""
        async with self._at_once:
            try:
                async with asyncio.timeout(self._answer_seconds):
                    return await self._ask()
            except TimeoutError:
                error = f"deadline exceeded ({self._answer_seconds:g} s)"
                return Finding("unhealthy", {"connected": False, "reason": "timeout", "error": error})
            except RouterError as error:
                details = {"connected": self._connection.is_open, "reason": error.reason, "error": str(error)}
                return Finding("unhealthy", details)

    async def _ask(self) -> Finding:
        if self._connection.is_open:
            try:
                return await self._resource()
            except RouterError as error:
                if error.reason != "closed":
                    raise
                # It was closed since the last run, perhaps by a reboot that is over: only a new one can tell.
        await self._connection.open()
        return await self._resource()

    async def _resource(self) -> Finding:
        rows = await self._connection.rows("/system/resource", "version,board-name,uptime")
        if not rows or "version" not in rows[0]:
            raise RouterError("bad_value", "/system/resource tells no version")
        row = rows[0]
        return Finding(
            "healthy",
            {
                "connected": True,
                "version": row["version"],
                "board": row.get("board-name", ""),
                "uptime": row.get("uptime", ""),
            },
        )


def checks(settings: Settings) -> list[Check]:
    """One check for a single router, `mikrotik`; of several, each has its own, `mikrotik:<name>`."""
    own, check, mikrotik = settings.health, settings.health.mikrotik, settings.mikrotik
    if not check.enabled or not mikrotik.routers:
        return []
    interval, answer = own.interval_of(check), own.deadline_of(check)
    at_once = asyncio.Semaphore(MOST_AT_ONCE)
    alone = len(mikrotik.routers) == 1
    return [
        RouterCheck(KIND if alone else f"{KIND}:{router.name}", mikrotik, router, at_once, interval, answer)
        for router in mikrotik.routers
    ]
