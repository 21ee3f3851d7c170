"""Starting a server as a child process, waiting until it answers, and ending processes for certain."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra.local.errors import LocalStackError, last_lines

POLL_SECONDS = 0.05
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """A server to run: what to start, as whom, and which signal asks it to stop."""

    name: str
    command: Sequence[str]
    user: str | None = None
    """The system user to run as; None for our own. Only root can choose one."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def child(program: Program, log: Path, ready: Callable[[], bool], start_seconds: float = 60.0) -> Iterator[int]:
    """Run `program` for as long as the block lasts; yields its pid once `ready()` holds. LocalStackError with the end
    of `log` when it ends before that, or takes longer than `start_seconds`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(program.command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, **program.environment},
            user=program.user,
            group=group_of(program.user),
            extra_groups=[] if program.user else None,
            start_new_session=True,  # Ctrl-C in a test run is for the tests, which then end the server themselves
            preexec_fn=_die_with_parent if _LIBC else None,
        )
    try:
        wait_until(
            ready,
            start_seconds,
            failed=lambda: _why_not(process, program, log),
            late=lambda: f"{program.name} did not answer within {start_seconds:.0f} s:\n{last_lines(log)}",
        )
        yield process.pid
    finally:
        _stop(process, program)


def wait_until(
    condition: Callable[[], bool],
    seconds: float,
    late: Callable[[], str],
    failed: Callable[[], str | None] = lambda: None,
) -> None:
    """Poll until `condition()`. LocalStackError with `late()` after `seconds`, or with what `failed()` says once it
    says something."""
    deadline = time.monotonic() + seconds
    while not condition():
        if reason := failed():
            raise LocalStackError(reason)
        if time.monotonic() > deadline:
            raise LocalStackError(late())
        time.sleep(POLL_SECONDS)


def end(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Ask `processes` to end (an interrupt is PostgreSQL's word for "now, but cleanly"), and kill those that are still
    there after `seconds`. Returns when none is left."""
    asked = []
    for process in processes:
        try:
            process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
            asked.append(process)
        except psutil.NoSuchProcess:
            continue
    _, left = psutil.wait_procs(asked, timeout=seconds)
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=10)


def group_of(user: str | None) -> int | None:
    """The primary group of a system user, for starting a process as that user."""
    import pwd

    return pwd.getpwnam(user).pw_gid if user else None


def _why_not(process: subprocess.Popen[bytes], program: Program, log: Path) -> str | None:
    if process.poll() is None:
        return None
    return f"{program.name} ended with exit status {process.returncode} while starting:\n{last_lines(log)}"


def _stop(process: subprocess.Popen[bytes], program: Program) -> None:
    if process.poll() is None:
        process.send_signal(program.stop_signal)
        try:
            process.wait(program.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _die_with_parent() -> None:
    assert _LIBC is not None
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
