"""Where targets are: named in the settings, in files, in the DNS. What can't be read leaves them as they were."""

import asyncio
import glob
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver
import structlog
import yaml
from prometheus_client import Counter
from pydantic import TypeAdapter, ValidationError

from services.collector.core.scrape.targets import META, Group
from services.collector.scraping.discovery_settings import (
    DnsDiscoverySettings,
    FileDiscoverySettings,
    StaticSettings,
)
from shared.blocking import BlockingCalls

log = structlog.get_logger()

FAILURES = Counter(
    "pantau_scrape_discovery_failures_total", "Attempts to find targets that failed", ["job", "mechanism"]
)

LOOK_SECONDS = 5.0
FILE_SECONDS = 10.0
DNS_SECONDS = 10.0
MOST_FILE_BYTES = 16 * 1024 * 1024
MOST_FILES = 1_000

Found = Callable[[str, Sequence[Group]], None]
"""Told what was found under a name of the provider's own; that replaces what was found under it before."""


class Provider(Protocol):
    """Something that finds targets."""

    async def run(self, found: Found) -> None:
        """Tell `found` of targets, now and whenever they change; without end."""
        ...


def group(settings: StaticSettings, **more: str) -> Group:
    """The group that settings or a file name."""
    return Group(tuple(settings.targets), tuple((settings.labels | more).items()))


class Files:
    """Reads files when they change: looks at their times every few seconds."""

    def __init__(self, job: str, settings: FileDiscoverySettings) -> None:
        self._job, self._patterns = job, settings.files
        self._calls = BlockingCalls()
        self._seen: dict[str, tuple[int, int, int]] = {}

    async def run(self, found: Found) -> None:
        """See Provider."""
        while True:
            try:
                changed, gone = await self._calls.call("target files", self._changes, FILE_SECONDS)
            except Exception as error:  # noqa: BLE001  # a file system that hangs or fails is tried again
                FAILURES.labels(self._job, "file").inc()
                log.warning("target files can't be looked at", job=self._job, error=repr(error))
            else:
                for name in gone:
                    found(name, [])
                for name, outcome in changed.items():
                    if isinstance(outcome, str):
                        FAILURES.labels(self._job, "file").inc()
                        log.warning("target file can't be used", job=self._job, file=name, error=outcome)
                    else:
                        found(name, outcome)
            await asyncio.sleep(LOOK_SECONDS)

    def _changes(self) -> tuple[dict[str, list[Group] | str], list[str]]:
        """(what is in the files that changed, or why it can't be read; files that are gone)"""
        names = sorted({name for pattern in self._patterns for name in glob.glob(pattern)})[:MOST_FILES]
        changed: dict[str, list[Group] | str] = {}
        seen: dict[str, tuple[int, int, int]] = {}
        for name in names:
            try:
                state = Path(name).stat()
            except FileNotFoundError:
                continue
            seen[name] = (state.st_mtime_ns, state.st_size, state.st_ino)
            if self._seen.get(name) != seen[name]:
                changed[name] = read_file(Path(name))
        gone = [name for name in self._seen if name not in seen]
        self._seen = seen
        return changed, gone


_GROUPS = TypeAdapter(list[StaticSettings])


def read_file(path: Path) -> list[Group] | str:
    """The groups in a file, or why it is no good."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_FILE_BYTES + 1)
        if len(raw) > MOST_FILE_BYTES:
            return f"longer than {MOST_FILE_BYTES} bytes"
        content: Any = json.loads(raw) if path.suffix == ".json" else yaml.safe_load(raw)
        groups = _GROUPS.validate_python(content if content is not None else [])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (OSError, ValueError, yaml.YAMLError) as error:
        return str(error)
    return [group(one, **{f"{META}filepath": str(path)}) for one in groups]


class Names:
    """Asks the DNS, again and again."""

    def __init__(
        self, job: str, settings: DnsDiscoverySettings, resolver: dns.asyncresolver.Resolver | None = None
    ) -> None:
        self._job, self._settings, self._resolver = job, settings, resolver

    async def run(self, found: Found) -> None:
        """See Provider."""
        failed: set[str] = set()
        while True:
            for name in self._settings.names:
                try:
                    groups = await self._ask(name)
                except (dns.exception.DNSException, OSError) as error:
                    FAILURES.labels(self._job, "dns").inc()
                    if name not in failed:  # once, not at every attempt
                        log.warning("targets can't be looked up", job=self._job, name=name, error=str(error))
                    failed.add(name)
                else:
                    failed.discard(name)
                    found(name, groups)
            await asyncio.sleep(self._settings.refresh_interval / 1000)

    async def _ask(self, name: str) -> list[Group]:
        # Made here: it reads /etc/resolv.conf, which may have changed or be missing.
        resolver = self._resolver or dns.asyncresolver.Resolver()
        try:
            answer = await resolver.resolve(name, self._settings.type, lifetime=DNS_SECONDS, search=True)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []  # it says that there are none
        groups = []
        for record in answer:
            labels = {f"{META}dns_name": name}
            if self._settings.type == "SRV":
                host = record.target.to_text().rstrip(".")
                labels |= {f"{META}dns_srv_record_target": f"{host}.", f"{META}dns_srv_record_port": str(record.port)}
                address = f"{host}:{record.port}"
            else:
                shown = f"[{record.address}]" if self._settings.type == "AAAA" else record.address
                address = f"{shown}:{self._settings.port}"
            groups.append(Group((address,), tuple(labels.items())))
        return groups
