"""Rows of a router's menus -> samples. ValueError or KeyError where a row holds what it can't."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from services.collector.core.mikrotik import metrics as m
from services.collector.core.mikrotik.values import addresses, flag, number, seconds, two_rates
from shared.messages.samples import Sample
from shared.metrics import Metric

Row = Mapping[str, str]

# What is asked for of each menu.
RESOURCE = (
    "uptime,version,cpu-load,free-memory,total-memory,free-hdd-space,total-hdd-space,architecture-name,board-name"
)
INTERFACE = "name,disabled,running,rx-byte,tx-byte,rx-error,tx-error,rx-drop,tx-drop,link-downs"
QUEUE = "name,rate,max-limit,dynamic"
# Where the log tells how the router came up: RouterOS' own words, also `..., probably power outage`.
BOOT_TOPICS = ("system,error,critical", "system,info")
_UNCLEAN = ("rebooted without proper shutdown", "rebooted because of kernel failure", "kernel failure in previous boot")
NETWATCH = "host,status,name,comment"

# By the sensors' names, for version 6 tells no units; the first that is part of the name counts.
_KINDS = (
    ("temperature", m.TEMPERATURE),
    ("voltage", m.VOLTAGE),
    ("fan", m.FAN),
    ("power", m.POWER),
    ("current", m.CURRENT),
)
_UNITS = {"C": m.TEMPERATURE, "V": m.VOLTAGE, "RPM": m.FAN, "W": m.POWER, "A": m.CURRENT}
# The sensors that version 6 is known to have, in its one row.
FLAT_SENSORS = (
    *("temperature", "cpu-temperature", "board-temperature", "board-temperature1", "board-temperature2"),
    *("sfp-temperature", "voltage", "current", "power-consumption", "psu-voltage", "psu1-voltage", "psu2-voltage"),
    *("psu1-current", "psu2-current", "psu1-state", "psu2-state"),
    *("fan1-speed", "fan2-speed", "fan3-speed", "fan4-speed"),
)
NAMED = "name,value,type"


def resource(router: str, site: str, time_ms: int, row: Row) -> list[Sample]:
    """`/system/resource`: processor, memory, storage, uptime, and what the router is."""
    return [
        m.INFO.sample(
            time_ms,
            1,
            router=router,
            site=site,
            version=row["version"],
            board=row.get("board-name", ""),
            architecture=row.get("architecture-name", ""),
        ),
        m.CPU.sample(time_ms, number(row["cpu-load"]), router=router),
        m.UPTIME.sample(time_ms, seconds(row["uptime"]), router=router),
        *_space(router, time_ms, row, "memory", (m.MEMORY, m.MEMORY_USED, m.MEMORY_TOTAL)),
        *_space(router, time_ms, row, "hdd-space", (m.STORAGE, m.STORAGE_USED, m.STORAGE_TOTAL)),
    ]


def _space(router: str, time_ms: int, row: Row, of: str, said_by: tuple[Metric, Metric, Metric]) -> list[Sample]:
    free, total = number(row[f"free-{of}"]), number(row[f"total-{of}"])
    percent, used, size = said_by
    return [
        *([percent.sample(time_ms, 100 * (total - free) / total, router=router)] if total else []),
        used.sample(time_ms, total - free, router=router),
        size.sample(time_ms, total, router=router),
    ]


def health(router: str, time_ms: int, rows: Sequence[Row]) -> list[Sample]:
    """`/system/health`, in version 7's rows of name, value and type, or version 6's one row of sensors."""
    sensors: list[tuple[str, str, str]] = []
    for row in rows:
        if "name" in row and "value" in row:
            sensors.append((row["name"], row["value"], row.get("type", "")))
        else:
            sensors += [(name, value, "") for name, value in row.items() if not name.startswith(".") and value]
    samples = []
    for name, value, unit in sensors:
        if name.endswith("-state"):
            samples.append(m.STATE.sample(time_ms, value == "ok", router=router, sensor=name))
        elif metric := _UNITS.get(unit) or next((metric for part, metric in _KINDS if part in name), None):
            samples.append(metric.sample(time_ms, number(value), router=router, sensor=name))
    return samples


def connections(router: str, time_ms: int, row: Row) -> list[Sample]:
    """`/ip/firewall/connection/tracking`."""
    samples = [m.CONNECTIONS.sample(time_ms, number(row["total-entries"]), router=router)]
    if "max-entries" in row:
        samples.append(m.CONNECTIONS_MOST.sample(time_ms, number(row["max-entries"]), router=router))
    return samples


def queues(router: str, time_ms: int, rows: Iterable[Row], near_percent: float, top: int) -> list[Sample]:
    """`/queue/simple`: how many are near their limit, and the use of the `top` fullest of them.

    Queues made by hand, which many share, come first: some subscriber uses all of their own at any time."""
    near: list[tuple[bool, float, str]] = []
    for row in rows:
        pairs = zip(two_rates(row["rate"]), two_rates(row["max-limit"]), strict=True)
        # A limit of zero is none.
        percent = max((100 * rate / limit for rate, limit in pairs if limit), default=0.0)
        if percent >= near_percent:
            near.append((flag(row.get("dynamic", "false")), -percent, row["name"]))
    told = sorted(near)[:top]
    return [
        m.QUEUES_NEAR.sample(time_ms, len(near), router=router),
        *(
            m.QUEUE.sample(time_ms, -percent, router=router, queue=name, dynamic=str(dynamic).lower())
            for dynamic, percent, name in told
        ),
    ]


def netwatch(router: str, time_ms: int, rows: Iterable[Row]) -> list[Sample]:
    """`/tool/netwatch`: what the router reaches. One that has not been tried yet says nothing."""
    return [
        m.NETWATCH.sample(
            time_ms,
            row["status"] in ("up", "ok"),
            router=router,
            host=row["host"],
            name=row.get("name") or row.get("comment", ""),
        )
        for row in rows
        if row.get("status") in ("up", "ok", "down", "fail")
    ]


def served(rows: Iterable[Row], name: str) -> dict[str, str]:
    """The interfaces that each PPPoE server or hotspot serves, by the property `name`. Of several servers of one name
    a session doesn't tell which it is at: they are one, with all their interfaces."""
    interfaces: dict[str, set[str]] = {}
    for row in rows:
        if not flag(row.get("disabled", "false")):
            interfaces.setdefault(row.get(name, ""), set()).add(row.get("interface", ""))
    return {server: ",".join(sorted(of)) for server, of in interfaces.items()}


