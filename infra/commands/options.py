"""What several commands take, and how they speak."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from infra.local.places import PROJECT, Places

DEFAULT_DATA = PROJECT / ".pantau"

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="PANTAU_DATA",
        metavar="DIR",
        help="The data directory of the embedded stack.",
        show_default=".pantau in the project",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The settings file; by default pantau.yaml here, else the project's."
    ),
]

# Results go to standard output, everything else to standard error.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def places(data: Path) -> Places:
    """The layout of the data directory that was given."""
    return Places.at(data)


def fail(text: str, status: int = 1) -> NoReturn:
    """End the command with a message."""
    err.print(text, markup=False)
    raise typer.Exit(status)
