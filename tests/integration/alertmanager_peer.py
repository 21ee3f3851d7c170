"""A real Alertmanager (Debian's `prometheus-alertmanager`), and what its API v2 takes."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from infra.local import ports
from shared.messages.message import instant_to_text
from tests.conftest import eventually
from tests.integration.programs import page

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
AMTOOL = shutil.which("amtool")
needs_alertmanager = pytest.mark.skipif(
    ALERTMANAGER is None or AMTOOL is None,
    reason="no Alertmanager here: Debian's package prometheus-alertmanager has it",
)


@dataclass(frozen=True)
class PeerAlert:
    """An alert as it is posted: it ends in the future, or is over."""

    labels: Mapping[str, str]
    starts_ms: int
    ends_ms: int


class Peer:
    """Its API v2."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.url, self._session = f"http://127.0.0.1:{port}", session

    async def post_alerts(self, alerts: Iterable[PeerAlert]) -> None:
        """As Prometheus does."""
        body = [
            {
                "labels": dict(one.labels),
                "startsAt": instant_to_text(one.starts_ms),
                "endsAt": instant_to_text(one.ends_ms),
            }
            for one in alerts
        ]
        await self._post("alerts", body)

    async def post_silence(self, matchers: Iterable[Mapping[str, str]], starts_ms: int, ends_ms: int) -> None:
        """As amtool does."""
        body = {
            "matchers": [_matcher(one) for one in matchers],
            "startsAt": instant_to_text(starts_ms),
            "endsAt": instant_to_text(ends_ms),
            "createdBy": "test",
            "comment": "test",
        }
        await self._post("silences", body)

    async def _post(self, what: str, body: Any) -> None:
        async with self._session.post(f"{self.url}/api/v2/{what}", json=body) as response:
            assert response.status == 200, await response.text()


@asynccontextmanager
async def alertmanager(configuration: Mapping[str, Any], directory: Path) -> AsyncIterator[Peer]:
    """It runs by this configuration for as long as the block lasts."""
    assert ALERTMANAGER is not None
    file, log = directory / "alertmanager.yml", directory / "alertmanager.log"
    file.write_text(yaml.safe_dump(dict(configuration), allow_unicode=True))
    (port,) = ports.free()
    options = (
        f"--config.file={file}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    with _process([ALERTMANAGER, *options], log) as process:

        async def is_ready() -> bool:
            assert process.poll() is None, log.read_text()
            return (await page(f"http://127.0.0.1:{port}/-/ready"))[0] == 200

        await eventually(is_ready)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            yield Peer(port, session)


def accepts(configuration: str, directory: Path) -> tuple[bool, str]:
    """Whether `amtool check-config` takes the text, and what it says."""
    assert AMTOOL is not None
    file = directory / "checked.yml"
    file.write_text(configuration)
    done = subprocess.run([AMTOOL, "check-config", str(file)], capture_output=True, text=True, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _matcher(one: Mapping[str, str]) -> dict[str, Any]:
    operator = one.get("operator", "=")
    return {
        "name": one["name"],
        "value": one["value"],
        "isRegex": operator in ("=~", "!~"),
        "isEqual": operator in ("=", "=~"),
    }
