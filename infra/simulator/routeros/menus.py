"""What each menu of a router holds at a time: rows of properties, as the API shows them."""

from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import IPv4Address

from infra.simulator.routeros.router import HOTSPOT_PROFILES, NETWATCH, PLANS, Router
from infra.simulator.routeros.subscribers import Session, Subscriber, chance

Row = dict[str, str]

PPPOE_POOL, HOTSPOT_POOL = "pppoe-pool", "hotspot-pool"
FIRST_ADDRESS = {"pppoe": IPv4Address("100.64.0.2"), "hotspot": IPv4Address("10.5.0.2")}
# Pools are a little larger than they need to be.
RESERVE = 1.1
CONNECTIONS_EACH = 40
MOST_CONNECTIONS = 262_144
HEAVY_SHARE = 0.05
MEGABYTE = 1024**2


def rows(router: Router, menu: str, at_ms: int) -> list[Row] | None:
    """The items of `menu` (`/interface`, ...) at `at_ms`, in their order; None if the router has no such menu."""
    make = MENUS.get(menu)
    if make is None:
        return None
    found = list(make(router, at_ms))
    if menu not in SINGLE and not (menu == "/system/health" and router.plan.flat_health):
        for number, row in enumerate(found, 1):
            row.setdefault(".id", f"*{number:X}")
    return found


def duration(seconds: int) -> str:
    """A time span as RouterOS writes it: `1w2d3h4m5s`, what is zero left out."""
    text = ""
    for unit, size in (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)):
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text + (f"{seconds}s" if seconds or not text else "")


def pool_size(router: Router, pool: str) -> int:
    """How many addresses the pool has."""
    return max(1, round(RESERVE * (router.plan.pppoe if pool == PPPOE_POOL else router.plan.hotspot)))


def connections(router: Router, at_ms: int) -> int:
    """How many connections its firewall tracks."""
    return CONNECTIONS_EACH * len(router.sessions(at_ms)) + 17


def health(router: Router, at_ms: int) -> list[tuple[str, str, str]]:
    """(sensor, value, unit as in version 7) of what the board measures."""
    plan, minute = router.plan, at_ms // 60_000
    warmth = 38 + 20 * router.busy(at_ms)
    return [
        ("cpu-temperature", str(round(warmth + 4 * chance(plan.seed, plan.name, "warm", minute))), "C"),
        ("board-temperature1", str(round(warmth - 6)), "C"),
        ("voltage", f"{23.8 + 0.5 * chance(plan.seed, plan.name, 'volt', minute):.1f}", "V"),
        ("fan1-speed", str(3000 + round(1500 * router.busy(at_ms))), "RPM"),
        ("power-consumption", f"{21 + 9 * router.busy(at_ms):.1f}", "W"),
        ("psu1-state", "fail" if "psu1" in router.broken else "ok", ""),
        ("psu2-state", "fail" if "psu2" in router.broken else "ok", ""),
    ]


