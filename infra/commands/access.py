"""token create, token revoke, user add: who may do what."""

import secrets
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from infra import accounts
from infra.commands.options import DEFAULT_DATA, Config, Data, err, fail, out, places
from infra.local import target
from shared.messages.access import ROLES
from shared.settings import BadSettings

token_app = typer.Typer(no_args_is_help=True, help="Bearer tokens for other systems.")
user_app = typer.Typer(no_args_is_help=True, help="People who log in.")

IN_FORCE_SECONDS = 5.0
Role = Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")]


@token_app.command("create")
def create_token(
    role: Role,
    name: Annotated[str | None, typer.Option("--name", help="What it is for; made up if not given.")] = None,
    expires_days: Annotated[float | None, typer.Option("--expires-days", help="Never, if not given.")] = None,
    data: Data = DEFAULT_DATA,
    config: Config = None,
) -> None:
    """Print a new token, once: it is stored as a hash."""
    try:
        dsn = _dsn(data, config)
        text = accounts.create_token(dsn, name or f"{role}-{secrets.token_hex(3)}", role, expires_days)
        _wait_until_in_force(dsn)
    except accounts.AccountError as error:
        fail(str(error))
    print(text)


@token_app.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Option("--name", help="The token's name.")],
    data: Data = DEFAULT_DATA,
    config: Config = None,
) -> None:
    """End a token, everywhere at once."""
    try:
        dsn = _dsn(data, config)
        accounts.revoke_token(dsn, name)
        _wait_until_in_force(dsn)
    except accounts.AccountError as error:
        fail(str(error))
    err.print(f"Token {name} was revoked.", markup=False)


@user_app.command("add")
def add_user(
    username: str,
    role: Annotated[str, typer.Option("--role", help=f"One of {', '.join(accounts.USER_ROLES)}.")] = "viewer",
    data: Data = DEFAULT_DATA,
    config: Config = None,
) -> None:
    """Add a user. The password is asked for, or read from standard input where that is no terminal."""
    dsn = _dsn(data, config)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    try:
        accounts.create_user(dsn, username, password, role)
    except accounts.AccountError as error:
        fail(str(error))
    out.print(f"{username} was added with role {role}.", markup=False)


def _wait_until_in_force(dsn: str) -> None:
    deadline = time.monotonic() + IN_FORCE_SECONDS
    while not accounts.is_in_force(dsn):
        if time.monotonic() > deadline:
            err.print("No api runs that could put it in force: it will be once one does.", markup=False)
            return
        time.sleep(0.05)


def _dsn(data: Path, config: Path | None) -> str:
    try:
        return target.settings(places(data), config).database.dsn.get_secret_value()
    except BadSettings as error:
        fail(str(error), 2)
