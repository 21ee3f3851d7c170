"""The collector's own sources, read at the world's time instead of ours: what would have been collected.

Services are known by their module names only, as everywhere in `infra`.
"""

import asyncio
import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from infra.local.settings import settings_class
from shared.messages.samples import Sample
from shared.settings import CommonSettings, load

HOST = "simulator"
SOURCES, SCHEDULER = "services.collector.sources", "services.collector.scheduler"


class Read(NamedTuple):
    """One reading of one source."""

    origin: str
    """The `source` of its batch."""
    samples: list[Sample]


def settings_of(service: str, sections: Mapping[str, Any]) -> CommonSettings:
    """What `service` reads from a `pantau.yaml` with these sections."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "pantau.yaml"
        file.write_text(yaml.safe_dump(dict(sections)))
        return load(settings_class(service), {}, file)


class Watcher:
    """Reads each source when its interval is over. `section` is the `pantau.yaml` that says what there is to read."""

    def __init__(self, section: Mapping[str, Any], host: str = HOST) -> None:
        everything = dict(section)
        # This machine and our own database are no part of the simulated provider.
        everything["collector"] = {"host": host, "system": {"enabled": False}}
        everything["postgres"] = {"own": False}
        self._sources: list[Any] = importlib.import_module(SOURCES).all_sources(settings_of("collector", everything))
        self._up = importlib.import_module(SCHEDULER).UP
        self._read_ms: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        """The names of the sources."""
        return [source.name for source in self._sources]

    async def read(self, now_ms: int) -> list[Read]:
        """What is due at `now_ms`, all of it at once; a source that fails tells that it is down."""
        due = [source for source in self._sources if self._is_due(source, now_ms)]
        return list(await asyncio.gather(*(self._one(source, now_ms) for source in due)))

    def _is_due(self, source: Any, now_ms: int) -> bool:
        before = self._read_ms.get(source.name)
        if before is not None and now_ms - before < source.interval_seconds * 1000:
            return False
        self._read_ms[source.name] = now_ms
        return True

    async def _one(self, source: Any, now_ms: int) -> Read:
        samples: list[Sample] = []
        try:
            async with asyncio.timeout(source.deadline_seconds):
                reading = await source.read(now_ms)
            samples += reading.samples
            up = not reading.failure
        except Exception:  # noqa: BLE001  # whatever a source raises is its failure: it is told as down
            up = False
        samples.append(self._up.sample(now_ms, up, host=source.host, source=source.name))
        return Read(source.origin, samples)
