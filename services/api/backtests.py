"""Backtests under way: each a process of its own, whose answer is passed on as it comes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import structlog
from prometheus_client import Counter, Gauge

from services.api.backtest_job import BacktestJob
from services.api.core.backtest_bodies import BacktestError, BacktestLine
from shared import clock

log = structlog.get_logger()

RUNNING = Gauge("pantau_api_backtests_running", "Backtests under way")
ENDED = Counter("pantau_api_backtests_total", "Backtests that were asked for, by how they ended", ["outcome"])

WORKER = "services.api.backtest_worker"
GRACE_SECONDS = 10.0
"""The process minds its own deadline; after so much longer it is ended."""
LONGEST_LINE = 4 * 1024 * 1024
PIECE_BYTES = 64 * 1024
STOPPING = BacktestError(status=503, detail="The api is stopping: ask again.")
BROKEN = BacktestError(status=500, detail="The backtest ended unexpectedly; the api's log says more.")


class TooManyBacktests(Exception):
    """As many are under way as are allowed, or api is stopping."""


class BacktestRefused(Exception):
    """It can't be run; `error` says why."""

    def __init__(self, error: BacktestError) -> None:
        super().__init__(error.detail)
        self.error = error


class Backtests:
    """Runs backtests, at most `at_once`."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._running: set[RunningBacktest] = set()
        self._stopping = False

    def start(self, job: BacktestJob) -> "RunningBacktest":
        """A backtest whose place is taken: it must be ended. TooManyBacktests."""
        if self._stopping or len(self._running) >= self._at_once:
            ENDED.labels("too_many").inc()
            raise TooManyBacktests
        running = RunningBacktest(job, self._running)
        self._running.add(running)
        RUNNING.set(len(self._running))
        return running

    def close(self) -> None:
        """End all of them, for good."""
        self._stopping = True
        for running in self._running:
            running.stop()


class RunningBacktest:
    """One backtest: `begin`, then `pieces`, and in any case `end`."""

    def __init__(self, job: BacktestJob, among: "set[RunningBacktest]") -> None:
        self._job, self._among = job, among
        self._deadline = clock.elapsed() + job.most_seconds + GRACE_SECONDS
        self._process: Process | None = None
        self._stopping = False
        self._outcome = "cancelled"

    async def begin(self) -> bytes:
        """Its first line, once history is read. BacktestRefused."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", WORKER), stdin=PIPE, stdout=PIPE, env=_environment(), limit=LONGEST_LINE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self._job.model_dump_json().encode() + b"\n")
        try:
            async with asyncio.timeout(self._seconds_left):
                first = await self._process.stdout.readline()
        except TimeoutError:
            first = b""
        line = BacktestLine.model_validate_json(first) if first else BacktestLine(error=await self._why_broken())
        if line.error is not None:
            self._outcome = "failed" if line.error.status >= 500 else "refused"
            raise BacktestRefused(line.error)
        return first

    async def pieces(self, first: bytes) -> AsyncIterator[bytes]:
        """The answer from its first line on. Where it breaks off, its last line says so."""
        assert self._process is not None
        assert self._process.stdout is not None
        piece = last = first
        while piece:
            last = piece
            yield piece
            try:
                async with asyncio.timeout(self._seconds_left):
                    piece = await self._process.stdout.read(PIECE_BYTES)
            except TimeoutError:
                self._process.kill()
                break
        if await self._process.wait() == 0:
            self._outcome = "ended"
        else:
            self._outcome = "failed"
            begun = b"" if last.endswith(b"\n") else b"\n"
            yield begun + BacktestLine(error=await self._why_broken()).encode()

    def stop(self) -> None:
        """End its process now; whoever reads `pieces` is told why."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def end(self) -> None:
        """Give its place free; nothing of it is left then."""
        try:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
        finally:
            if self in self._among:
                self._among.discard(self)
                RUNNING.set(len(self._among))
                ENDED.labels(self._outcome).inc()

    @property
    def _seconds_left(self) -> float:
        return max(self._deadline - clock.elapsed(), 0.0)

    async def _why_broken(self) -> BacktestError:
        assert self._process is not None
        if self._stopping:
            return STOPPING
        if self._process.returncode is None:
            self._process.kill()
        log.error("a backtest's process broke off", status=await self._process.wait())
        return BROKEN


def _environment() -> dict[str, str]:
    """What the process needs of ours: no settings, for it is told all; and numpy needs no threads there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PANTAU_")}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
