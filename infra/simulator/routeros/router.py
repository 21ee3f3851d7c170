"""A simulated router: what it is, what happens to it, and what it would know at any time."""

from dataclasses import dataclass, field
from typing import NamedTuple

from infra.simulator.routeros.subscribers import (
    Habit,
    Presence,
    Service,
    Session,
    Subscriber,
    chance,
    presence,
    reconnects_after_ms,
)
from infra.simulator.routeros.traffic import Interface

PLANS = (("10M", 2_000_000, 10_000_000), ("20M", 5_000_000, 20_000_000), ("50M", 10_000_000, 50_000_000))
"""(profile, upload, download in bit/s)"""
HOTSPOT_PROFILES = ("1jam", "harian", "mingguan")
NETWATCH = (("8.8.8.8", "google-dns"), ("1.1.1.1", "cloudflare-dns"), ("10.255.0.1", "upstream"))


class Plan(NamedTuple):
    """What a router is like; all that it says follows from it."""

    name: str
    seed: str = "0"
    version: str = "7.16.2 (stable)"
    board: str = "CCR2004-1G-12S+2XS"
    architecture: str = "arm64"
    memory_bytes: int = 4 * 1024**3
    disk_bytes: int = 128 * 1024**2
    pppoe: int = 200
    """How many PPPoE subscribers it has; and hotspot users:"""
    hotspot: int = 40
    pppoe_servers: tuple[str, ...] = ("pppoe-utara", "pppoe-selatan")
    hotspot_servers: tuple[str, ...] = ("hs-kota",)
    password: str = "rahasia"  # noqa: S105  # of a router that does not exist
    username: str = "pantau"
    challenge_login: bool = False
    """Logs in as RouterOS before 6.43 did: by challenge and response."""

    @property
    def flat_health(self) -> bool:
        """Whether `/system/health` is one row, as in version 6."""
        return self.version.startswith("6")


@dataclass
class Router:
    """A plan, and what happened to the router since it was switched on."""

    plan: Plan
    booted_ms: int
    password: str = ""
    interfaces: list[Interface] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)
    """Hosts that its netwatch doesn't reach."""
    cut_off: set[str] = field(default_factory=set)
    """Subscribers that may not come in: their bills are unpaid."""
    broken: set[str] = field(default_factory=set)
    """Parts that have failed: psu1, psu2."""
    unclean: bool = False
    """Whether it was without power, or crashed, before it last started."""

    def __post_init__(self) -> None:
        self.password = self.password or self.plan.password
        self.subscribers = _subscribers(self.plan)
        self.interfaces = self.interfaces or _interfaces(self.plan)
        self._thrown_out_ms: dict[str, int] = {}
        self._sessions: tuple[int, list[Session]] | None = None
        # By their numbers among `subscribers`: it is asked for each second, and changes a few times a day.
        self._present: list[Presence] = [Presence(0, 0, None)] * len(self.subscribers)

    def sessions(self, at_ms: int, service: Service | None = None) -> list[Session]:
        """Who is online at `at_ms`."""
        if self._sessions is None or self._sessions[0] != at_ms:
            found = (self._session(number, at_ms) for number in range(len(self.subscribers)))
            self._sessions = at_ms, [session for session in found if session is not None]
        return [one for one in self._sessions[1] if service is None or one.subscriber.service == service]

    def busy(self, at_ms: int) -> float:
        """The share of its subscribers that are online."""
        return len(self.sessions(at_ms)) / max(1, len(self.subscribers))

    def cpu_percent(self, at_ms: int) -> int:
        """How busy its processors are."""
        return round(5 + 55 * self.busy(at_ms) + 10 * chance(self.plan.seed, self.plan.name, "cpu", at_ms // 60_000))

    def reboot(self, at_ms: int, *, unclean: bool = False) -> None:
        """It starts anew at `at_ms`: all counters begin at zero, and everybody has to come back."""
        self.booted_ms, self.unclean = at_ms, unclean
        for interface in self.interfaces:
            interface.reset()
        self._sessions = None

    def throw_out(self, names: set[str], at_ms: int) -> None:
        """End the sessions of `names`; their modems dial again."""
        self._thrown_out_ms |= dict.fromkeys(names, at_ms)
        self._sessions = None

    def cut(self, names: set[str]) -> None:
        """Let `names` in no more."""
        self.cut_off |= names
        self._sessions = None

    def interface(self, name: str) -> Interface:
        """The interface of that name. KeyError if there is none."""
        return {one.name: one for one in self.interfaces}[name]

    def _session(self, number: int, at_ms: int) -> Session | None:
        present = self._present[number]
        if not present.begin_ms <= at_ms < present.end_ms:
            present = self._present[number] = presence(self.subscribers[number], at_ms)
        since, subscriber = present.since_ms, self.subscribers[number]
        if since is None or subscriber.name in self.cut_off:
            return None
        ended = max(self.booted_ms, self._thrown_out_ms.get(subscriber.name, 0))
        if since < ended:
            since = ended + reconnects_after_ms(subscriber)
        return Session(subscriber, since) if since <= at_ms else None


def _subscribers(plan: Plan) -> list[Subscriber]:
    found = []
    for number in range(plan.pppoe):
        name = f"{plan.name}-p{number:04d}"
        profile = PLANS[int(len(PLANS) * chance(plan.seed, name, "profile"))][0]
        habit: Habit = "home" if chance(plan.seed, name, "habit") < 0.75 else "evening"
        server = plan.pppoe_servers[number % len(plan.pppoe_servers)]
        found.append(Subscriber(plan.seed, name, number, "pppoe", server, profile, habit))
    for number in range(plan.hotspot):
        name = f"{plan.name}-h{number:04d}"
        profile = HOTSPOT_PROFILES[int(len(HOTSPOT_PROFILES) * chance(plan.seed, name, "profile"))]
        server = plan.hotspot_servers[number % len(plan.hotspot_servers)]
        found.append(Subscriber(plan.seed, name, number, "hotspot", server, profile, "visitor"))
    return found


def _interfaces(plan: Plan) -> list[Interface]:
    share = 1 / max(1, len(plan.pppoe_servers))
    return [
        Interface("ether1-uplink", "ether", 60e6, 12e6),
        Interface("ether2-lan", "ether", 12e6, 60e6),
        Interface("ether3-radio", "ether", 1e6, 3e6, errors_per_minute=1.5),
        Interface("bridge-hotspot", "bridge", 2e6, 6e6),
        *(
            Interface(f"vlan{100 + number}", "vlan", 9e6 * share, 50e6 * share)
            for number in range(len(plan.pppoe_servers))
        ),
    ]
