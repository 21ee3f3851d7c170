"""TCP ports on the loopback address: finding a free one, and telling who holds one that isn't."""

import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from infra.local.errors import LocalStackError

LOOPBACK = "127.0.0.1"
UNCLAIMED = range(20_000, 32_000)


@dataclass(frozen=True)
class Listener:
    """A port that the stack is about to listen on, and the setting that chose it."""

    setting: str
    port: int
    host: str = LOOPBACK


def free(count: int = 1) -> list[int]:
    """`count` different ports that nothing listens on at this moment, and that no outgoing connection will take:
    from below the range that systems give to those. LocalStackError where there is hardly one."""
    found: list[int] = []
    for _ in range(100 * count):
        port = secrets.choice(UNCLAIMED)
        if port in found:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock, suppress(OSError):
            sock.bind((LOOPBACK, port))
            found.append(port)
        if len(found) == count:
            return found
    raise LocalStackError(f"There are no {count} free ports between {UNCLAIMED[0]} and {UNCLAIMED[-1]}.")


def answers(port: int, host: str = LOOPBACK, timeout: float = 0.5) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False


def conflicts(listeners: Iterable[Listener]) -> list[str]:
    """One sentence for each port that can't be had: taken by another process, or given to two settings."""
    problems = []
    seen: dict[int, str] = {}
    for listener in listeners:
        if listener.port in seen:
            problems.append(
                f"Port {listener.port} is given to both {seen[listener.port]} and {listener.setting}; change one."
            )
        elif not _can_bind(listener):
            problems.append(
                f"Port {listener.port} is in use{_holder(listener.port)}; free it, or set {listener.setting} "
                f"in pantau.yaml or {environment_name(listener.setting)} to another port."
            )
        seen.setdefault(listener.port, listener.setting)
    return problems


def environment_name(setting: str) -> str:
    """The environment variable of a dotted setting: `api.port` -> `PANTAU_API__PORT`."""
    return "PANTAU_" + setting.upper().replace(".", "__")


def _can_bind(listener: Listener) -> bool:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        # As servers do: a port whose last connections are in TIME_WAIT is free.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((listener.host, listener.port))
        except OSError:
            return False
        return True


def _holder(port: int) -> str:
    """` by NAME (process PID)` where the system lets us see it, else nothing."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port == port
            and connection.pid
        ):
            try:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.Error:
                return f" by process {connection.pid}"
    return ""