def is_unclean(rows: Iterable[Row]) -> bool:
    """Whether the log says that the router was not shut down before it started."""
    return any(words in row.get("message", "") for row in rows for words in _UNCLEAN)


def pool(router: str, time_ms: int, name: str, ranges: str, used: int) -> list[Sample]:
    """One of `/ip/pool`, of which `used` addresses are taken."""
    size = addresses(ranges)
    return [
        m.POOL_USED.sample(time_ms, used, router=router, pool=name),
        m.POOL_SIZE.sample(time_ms, size, router=router, pool=name),
        m.POOL_USAGE.sample(time_ms, 100 * used / size, router=router, pool=name),
    ]


def leases(router: str, time_ms: int, server: str, total: int, bound: int) -> list[Sample]:
    """The leases of one DHCP server."""
    return [
        m.LEASES.sample(time_ms, count, router=router, server=server, status=status)
        for status, count in (("bound", bound), ("other", max(0, total - bound)))
    ]


def by_profile(
    router: str, time_ms: int, service: str, online: Iterable[str], profiles: Mapping[str, str]
) -> list[Sample]:
    """How many of the users `online` have which of the `profiles` (by user); a profile without any counts zero."""
    counts: Counter[str] = Counter(dict.fromkeys(profiles.values(), 0))
    counts.update(profiles.get(user, "unknown") for user in online)
    return [
        m.ACTIVE_BY_PROFILE.sample(time_ms, count, router=router, service=service, profile=profile)
        for profile, count in sorted(counts.items())
    ]
