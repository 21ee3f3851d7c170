"""simulate: a simulated provider to watch, and incidents in it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import asyncpg
import typer
import yaml
from rich.table import Table

from infra import accounts
from infra.commands.history import BadHistory, write_history
from infra.commands.options import DEFAULT_DATA, Config, Data, fail, out, places
from infra.local import postgres, target
from infra.local.errors import LocalStackError
from infra.local.places import Places
from infra.local.record import Record
from infra.local.supervisor import Control
from infra.simulator.scenarios import all_scenarios
from infra.simulator.scenarios.scenario import Scenario
from shared import clock
from shared.bus import BusUnavailable
from shared.settings import BadSettings

if TYPE_CHECKING:
    from infra.simulator.world import World

TOUR, CALM = "tour", "calm"
TOUR_BEGINS = ("router-down", "mass-disconnect", "payment-outage")
TOKEN, DATABASE = "simulator", "billing"
PASSWORD_FILE = "database.password"  # noqa: S105  (a name)
MOST_ROUTERS = 2_000
PORT = 28_700


class Watched(NamedTuple):
    """Where the provider's parts find what they need."""

    server_dsn: str
    """A PostgreSQL server, for the application's database."""
    password_file: Path | None
    """Where the password for it lies, if that is known."""
    url: str | None
    """Where the SDK pushes to; None: there is no Pantau yet."""
    token: str = ""


def simulate(
    scenario: Annotated[
        str, typer.Argument(help="What happens; `list` tells what there is, `tour` plays all, one after the other.")
    ] = CALM,
    routers: Annotated[int, typer.Option("--routers", min=1, max=MOST_ROUTERS, help="How many routers there are.")] = 6,
    seed: Annotated[str, typer.Option("--seed", help="The same seed, the same provider.")] = "1",
    speed: Annotated[
        float, typer.Option("--speed", min=0.1, max=1_000, help="How many times as fast its time passes.")
    ] = 1.0,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=1, max=60_000, help="Of the application; the gateway has the next, routers those from +10 on."
        ),
    ] = PORT,
    push_to: Annotated[
        str | None,
        typer.Option(
            "--push-to",
            metavar="URL",
            help="Where the application's SDK pushes to.",
            show_default="the stack that runs in the data directory",
        ),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            "--history",
            metavar="DURATION",
            help="Don't run: write so much of the past, e.g. 30d, into the stack that runs; the scenario once a day.",
        ),
    ] = None,
    data: Data = DEFAULT_DATA,
    config: Config = None,
) -> None:
    """Run a simulated internet provider: routers, WhatsApp gateway, billing application with database and users."""
    known = all_scenarios()
    if scenario == "list":
        _list(known)
        return
    if scenario != TOUR and scenario not in known:
        fail(f"There is no scenario {scenario!r}; there are {TOUR}, {', '.join(known)}.")
    chosen = _tour(known) if scenario == TOUR else [known[scenario]]
    try:
        if history is not None:
            written = write_history(target.settings(places(data), config), chosen, routers, seed, history)
            out.print(f"{written} samples are on the bus; history stores them within moments.", markup=False)
            return
        with _watched(places(data), config, push_to) as watched:
            asyncio.run(_run(watched, chosen, routers, seed, speed, port))
    except (LocalStackError, BadSettings, BadHistory, BusUnavailable, accounts.AccountError) as error:
        fail(str(error))
    except KeyboardInterrupt:  # while it was being made; later it ends by itself
        fail("Interrupted.", 130)
    except asyncpg.PostgresError as error:
        fail(f"The application's database can't be made: {error}")
    except OSError as error:
        fail(f"A part can't listen: {error.strerror or error}. Choose other ports with --port.")


def _tour(known: dict[str, Scenario]) -> list[Scenario]:
    """All in which something happens, those first of which there is soon something to see."""
    first = [known[name] for name in TOUR_BEGINS]
    return first + [one for one in known.values() if one not in first and one.name != CALM]


def _list(known: dict[str, Scenario]) -> None:
    table = Table("scenario", "minutes", "what happens", box=None, pad_edge=False)
    for one in known.values():
        table.add_row(one.name, str(one.minutes), one.summary)
    out.print(table)


@contextmanager
def _watched(where: Places, config: Path | None, push_to: str | None) -> Iterator[Watched]:
    """The servers of the stack that runs there or is named in the settings; else a PostgreSQL of our own, for as long
    as the block lasts, and nobody to push to."""
    environment = target.environment(where, config)
    record = Record.read(where)
    url = push_to or (record.url if record and Control(where).answers() else None)
    if url is None and not any(name in environment for name in target.NAMED):
        own = where.data / "simulator" / "database.dsn"
        with postgres.running(own.parent) as dsn:
            yield Watched(dsn, own.with_name(PASSWORD_FILE), None)
        return
    dsn = target.settings(where, config).database.dsn.get_secret_value()
    token = ""
    if url is not None:
        with suppress(accounts.AccountError):  # there was none
            accounts.revoke_token(dsn, TOKEN)
        token = accounts.create_token(dsn, TOKEN, "ingest")
    of_stack = environment.get("PANTAU_DATABASE__DSN_FILE") == str(where.dsn_file)
    yield Watched(dsn, where.dsn_file.with_name(PASSWORD_FILE) if of_stack else None, url, token)


async def _run(
    watched: Watched, scenarios: Sequence[Scenario], routers: int, seed: str, speed: float, port: int
) -> None:
    # The SDK is no part of the services' image: it is loaded where it is used.
    from pantau import Settings as SdkSettings

    from infra.simulator.application.books import make_database
    from infra.simulator.application.machine import HOST as INSTANCE
    from infra.simulator.passing import PassingTime
    from infra.simulator.program import run
    from infra.simulator.provider import provider
    from infra.simulator.sections import Ports, database
    from infra.simulator.world import World

    dsn = await make_database(watched.server_dsn, DATABASE)
    world = World(
        provider(routers, seed),
        PassingTime(clock.now_ms(), speed),
        ports=Ports.at(port),
        dsn=dsn,
        sdk=SdkSettings(service="billing", url=watched.url, token=watched.token, instance=INSTANCE),
    )
    async with world:
        _tell(world, watched, database(dsn, watched.password_file))
        await run(world, scenarios, _say)
    out.print("Stopped.")


def _tell(world: "World", watched: Watched, books: dict[str, Any]) -> None:
    out.print("# For pantau.yaml, so that it is watched:")
    out.print(yaml.safe_dump(world.section(books), sort_keys=False, default_flow_style=None, width=200), markup=False)
    assert world.application is not None
    out.print(f"# The application: http://127.0.0.1:{world.application.port}/metrics", markup=False)
    pushes = f"its SDK pushes to {watched.url}" if watched.url else "no Pantau runs here: its SDK pushes to nobody"
    out.print(f"# {pushes}. Ctrl-C stops it.\n", markup=False)


def _say(at: datetime, text: str) -> None:
    out.print(f"{at.astimezone():%H:%M:%S}  {text}", markup=False)


COMMANDS = (simulate,)
