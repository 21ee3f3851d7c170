"""MikroTik routers through their API: one source, and one connection that is kept open, for each router; and one
source for how long their API takes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from services.collector.core.histogram import Histogram
from services.collector.core.mikrotik import interfaces, readings
from services.collector.core.mikrotik import metrics as m
from services.collector.core.mikrotik.metrics import METRICS
from services.collector.core.mikrotik.values import seconds
from services.collector.settings import Settings
from services.collector.source import Reading, Source
from shared import clock
from shared.messages.samples import Sample
from shared.metrics import Metric
from shared.routeros.errors import REASONS, RouterError
from shared.routeros.settings import MikrotikSettings, Part, RouterSettings

__all__ = ["METRICS", "LatencySource", "MikrotikSource", "sources"]

log = structlog.get_logger()

LATENCY_BOUNDS = (0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)
# What is left of the deadline is for saying that the router let it pass.
OWN_SHARE = 0.9


class MikrotikSource:
    """Reads one router, menu by menu; what can't be read costs only its own samples, unless the connection is lost."""

    metrics = METRICS
    reasons: tuple[str, ...] = ()  # mikrotik_sync_errors_total counts them

    def __init__(self, host: str, settings: MikrotikSettings, router: RouterSettings, latency: "LatencySource") -> None:
        """`host` is this machine, whose reading it is; `router` is one of `settings`."""
        self.host, self.name = host, f"mikrotik/{router.name}"
        self.origin = f"collector/{host}/{self.name}"
        self.interval_seconds = settings.interval_seconds
        self.deadline_seconds = min(settings.deadline_seconds, settings.interval_seconds)
        # librouteros is loaded where there are routers.
        from shared.routeros.client import Connection, Target

        self._settings, self._router, self._site = settings, router.name, router.site
        self._connection = Connection(Target.of(settings, router), latency.observe)
        self._errors: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self._before: interfaces.Counted | None = None
        self._failed = ""
        self._uptime = 0
        self._version = ""
        # Whether the last start was unclean; None until the log has been read since.
        self._unclean: bool | None = None
        # What this router has no package for; asked again after the next login.
        self._missing: set[str] = set()

    async def read(self, now_ms: int) -> Reading:
        """One reading. It never raises what the router does: a router that is down is a reading too."""
        samples: list[Sample] = []
        problems: list[str] = []
        try:
            async with asyncio.timeout(OWN_SHARE * self.deadline_seconds):
                if not self._connection.is_open:
                    self._missing.clear()
                    await self._connection.open()
                samples += await self._resource(now_ms)
                for part in self._settings.parts:
                    await self._part(part, now_ms, samples, problems)
        except TimeoutError:
            return self._reading(now_ms, samples, problems, "timeout")
        except RouterError as error:
            if error.reason != self._failed:  # once, not at every attempt
                log.warning("router can't be read", router=self._router, error=str(error))
            return self._reading(now_ms, samples, problems, error.reason)
        return self._reading(now_ms, samples, problems)

    def _reading(self, now_ms: int, samples: list[Sample], problems: list[str], failure: str = "") -> Reading:
        self._errors.update([*problems, *([failure] if failure else [])])
        self._failed = failure
        router = self._router
        about = [
            m.UP.sample(now_ms, not failure, router=router),
            m.CONNECTED.sample(now_ms, self._connection.is_open, router=router),
            *(m.SYNC_ERRORS.sample(now_ms, self._errors[reason], router=router, reason=reason) for reason in REASONS),
        ]
        return Reading([*samples, *about], tuple(problems), failure)

    async def _part(self, part: Part, now_ms: int, samples: list[Sample], problems: list[str]) -> None:
        """Read a part into `samples`. A command that fails, or an answer that can't be, costs the rest of the part."""
        if part in self._missing:
            return
        try:
            await self._readers[part](self, now_ms, samples)
        except RouterError as error:
            if error.reason not in ("trap", "bad_value", "too_many"):
                raise
            if "no such command" in str(error):
                self._missing.add(part)
                log.info("router has no such menu", router=self._router, part=part, error=str(error))
            self._note(part, error.reason, error, problems)
        except (ValueError, KeyError) as error:
            self._note(part, "bad_value", error, problems)

    def _note(self, part: str, reason: str, error: Exception, problems: list[str]) -> None:
        if not self._errors[reason]:
            log.warning("part of a router can't be read", router=self._router, part=part, error=repr(error))
        problems.append(reason)

    async def _resource(self, now_ms: int) -> list[Sample]:
        """The first thing read: whoever doesn't answer this is down."""
        rows = await self._connection.rows("/system/resource", readings.RESOURCE)
        try:
            samples = readings.resource(self._router, self._site, now_ms, rows[0])
            uptime = seconds(rows[0]["uptime"])
        except (ValueError, LookupError) as error:
            raise RouterError("bad_value", f"/system/resource: {error!r}") from error
        if uptime < self._uptime:
            self._before = self._unclean = None  # it was started anew: its counters were too
        self._uptime, self._version = uptime, rows[0]["version"]
        return samples

    async def _health(self, now_ms: int, found: list[Sample]) -> None:
        flat = self._version.startswith(("3.", "4.", "5.", "6."))
        properties = ",".join(readings.FLAT_SENSORS) if flat else readings.NAMED
        found += readings.health(self._router, now_ms, await self._connection.rows("/system/health", properties))

    async def _interfaces(self, now_ms: int, found: list[Sample]) -> None:
        ignored = self._settings.ignored_interface_types
        queries = [f"?type={one}" for one in ignored] + ["?#|"] * (len(ignored) - 1) + (["?#!"] if ignored else [])
        rows = await self._connection.rows("/interface", readings.INTERFACE, *queries)
        most = self._settings.most_interfaces
        kept = rows[:most]
        found += interfaces.samples(self._router, now_ms, kept)
        counted = interfaces.counted(self._uptime, clock.elapsed(), kept)
        found += interfaces.rates(self._router, now_ms, self._before, counted)
        self._before = counted
        if len(rows) > most:
            raise RouterError("too_many", f"/interface: {len(rows)} interfaces, most_interfaces is {most}")

    async def _sessions(self, now_ms: int, found: list[Sample]) -> None:
        """Each service by itself: a router may have no hotspot package."""
        for service, menu, queries, accounts, of_service in (
            ("pppoe", "/ppp/active", ("?service=pppoe",), "/ppp/secret", ("?service=pppoe", "?service=any", "?#|")),
            ("hotspot", "/ip/hotspot/active", (), "/ip/hotspot/user", ()),
        ):
            if menu in self._missing:
                continue
            try:
                count = await self._connection.count(menu, *queries)
            except RouterError as error:
                if "no such command" not in str(error):
                    raise
                self._missing.add(menu)
                self._errors[error.reason] += 1
                log.info("router has no such menu", router=self._router, menu=menu)
                continue
            found.append(m.ACTIVE.sample(now_ms, count, router=self._router, service=service))
            disabled = await self._connection.count(accounts, "?disabled=true", *of_service)
            found.append(m.DISABLED.sample(now_ms, disabled, router=self._router, service=service))
            if "server" in self._settings.sessions_by:
                await self._by_server(now_ms, service, found)
            if "profile" in self._settings.sessions_by:
                await self._by_profile(now_ms, service, found)

    async def _by_server(self, now_ms: int, service: str, found: list[Sample]) -> None:
        if service == "pppoe":
            servers, name, menu, by = (
                "/interface/pppoe-server/server",
                "service-name",
                "/interface/pppoe-server",
                "service",
            )
        else:
            servers, name, menu, by = "/ip/hotspot", "name", "/ip/hotspot/active", "server"
        rows = await self._connection.rows(servers, f"{name},interface,disabled")
        for server, interface in readings.served(rows, name).items():
            count = await self._connection.count(menu, f"?{by}={server}")
            labels = {"service": service, "server": server, "interface": interface}
            found.append(m.ACTIVE_BY_SERVER.sample(now_ms, count, router=self._router, **labels))

    async def _by_profile(self, now_ms: int, service: str, found: list[Sample]) -> None:
        if service == "pppoe":
            online = await self._connection.rows("/ppp/active", "name", "?service=pppoe")
            users = await self._connection.rows("/ppp/secret", "name,profile")
            names = [row["name"] for row in online]
        else:
            online = await self._connection.rows("/ip/hotspot/active", "user")
            users = await self._connection.rows("/ip/hotspot/user", "name,profile")
            names = [row.get("user", "") for row in online]
        profiles = {row["name"]: row.get("profile", "default") for row in users}
        found += readings.by_profile(self._router, now_ms, service, names, profiles)

    async def _queues(self, now_ms: int, found: list[Sample]) -> None:
        rows = await self._connection.rows("/queue/simple", readings.QUEUE, "?disabled=false")
        near, top = self._settings.queues_near_percent, self._settings.queues_top
        found += readings.queues(self._router, now_ms, rows, near, top)

    async def _netwatch(self, now_ms: int, found: list[Sample]) -> None:
        rows = await self._connection.rows("/tool/netwatch", readings.NETWATCH, "?disabled=false")
        found += readings.netwatch(self._router, now_ms, rows)

    async def _leases(self, now_ms: int, found: list[Sample]) -> None:
        for row in await self._connection.rows("/ip/dhcp-server", "name"):
            of_server = f"?server={row['name']}"
            total = await self._connection.count("/ip/dhcp-server/lease", of_server)
            bound = await self._connection.count("/ip/dhcp-server/lease", of_server, "?status=bound")
            found += readings.leases(self._router, now_ms, row["name"], total, bound)

    async def _pools(self, now_ms: int, found: list[Sample]) -> None:
        for row in await self._connection.rows("/ip/pool", "name,ranges"):
            used = await self._connection.count("/ip/pool/used", f"?pool={row['name']}")
            found += readings.pool(self._router, now_ms, row["name"], row["ranges"], used)

    async def _connections(self, now_ms: int, found: list[Sample]) -> None:
        rows = await self._connection.rows("/ip/firewall/connection/tracking", "total-entries,max-entries")
        if rows and "total-entries" in rows[0]:
            found += readings.connections(self._router, now_ms, rows[0])
        else:  # a router that doesn't know the sum must count
            count = await self._connection.count("/ip/firewall/connection")
            found.append(m.CONNECTIONS.sample(now_ms, count, router=self._router))

    async def _reboots(self, now_ms: int, found: list[Sample]) -> None:
        """The log is read once after each start."""
        if self._unclean is None:
            either = [*(f"?topics={topics}" for topics in readings.BOOT_TOPICS), "?#|"]
            self._unclean = readings.is_unclean(await self._connection.rows("/log", "message", *either))
        found.append(m.UNCLEAN.sample(now_ms, self._unclean, router=self._router))

    _readers: dict[Part, Callable[["MikrotikSource", int, list[Sample]], Awaitable[None]]] = {
        "health": _health,
        "interfaces": _interfaces,
        "sessions": _sessions,
        "queues": _queues,
        "netwatch": _netwatch,
        "leases": _leases,
        "pools": _pools,
        "connections": _connections,
        "reboots": _reboots,
    }


class LatencySource:
    """How long commands took, all routers together: a histogram for each would be half of all that is told of it."""

    metrics: tuple[Metric, ...] = (m.LATENCY,)
    reasons: tuple[str, ...] = ()

    def __init__(self, host: str, settings: MikrotikSettings) -> None:
        self.host, self.name = host, "mikrotik"
        self.origin = f"collector/{host}/{self.name}"
        self.interval_seconds = self.deadline_seconds = settings.interval_seconds
        self._latency = Histogram(m.LATENCY, LATENCY_BOUNDS)

    def observe(self, method: str, endpoint: str, taken: float) -> None:
        """A router has answered after so many seconds."""
        self._latency.observe(taken, host=self.host, method=method, endpoint=endpoint)

    async def read(self, now_ms: int) -> Reading:
        """What was observed until now."""
        return Reading(self._latency.samples(now_ms))


def sources(settings: Settings) -> list[Source]:
    """A source for each router of the section `mikrotik`, and one for all of them."""
    host, mikrotik = settings.collector.host, settings.mikrotik
    if not mikrotik.routers:
        return []
    latency = LatencySource(host, mikrotik)
    return [*(MikrotikSource(host, mikrotik, one, latency) for one in mikrotik.routers), latency]
