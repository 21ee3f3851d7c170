"""From what discovery finds to targets: labels, relabelling, URL; after Prometheus' `PopulateLabels`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from services.collector.core.scrape.relabel import Relabelling
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery

ADDRESS, SCHEME, PATH = "__address__", "__scheme__", "__metrics_path__"
INTERVAL, TIMEOUT, PARAM, META = "__scrape_interval__", "__scrape_timeout__", "__param_", "__meta_"

_ADDRESS = re.compile(r"[^\s/?#@]+")


class BadTarget(ValueError):
    """What was found is no target; the text says which and why."""


@dataclass(frozen=True)
class Group:
    """Addresses that were found together."""

    targets: tuple[str, ...]
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Defaults:
    """What a job says of its targets; durations are PromQL texts."""

    job: str
    scheme: str
    path: str
    interval: str
    timeout: str
    params: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Target:
    """An endpoint to scrape. Two with the same URL and labels are one."""

    url: str
    labels: tuple[tuple[str, str], ...]
    """Those that its series get, sorted by name; `job` and `instance` among them."""
    interval_ms: int
    timeout_ms: int
    discovered: tuple[tuple[str, str], ...] = ()
    """Its labels before relabelling."""

    @property
    def identity(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What makes it the target that it is."""
        return self.url, self.labels


def discovered(group: Group, defaults: Defaults) -> list[dict[str, str]]:
    """The labels of each address of `group` before relabelling."""
    given = {
        "job": defaults.job,
        INTERVAL: defaults.interval,
        TIMEOUT: defaults.timeout,
        PATH: defaults.path,
        SCHEME: defaults.scheme,
        **{f"{PARAM}{name}": values[0] for name, values in defaults.params if values},
    }
    found = []
    for address in group.targets:
        own = {**dict(group.labels), ADDRESS: address}
        missing = {name: value for name, value in given.items() if not own.get(name) or name.startswith(PARAM)}
        found.append({**own, **missing})
    return found


def target(labels: Mapping[str, str], defaults: Defaults, relabelling: Relabelling) -> Target | None:
    """The target with these labels from discovery, None if relabelling drops it. BadTarget if it can't be scraped."""
    kept = relabelling.apply(labels)
    if kept is None:
        return None
    address, scheme = kept.get(ADDRESS, ""), kept.get(SCHEME, "")
    if not _ADDRESS.fullmatch(address):
        raise BadTarget(f"{address[:120]!r} is not of the form HOST[:PORT]")
    if scheme not in ("http", "https"):
        raise BadTarget(f"{address}: the scheme is {scheme[:40]!r}, not http or https")
    interval, timeout = (_duration(kept.get(name, ""), name, address) for name in (INTERVAL, TIMEOUT))
    if timeout > interval:
        raise BadTarget(f"{address}: the timeout is longer than the interval ({timeout} ms > {interval} ms)")
    public = {name: value for name, value in kept.items() if not name.startswith("__")}
    public.setdefault("instance", address)
    return Target(
        url=_url(scheme, address, kept, defaults.params),
        labels=tuple(sorted(public.items())),
        interval_ms=interval,
        timeout_ms=timeout,
        discovered=tuple(sorted(labels.items())),
    )


def offset_ms(one: Target, seed: str) -> int:
    """When in its interval a target is scraped: always the same, and spread evenly over many targets. `seed` tells
    collectors apart that scrape the same ones."""
    return stable_hash(f"{seed}\0{one.url}\0{one.labels}") % one.interval_ms


def stable_hash(text: str) -> int:
    """FNV-1a in 64 bits, as Prometheus uses it here: the same in every process."""
    value = 0xCBF29CE484222325
    for byte in text.encode(errors="surrogatepass"):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 32)


def _url(scheme: str, address: str, labels: Mapping[str, str], params: Sequence[tuple[str, tuple[str, ...]]]) -> str:
    values = {name: list(given) for name, given in params}
    for name, value in labels.items():
        if name.startswith(PARAM):
            values[name.removeprefix(PARAM)] = [value, *values.get(name.removeprefix(PARAM), [])[1:]]
    path = labels.get(PATH, "")
    query = urlencode(sorted(values.items()), doseq=True)
    slash = "" if path.startswith("/") else "/"
    return f"{scheme}://{address}{slash}{path}" + (f"{'&' if '?' in path else '?'}{query}" if query else "")


def _duration(text: str, name: str, address: str) -> int:
    try:
        found = parse_duration(text)
    except BadQuery as error:
        raise BadTarget(f"{address}: {name}: {error}") from error
    if not found:
        raise BadTarget(f"{address}: {name} is 0")
    return found
