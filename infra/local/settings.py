"""The settings of the embedded stack, and where each service will listen.

Services are known by their module names only: their settings are loaded from `services.NAME.settings` by that name.
"""

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from infra.local.places import PROJECT
from infra.local.ports import LOOPBACK, Listener
from shared.settings import BadSettings, CommonSettings, Section, load

Port = Annotated[int, Field(ge=1, le=65535)]

# In the order in which people read them.
SERVICES = ("collector", "health", "alerting", "history", "notifier", "api")
ALERTING = "alerting"
# Modules with a `check(settings)`, for what a service's settings alone can't say: ValueError, one problem a line.
CHECKS = {"notifier": "services.notifier.configured"}
MOST_WORKERS = 64


class LocalSettings(Section):
    """The servers that `./pantau up` brings along; production names its own under `kafka` and `database`."""

    kafka_port: Annotated[int, Field(ge=1, le=65534)] = 19092
    kafka_controller_port: Port | None = None
    """Kafka talks to itself here; the port above `kafka_port` if not said."""
    kafka_heap_mb: Annotated[int, Field(ge=256)] = 512
    postgres_port: Port = 15432
    alerting_workers: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = 1
    """How many alerting programs share the rule groups; `./pantau up --alerting-workers` goes before it."""
    alerting_worker_port: Annotated[int, Field(ge=1, le=65536 - MOST_WORKERS)] = 18102
    """Where alerting-2 serves its pages; alerting-3 has the port above, and so on. The first worker has its own
    `alerting.admin.port`."""

    @property
    def controller_port(self) -> int:
        """The port that Kafka's controller has."""
        return self.kafka_controller_port or self.kafka_port + 1


class StackSettings(CommonSettings):
    """What the embedded stack itself reads of the settings."""

    local: LocalSettings = LocalSettings()


@dataclass(frozen=True)
class Endpoint:
    """Where a service answers /health/ready."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As a person would open it: an address that stands for all of them is shown as this machine."""
        host = LOOPBACK if self.host in ("0.0.0.0", "") else "[::1]" if self.host == "::" else self.host  # noqa: S104
        return f"http://{host}:{self.port}"


@dataclass(frozen=True)
class Configuration:
    """All settings of one stack, checked."""

    file: Path | None
    local: LocalSettings
    services: Mapping[str, CommonSettings]

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of the programs that run the services: one each, and the further alerting workers."""
        return (*SERVICES, *further_workers(self.local.alerting_workers))

    def endpoint(self, program: str) -> Endpoint:
        """Where a program tells how it is: its service's `admin` section, or for api its own address."""
        service = service_of(program)
        section = getattr(self.services[service], service)
        at = getattr(section, "admin", section)
        return Endpoint(at.host, at.port if program == service else self._worker_port(program))

    def with_alerting_workers(self, count: int) -> "Configuration":
        """The same with so many alerting workers."""
        return replace(self, local=self.local.model_copy(update={"alerting_workers": count}))

    def listeners(self) -> list[Listener]:
        """Every port that the stack will listen on, with the setting that chooses it."""
        return [
            Listener("local.kafka_port", self.local.kafka_port),
            Listener("local.kafka_controller_port", self.local.controller_port),
            Listener("local.postgres_port", self.local.postgres_port),
            *(listener for service in self.services for listener in self._of(service)),
            *(self.worker_listener(worker) for worker in further_workers(self.local.alerting_workers)),
        ]

    def worker_listener(self, worker: str) -> Listener:
        """The port of one of the further alerting workers."""
        at = self.endpoint(worker)
        return Listener("local.alerting_worker_port", at.port, at.host)

    def _worker_port(self, worker: str) -> int:
        return self.local.alerting_worker_port + int(worker.removeprefix(f"{ALERTING}-")) - 2

    def _of(self, service: str) -> list[Listener]:
        settings = self.services[service]
        found = []
        for path in (
            f"{service}.admin.port",
            f"{service}.port",
            f"{service}.exporter.port",
        ):
            port, host = _follow(settings, path), _follow(settings, path.rpartition(".")[0] + ".host")
            # 0 means any free port, which can't be taken.
            if isinstance(port, int) and port:
                found.append(Listener(path, port, host if isinstance(host, str) else LOOPBACK))
        return found


def configuration(file: Path | None, environment: Mapping[str, str] | None = None) -> Configuration:
    """Load and check everybody's settings. BadSettings with all problems, each with its place, under its service."""
    env = os.environ if environment is None else environment
    problems: list[str] = []
    loaded: dict[str, CommonSettings] = {}
    local = LocalSettings()
    kinds: dict[str, type[CommonSettings]] = {"local": StackSettings}
    for name, kind in (kinds | {name: settings_class(name) for name in SERVICES}).items():
        try:
            settings = load(kind, env, file)
        except BadSettings as error:
            # What concerns the file as a whole is found again by each reader of it.
            problems += [line for line in str(error).splitlines() if line not in problems]
            continue
        if isinstance(settings, StackSettings):
            local = settings.local
            continue
        loaded[name] = settings
        if name in CHECKS:
            problems += _found_by_check(name, settings, file)
    if problems:
        raise BadSettings("\n".join(problems))
    return Configuration(file, local, loaded)


def _found_by_check(service: str, settings: CommonSettings, file: Path | None) -> list[str]:
    """What only the service's own parts can say of its settings."""
    try:
        importlib.import_module(CHECKS[service]).check(settings)
    except ValueError as error:
        return [f"{file or 'settings'}: {line}" for line in str(error).splitlines()]
    return []


def further_workers(count: int) -> list[str]:
    """The names of all but the first of `count` alerting workers. The first is `alerting`, however many there are, so
    that it is not touched when others come and go."""
    return [f"{ALERTING}-{number}" for number in range(2, count + 1)]


def service_of(program: str) -> str:
    """The service that a program of the stack runs."""
    return ALERTING if program.startswith(f"{ALERTING}-") else program


def settings_class(service: str) -> type[CommonSettings]:
    """The settings class of a service, by the service's name."""
    module = importlib.import_module(f"services.{service}.settings")
    kinds = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, CommonSettings) and value.__module__ == module.__name__
    ]
    if len(kinds) != 1:
        raise TypeError(f"services/{service}/settings.py must define one kind of settings, it defines {len(kinds)}")
    return kinds[0]


def chosen_file(given: Path | None) -> Path | None:
    """The settings file: the one given, else `PANTAU_CONFIG`'s, else `pantau.yaml` here or in the project.

    BadSettings when a file was named that is not there.
    """
    named = given or (Path(os.environ["PANTAU_CONFIG"]) if os.environ.get("PANTAU_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise BadSettings(f"{named}: there is no such settings file")
        return named.resolve()
    return next((path for path in (Path.cwd() / "pantau.yaml", PROJECT / "pantau.yaml") if path.is_file()), None)


def _follow(settings: CommonSettings, path: str) -> object:
    value: object = settings
    for step in path.split("."):
        value = getattr(value, step, None)
    return value
