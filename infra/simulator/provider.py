"""The simulated internet provider: its sites, routers and customers. All of it follows from a seed."""

from typing import NamedTuple

from infra.simulator.routeros.router import Plan

SITES = ("kota", "utara", "timur", "selatan", "barat", "pesisir", "lembah", "bukit")
ROUTERS_EACH = 3
VERSIONS = ("7.16.2 (stable)", "6.49.17 (long-term)", "7.15.3 (stable)")
BOARDS = (("CCR2004-1G-12S+2XS", "arm64"), ("CCR1036-8G-2S+", "tile"), ("RB5009UG+S+", "arm64"))


class Site(NamedTuple):
    """A place with one power supply, and the routers that stand there."""

    name: str
    routers: tuple[str, ...]


class Provider(NamedTuple):
    """What there is to watch."""

    seed: str
    sites: tuple[Site, ...]
    plans: tuple[Plan, ...]

    @property
    def routers(self) -> tuple[str, ...]:
        """The names of all routers, site by site."""
        return tuple(plan.name for plan in self.plans)

    def plan(self, router: str) -> Plan:
        """What that router is like. KeyError if there is none."""
        return {plan.name: plan for plan in self.plans}[router]

    def site_of(self, router: str) -> str:
        """Where it stands. KeyError if there is none of that name."""
        return {name: site.name for site in self.sites for name in site.routers}[router]


def provider(routers: int, seed: str, pppoe: int = 200, hotspot: int = 40) -> Provider:
    """A provider with so many routers, three at a site; each has so many PPPoE subscribers and hotspot users."""
    names = [f"{_site(number // ROUTERS_EACH)}-{number % ROUTERS_EACH + 1}" for number in range(routers)]
    plans = []
    for number, name in enumerate(names):
        board, architecture = BOARDS[number % len(BOARDS)]
        version = VERSIONS[number % len(VERSIONS)]
        plans.append(Plan(name, seed, version, board, architecture, pppoe=pppoe, hotspot=hotspot))
    sites = [
        Site(_site(first // ROUTERS_EACH), tuple(names[first : first + ROUTERS_EACH]))
        for first in range(0, routers, ROUTERS_EACH)
    ]
    return Provider(seed, tuple(sites), tuple(plans))


def _site(number: int) -> str:
    return SITES[number] if number < len(SITES) else f"site{number + 1}"
