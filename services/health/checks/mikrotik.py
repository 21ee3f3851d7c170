"""Whether each router answers through its API."""

from services.health.check import Check, Finding
from services.health.settings import Settings
from shared.routeros.errors import RouterError
from shared.routeros.settings import MikrotikSettings, RouterSettings

KIND = "mikrotik"


class RouterCheck:
    """One router, over a connection that is kept open: a login each time would fill the router's log."""

    kind = KIND

    def __init__(
        self,
        name: str,
        settings: MikrotikSettings,
        router: RouterSettings,
        interval_seconds: float,
        deadline_seconds: float,
    ) -> None:
        # librouteros is loaded where there are routers.
        from shared.routeros.client import Connection, Target

        self.name, self.router = name, router.name
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds
        self.secrets = frozenset({settings.password_of(router)})
        self._connection = Connection(Target.of(settings, router))

    async def run(self) -> Finding:
        """`/system/resource/print`. What goes wrong is told with its reason."""
        try:
            return await self._ask()
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
    interval, deadline = own.interval_of(check), own.deadline_of(check)
    alone = len(mikrotik.routers) == 1
    return [
        RouterCheck(KIND if alone else f"{KIND}:{router.name}", mikrotik, router, interval, deadline)
        for router in mikrotik.routers
    ]
