"""What `up --demo` adds to the stack: settings that watch a simulated provider, and the provider as a program."""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from infra.commands.simulate import DATABASE, PASSWORD_FILE
from infra.local import ports, postgres
from infra.local.errors import LocalStackError
from infra.local.places import PROJECT, Places
from infra.local.processes import Program
from infra.local.settings import Configuration, configuration
from infra.local.starting import Beside
from infra.local.supervisor import Control
from infra.simulator.provider import provider
from infra.simulator.sections import ROUTERS_FROM, Gateway, Ports, section

DEMO_DATA = PROJECT / ".pantau-demo"
NAME = "simulator"
FILE = "demo.yaml"
ROUTERS, SEED = 6, "1"
BLOCKS = range(28_700, 31_900, 100)

_HEAD = "# Written anew by ./pantau up --demo: settings that watch the simulated provider.\n"


class Demonstration(NamedTuple):
    """What there is of it before the stack starts."""

    configuration: Configuration
    """Its settings."""
    port: int
    """Of its first part; 0 where it runs already."""


def prepare_demo(where: Places, config: Path | None) -> Demonstration:
    """Choose ports and write the settings into the data directory, unless it runs already. LocalStackError if other
    settings were asked for, or ports are short; BadSettings if the environment names settings that won't do."""
    if config is not None:
        raise LocalStackError("--demo brings its own settings: leave --config out, or run ./pantau simulate beside it.")
    file = where.data / FILE
    if file.exists() and Control(where).answers():
        return Demonstration(configuration(file), 0)  # what runs goes on with its settings
    where.make()
    simulated, port = provider(ROUTERS, SEED), _free_block()
    at = Ports.at(port)
    watched = section(simulated, at.of_routers(simulated), Gateway.at(at.gateway))
    _write(file, watched)
    books = {"host": ports.LOOPBACK, "port": configuration(file).local.postgres_port, "database": DATABASE}
    password = where.secrets / PASSWORD_FILE
    # PostgreSQL's preparation writes it; at the very first start the settings are read before.
    password.touch(mode=0o600)
    books |= {"username": postgres.ROLE, "password_file": str(password)}
    _write(file, watched | {"business": {"database": books}})
    return Demonstration(configuration(file), port)


def _write(file: Path, sections: dict[str, Any]) -> None:
    file.write_text(_HEAD + yaml.safe_dump(sections, sort_keys=False, default_flow_style=None, width=120))


def simulator(where: Places, demonstration: Demonstration) -> Beside:
    """The simulator. It reaches the stack's database as the services do, by what the environment names."""
    api_url = demonstration.configuration.endpoint("api").url
    command = [sys.executable, "-m", "infra.cli", "simulate", "tour", "--routers", str(ROUTERS), "--seed", SEED]
    command += ["--port", str(demonstration.port), "--push-to", api_url, "--data", str(where.data)]
    path = os.pathsep.join(filter(None, [str(PROJECT), str(PROJECT / "sdk"), os.environ.get("PYTHONPATH")]))
    last_router = demonstration.port + ROUTERS_FROM + ROUTERS - 1
    return Beside(Program(NAME, command, environment={"PYTHONPATH": path}), lambda: ports.answers(last_router))


def _free_block() -> int:
    """The first port of a block that nobody listens on."""
    for port in BLOCKS:
        needed = [port, port + 1, *range(port + ROUTERS_FROM, port + ROUTERS_FROM + ROUTERS)]
        if not ports.conflicts([ports.Listener("", one) for one in needed]):
            return port
    raise LocalStackError(f"There are no free ports between {BLOCKS[0]} and {BLOCKS[-1]} for the simulated provider.")
