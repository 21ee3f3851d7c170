"""Whether each router answers through its API, and the worst of them all."""

import asyncio
from collections.abc import Sequence

from services.health.check import Check, Finding
from services.health.core.results import worse
from services.health.settings import Settings
from shared.messages.health import Status
from shared.routeros.errors import RouterError
from shared.routeros.settings import MikrotikSettings, RouterSettings

KIND = "mikrotik"
# Asked at once at most: all of a large fleet, at the start, would keep each other waiting beyond their deadlines.
MOST_AT_ONCE = 64
# Names in the details of the kind's check; their number is told beside them.
MOST_NAMED = 20


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
        self._found: Finding | None = None
        self._has_found = asyncio.Event()

    async def run(self) -> Finding:
        """`/system/resource/print`. What goes wrong is told with its reason."""
        async with self._at_once:
            try:
                async with asyncio.timeout(self._answer_seconds):
                    self._found = await self._ask()
            except TimeoutError:
                error = f"deadline exceeded ({self._answer_seconds:g} s)"
                self._found = Finding("unhealthy", {"connected": False, "reason": "timeout", "error": error})
            except RouterError as error:
                details = {"connected": self._connection.is_open, "reason": error.reason, "error": str(error)}
                self._found = Finding("unhealthy", details)
        self._has_found.set()
        return self._found

    async def found(self) -> Finding:
        """What the last run found; waits for the first one."""
        await self._has_found.wait()
        assert self._found is not None
        return self._found

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


class WorstRouterCheck:
    """The kind: as bad as its worst router. It asks nobody, it only sums up."""

    name = kind = KIND
    secrets: frozenset[str] = frozenset()

    def __init__(self, routers: Sequence[RouterCheck], interval_seconds: float) -> None:
        self.interval_seconds = self.deadline_seconds = interval_seconds
        self._routers = routers

    async def run(self) -> Finding:
        """The worst of what the routers' own checks found last."""
        status: Status = "healthy"
        bad: list[str] = []
        for router in self._routers:
            finding = await router.found()
            status = worse(status, finding.status)
            if finding.status != "healthy":
                bad.append(router.router)
        details = {"routers": len(self._routers), "unhealthy": len(bad), "unhealthy_routers": bad[:MOST_NAMED]}
        return Finding(status, details)


def checks(settings: Settings) -> list[Check]:
    """One check for a single router, `mikrotik`; of several, each has its own beside it, `mikrotik:<name>`."""
    own, check, mikrotik = settings.health, settings.health.mikrotik, settings.mikrotik
    if not check.enabled or not mikrotik.routers:
        return []
    interval, answer = own.interval_of(check), own.deadline_of(check)
    at_once = asyncio.Semaphore(MOST_AT_ONCE)
    alone = len(mikrotik.routers) == 1
    routers = [
        RouterCheck(KIND if alone else f"{KIND}:{router.name}", mikrotik, router, at_once, interval, answer)
        for router in mikrotik.routers
    ]
    return [*routers] if alone else [*routers, WorstRouterCheck(routers, interval)]
