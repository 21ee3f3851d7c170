"""One alerting worker as a process of its own: started, looked at, killed, started again."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from infra.local import ports
from infra.local.errors import last_lines
from infra.local.places import PROJECT

READY_SECONDS = 120.0
STOP_SECONDS = 60.0
_SAMPLE = re.compile(r"^([a-z_]+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class Worker:
    """`python -m services.alerting`; with `profile`, a report of where its time went lies there once it has stopped."""

    def __init__(self, bootstrap: str, log: Path, profile: Path | None = None) -> None:
        self._log, self._port = log, ports.free()[0]
        sampled = ["bench._sampled", str(profile)] if profile else []
        self._command = [sys.executable, "-m", *sampled, "services.alerting"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PANTAU_")}
        self._environment = kept | {
            "PANTAU_KAFKA__BOOTSTRAP": bootstrap,
            "PANTAU_ALERTING__ADMIN__PORT": str(self._port),
            "PANTAU_INSTANCE": "bench:1",
        }
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process().pid

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as out:
            self._running = subprocess.Popen(
                self._command, cwd=PROJECT, env=self._environment, stdout=out, stderr=out, start_new_session=True
            )

    def kill(self) -> None:
        """End it as a crash would."""
        process = self._process()
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Ask it to end, if it runs; after a minute, make it."""
        if self._running is None or self._running.poll() is not None:
            return
        self._running.terminate()
        try:
            self._running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    async def ready(self) -> None:
        """Wait until it says that it does its work. SystemExit with its log's end if it ends before."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await asyncio.to_thread(self._is_ready):  # noqa: ASYNC110  (it is another process)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise SystemExit(f"alerting is not ready after {READY_SECONDS:.0f} s:\n{last_lines(self._log)}") from None

    def resident_bytes(self) -> int:
        """Its memory in RAM."""
        return int(psutil.Process(self._process().pid).memory_info().rss)

    def cpu_seconds(self) -> float:
        """What it has used of the processors since it was started."""
        times = psutil.Process(self._process().pid).cpu_times()
        return float(times.user + times.system)

    async def metrics(self) -> dict[str, float]:
        """Its metrics by name, summed over their labels; none while it doesn't answer."""
        text = await asyncio.to_thread(self._get, "metrics")
        found: dict[str, float] = {}
        for name, value in _SAMPLE.findall(text or ""):
            found[name] = found.get(name, 0.0) + float(value)
        return found

    def warnings(self) -> list[str]:
        """What it complained of, so far."""
        text = self._log.read_text(errors="replace")
        return [line for line in text.splitlines() if re.search(r"\[(warning|error|critical)", line)]

    def _process(self) -> subprocess.Popen[bytes]:
        if self._running is None or self._running.poll() is not None:
            raise SystemExit(f"alerting does not run:\n{last_lines(self._log, 40)}")
        return self._running

    def _is_ready(self) -> bool:
        self._process()
        return self._get("health/ready") is not None

    def _get(self, page: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/{page}", timeout=5) as answer:
                return str(answer.read().decode())
        except (OSError, urllib.error.HTTPError):
            return None


class Shares:
    """What part of one processor processes use between two moments."""

    def __init__(self, **processes: psutil.Process) -> None:
        self._processes = {"generator": psutil.Process(), **processes}
        self._begun, self._used = time.perf_counter(), self._now()

    def so_far(self) -> dict[str, float]:
        """By name; 1.0 is one whole processor."""
        seconds = time.perf_counter() - self._begun
        return {name: (used - self._used[name]) / seconds for name, used in self._now().items()}

    def _now(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {name: one.user + one.system for name, one in times.items()}
