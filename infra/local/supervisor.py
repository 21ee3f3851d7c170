"""Process supervision by the `supervisor` package: its configuration, and talking to it over its Unix socket."""

import http.client
import os
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.places import Places
from infra.local.processes import Program

SERVERS, SERVICES = "servers", "services"
# Supervisor waits a second longer after each failed try to start a program; it is never to give up.
TRIES = 1_000_000
# The group with the higher priority starts later and stops first.
SERVERS_PRIORITY, SERVICES_PRIORITY = 10, 100
ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class ProgramState:
    """What supervisor knows of one program."""

    name: str
    state: str
    """RUNNING, STARTING, BACKOFF (ended at once, will be tried again), STOPPED, STOPPING, EXITED, FATAL, UNKNOWN."""
    pid: int | None
    started: int
    """Seconds since the epoch."""
    now: int
    exit_status: int
    group: str

    @property
    def uptime_seconds(self) -> int:
        """How long it has been running; 0 when it isn't."""
        return max(0, self.now - self.started) if self.pid else 0


def configuration(places: Places, servers: Sequence[Program], services: Sequence[Program]) -> str:
    """The text of supervisor's configuration file.

    The servers start with supervisor, the services when they are told to; at the end all services are stopped before
    the servers are. Programs that come and go while it runs have a file each, see `write_worker`.
    """
    sections = [
        _section(
            "supervisord",
            logfile=places.logs / "supervisor.log",
            logfile_maxbytes="2MB",
            logfile_backups=1,
            pidfile=places.run / "supervisor.pid",
            childlogdir=places.logs,
            directory=places.data,
            identifier="pantau",
            nodaemon="true",
            silent="true",
            **({"user": "root"} if os.geteuid() == 0 else {}),
        ),
        _section("unix_http_server", file=places.supervisor_socket, chmod="0700"),
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        *(_program(places, program, autostart=True) for program in servers),
        *(_program(places, program, autostart=False) for program in services),
        _section(f"group:{SERVERS}", programs=",".join(program.name for program in servers), priority=SERVERS_PRIORITY),
        _section(
            f"group:{SERVICES}", programs=",".join(program.name for program in services), priority=SERVICES_PRIORITY
        ),
        _section("include", files=places.workers / "*.conf"),
    ]
    return "\n".join(sections)


def write_worker(places: Places, program: Program, autostart: bool) -> None:
    """Configure a program that supervisor can be told to add while it runs; it is a group of its own. `autostart`: it
    runs as soon as supervisor knows it."""
    text = _program(places, program, autostart, priority=SERVICES_PRIORITY)
    _worker_file(places, program.name).write_text(text)


def forget_worker(places: Places, name: str) -> None:
    """Undo `write_worker`."""
    _worker_file(places, name).unlink(missing_ok=True)


def _worker_file(places: Places, name: str) -> Path:
    return places.workers / f"{name}.conf"


def start(places: Places, text: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start supervisor, in a session of its own so that Ctrl-C in the terminal does not reach it or its programs."""
    file = places.run / "supervisor.conf"
    file.write_text(text)
    with (places.logs / "supervisor.out").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=places.data,
            env=dict(environment),
            start_new_session=True,
        )


class Control:
    """A running supervisor, over its socket. Each method raises `OSError` or `http.client.HTTPException` (see
    `UNREACHABLE`) when it is not there."""

    def __init__(self, places: Places) -> None:
        self._api = xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(places.supervisor_socket))

    def answers(self) -> bool:
        """Whether a supervisor is there."""
        try:
            self._call("getState")
        except UNREACHABLE:
            return False
        return True

    def pid(self) -> int:
        """Supervisor's own process id."""
        return int(self._call("getPID"))

    def programs(self) -> list[ProgramState]:
        """All programs, in the order of the configuration's groups."""
        return [
            ProgramState(
                name=one["name"],
                state=one["statename"],
                pid=one["pid"] or None,
                started=one["start"],
                now=one["now"],
                exit_status=one["exitstatus"],
                group=one["group"],
            )
            for one in self._call("getAllProcessInfo")
        ]

    def start_services(self) -> None:
        """Start all services, without waiting."""
        for group in sorted({program.group for program in self.programs()} - {SERVERS}):
            self._call("startProcessGroup", group, False)

    def add(self, name: str) -> None:
        """Take in a program that `write_worker` has configured."""
        self._call("reloadConfig")
        self._call("addProcessGroup", name)

    def remove(self, name: str) -> None:
        """Forget a program that was added, and is stopped."""
        self._call("removeProcessGroup", name)

    def stop(self, program: ProgramState) -> None:
        """Begin to stop a program, the way it asks for; nothing if it isn't running."""
        try:
            self._call("stopProcess", f"{program.group}:{program.name}", False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _NOT_RUNNING:
                raise

    def start(self, program: ProgramState) -> None:
        """Start a stopped program, without waiting until it is ready."""
        self._call("startProcess", f"{program.group}:{program.name}", False)

    def shutdown(self) -> None:
        """Begin to stop everything, and supervisor at the end."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: object) -> Any:
        return getattr(self._api.supervisor, method)(*arguments)


UNREACHABLE = (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError, xmlrpc.client.Fault)
_NOT_RUNNING = 70


def _program(places: Places, program: Program, autostart: bool, priority: int | None = None) -> str:
    values: dict[str, object] = {
        "command": shlex.join(program.command).replace("%", "%%"),
        "directory": places.data,
        "autostart": str(autostart).lower(),
        "autorestart": "true",
        "startsecs": 1,
        "startretries": TRIES,
        "stopsignal": program.stop_signal.name.removeprefix("SIG"),
        "stopwaitsecs": round(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": places.logs / f"{program.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 3,
    }
    if program.user:
        values["user"] = program.user
    if priority is not None:
        values["priority"] = priority
    if program.environment:
        values["environment"] = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
    return _section(f"program:{program.name}", **values)


def _section(title: str, **values: object) -> str:
    return f"[{title}]\n" + "".join(f"{key} = {_value(key, value)}\n" for key, value in values.items())


def _value(key: str, value: object) -> str:
    # A path with a per cent sign would be taken for a variable; commands are escaped where they are made.
    return str(value) if key == "command" else str(value).replace("%", "%%")


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket, with a deadline: a supervisor that hangs must not hang us."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