def queue_rate(subscriber: Subscriber, upload: int, download: int, at_ms: int) -> tuple[int, int]:
    """(upload, download) in bit/s that the subscriber uses: a few use all that they may."""
    seed, name = subscriber.seed, subscriber.name
    share = 0.97 if _uses_all(subscriber) else 0.7 * chance(seed, name, "rate", at_ms // 60_000) ** 3
    return round(upload * share / 4), round(download * share)


@cache
def _uses_all(subscriber: Subscriber) -> bool:
    return chance(subscriber.seed, subscriber.name, "heavy") < HEAVY_SHARE


def _resource(router: Router, at_ms: int) -> Iterator[Row]:
    plan = router.plan
    taken = round(0.3 * plan.memory_bytes) + 60_000 * len(router.sessions(at_ms))
    yield {
        "uptime": duration(max(0, at_ms - router.booted_ms) // 1000),
        "version": plan.version,
        "free-memory": str(max(8 * MEGABYTE, plan.memory_bytes - taken)),
        "total-memory": str(plan.memory_bytes),
        "cpu": plan.architecture.upper(),
        "cpu-count": "4",
        "cpu-load": str(router.cpu_percent(at_ms)),
        "free-hdd-space": str(round(0.6 * plan.disk_bytes)),
        "total-hdd-space": str(plan.disk_bytes),
        "architecture-name": plan.architecture,
        "board-name": plan.board,
        "platform": "MikroTik",
    }


def _health(router: Router, at_ms: int) -> Iterator[Row]:
    sensors = health(router, at_ms)
    if router.plan.flat_health:
        yield {name: value for name, value, _ in sensors}
    else:
        yield from ({"name": name, "value": value, "type": unit} for name, value, unit in sensors)


def _interface(router: Router, at_ms: int) -> Iterator[Row]:
    for one in router.interfaces:
        yield {
            "name": one.name,
            "type": one.type,
            "mtu": "1500",
            "running": _flag(one.down_since_ms is None),
            "disabled": "false",
            "dynamic": "false",
            **{name: str(count) for name, count in one.counters(router.booted_ms, at_ms).items()},
        }
    for session in router.sessions(at_ms, "pppoe"):
        yield {
            ".id": f"*{0xF00000 + session.subscriber.number:X}",
            "name": f"<pppoe-{session.subscriber.name}>",
            "type": "pppoe-in",
            "mtu": "1480",
            "running": "true",
            "disabled": "false",
            "dynamic": "true",
        }


def _ppp_active(router: Router, at_ms: int) -> Iterator[Row]:
    for session in router.sessions(at_ms, "pppoe"):
        yield {
            ".id": f"*{0x80000000 + session.subscriber.number:X}",
            "name": session.subscriber.name,
            "service": "pppoe",
            "caller-id": _mac(session.subscriber),
            "address": _address(session.subscriber),
            "uptime": _uptime(session, at_ms),
            "encoding": "",
        }


def _pppoe_sessions(router: Router, at_ms: int) -> Iterator[Row]:
    for session in router.sessions(at_ms, "pppoe"):
        yield {
            ".id": f"*{0xF00000 + session.subscriber.number:X}",
            "name": f"<pppoe-{session.subscriber.name}>",
            "user": session.subscriber.name,
            "service": session.subscriber.server,
            "remote-address": _mac(session.subscriber),
            "uptime": _uptime(session, at_ms),
        }


def _pppoe_servers(router: Router, at_ms: int) -> Iterator[Row]:
    for number, name in enumerate(router.plan.pppoe_servers):
        yield {"service-name": name, "interface": f"vlan{100 + number}", "default-profile": "10M", "disabled": "false"}


def _secrets(router: Router, at_ms: int) -> Iterator[Row]:
    for one in router.subscribers:
        if one.service == "pppoe":
            disabled = _flag(one.name in router.cut_off)
            yield {"name": one.name, "service": "pppoe", "profile": one.profile, "disabled": disabled}


def _hotspots(router: Router, at_ms: int) -> Iterator[Row]:
    for name in router.plan.hotspot_servers:
        yield {"name": name, "interface": "bridge-hotspot", "profile": "hsprof1", "disabled": "false"}


def _hotspot_active(router: Router, at_ms: int) -> Iterator[Row]:
    for session in router.sessions(at_ms, "hotspot"):
        yield {
            ".id": f"*{0xA050000 + session.subscriber.number:X}",
            "server": session.subscriber.server,
            "user": session.subscriber.name,
            "address": _address(session.subscriber),
            "mac-address": _mac(session.subscriber),
            "uptime": _uptime(session, at_ms),
        }


def _hotspot_users(router: Router, at_ms: int) -> Iterator[Row]:
    for one in router.subscribers:
        if one.service == "hotspot":
            yield {"name": one.name, "profile": one.profile, "disabled": _flag(one.name in router.cut_off)}


def _queues(router: Router, at_ms: int) -> Iterator[Row]:
    limits = {profile: (upload, download) for profile, upload, download in PLANS}
    for session in router.sessions(at_ms, "pppoe"):
        one = session.subscriber
        upload, download = limits[one.profile]
        up, down = queue_rate(one, upload, download, at_ms)
        yield {
            ".id": f"*{0xF00000 + one.number:X}",
            "name": f"<pppoe-{one.name}>",
            "target": f"<pppoe-{one.name}>",
            "max-limit": f"{upload}/{download}",
            "rate": f"{up}/{down}",
            "dynamic": "true",
            "disabled": "false",
        }
    yield {"name": "guests", "target": "10.5.0.0/16", "max-limit": "0/0", "rate": "1000/5000", "disabled": "false"}


def _netwatch(router: Router, at_ms: int) -> Iterator[Row]:
    for host, comment in NETWATCH:
        status = "down" if host in router.unreachable else "up"
        yield {"host": host, "interval": "10s", "status": status, "comment": comment, "disabled": "false"}


def _dhcp_servers(router: Router, at_ms: int) -> Iterator[Row]:
    for number, name in enumerate(router.plan.hotspot_servers):
        yield {"name": f"dhcp-{name}", "interface": f"bridge-hotspot{number or ''}", "address-pool": HOTSPOT_POOL}


def _leases(router: Router, at_ms: int) -> Iterator[Row]:
    online = {session.subscriber.name for session in router.sessions(at_ms, "hotspot")}
    for one in router.subscribers:
        if one.service == "hotspot":
            yield {
                "address": _address(one),
                "mac-address": _mac(one),
                "server": f"dhcp-{one.server}",
                "status": "bound" if one.name in online else "waiting",
                "dynamic": "false",
                "disabled": "false",
            }


def _pools(router: Router, at_ms: int) -> Iterator[Row]:
    for pool, service in ((PPPOE_POOL, "pppoe"), (HOTSPOT_POOL, "hotspot")):
        first = FIRST_ADDRESS[service]
        yield {"name": pool, "ranges": f"{first}-{first + pool_size(router, pool) - 1}"}


def _pool_used(router: Router, at_ms: int) -> Iterator[Row]:
    for session in router.sessions(at_ms):
        one = session.subscriber
        pool = PPPOE_POOL if one.service == "pppoe" else HOTSPOT_POOL
        yield {"pool": pool, "address": _address(one), "owner": one.service.upper(), "info": one.name}


def _connections(router: Router, at_ms: int) -> Iterator[Row]:
    for number in range(connections(router, at_ms)):
        yield {"protocol": "tcp" if number % 4 else "udp", "src-address": f"100.64.0.{number % 250}:{1024 + number}"}


def _tracking(router: Router, at_ms: int) -> Iterator[Row]:
    yield {
        "enabled": "auto",
        "active": "true",
        "max-entries": str(MOST_CONNECTIONS),
        "total-entries": str(connections(router, at_ms)),
    }


def _ppp_profiles(router: Router, at_ms: int) -> Iterator[Row]:
    yield from ({"name": name, "rate-limit": f"{upload}/{download}"} for name, upload, download in PLANS)


def _hotspot_profiles(router: Router, at_ms: int) -> Iterator[Row]:
    yield from ({"name": name} for name in HOTSPOT_PROFILES)


def _identity(router: Router, at_ms: int) -> Iterator[Row]:
    yield {"name": router.plan.name}


def _log(router: Router, at_ms: int) -> Iterator[Row]:
    if router.unclean:
        message = "router was rebooted without proper shutdown, probably power outage"
        yield {"time": "00:00:11", "topics": "system,error,critical", "message": message}
    else:
        yield {"time": "00:00:09", "topics": "system,info", "message": "router rebooted by admin"}
    yield {"time": "00:02:40", "topics": "system,info,account", "message": f"user {router.plan.username} logged in"}


MENUS: dict[str, Callable[[Router, int], Iterator[Row]]] = {
    "/system/identity": _identity,
    "/system/resource": _resource,
    "/system/health": _health,
    "/interface": _interface,
    "/interface/pppoe-server": _pppoe_sessions,
    "/interface/pppoe-server/server": _pppoe_servers,
    "/ppp/active": _ppp_active,
    "/ppp/secret": _secrets,
    "/ppp/profile": _ppp_profiles,
    "/ip/hotspot": _hotspots,
    "/ip/hotspot/active": _hotspot_active,
    "/ip/hotspot/user": _hotspot_users,
    "/ip/hotspot/user/profile": _hotspot_profiles,
    "/ip/dhcp-server": _dhcp_servers,
    "/ip/dhcp-server/lease": _leases,
    "/ip/pool": _pools,
    "/ip/pool/used": _pool_used,
    "/ip/firewall/connection": _connections,
    "/ip/firewall/connection/tracking": _tracking,
    "/queue/simple": _queues,
    "/tool/netwatch": _netwatch,
    "/log": _log,
}
SINGLE = frozenset({"/system/identity", "/system/resource", "/ip/firewall/connection/tracking"})
"""Menus that hold settings rather than items: no `.id`."""


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _uptime(session: Session, at_ms: int) -> str:
    return duration((at_ms - session.since_ms) // 1000)


# What belongs to a subscriber for good is asked for at each look at a menu.
@cache
def _address(subscriber: Subscriber) -> str:
    return str(FIRST_ADDRESS[subscriber.service] + subscriber.number)


@cache
def _mac(subscriber: Subscriber) -> str:
    digits = f"{int(chance(subscriber.seed, subscriber.name, 'mac') * (1 << 40)):010X}"
    return "D4:" + ":".join(digits[at : at + 2] for at in range(0, 10, 2))
