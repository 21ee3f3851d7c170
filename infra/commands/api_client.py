"""How commands speak to the api: where it is, by which token, and lines as they come."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlencode, urlsplit

import typer

from infra import accounts
from infra.commands.options import fail, places
from infra.local import target
from infra.local.record import Record
from infra.local.supervisor import Control
from shared.settings import BadSettings

Url = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="PANTAU_URL", help="Of the api.", show_default="that of the stack that runs on this machine"
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="PANTAU_TOKEN",
        help="A token of it; better in the environment, where others don't see it.",
        show_default="for the stack on this machine one of its own, for this command alone",
    ),
]

ANSWER_SECONDS = 600.0
IN_FORCE_SECONDS = 10.0
OWN_TOKEN_DAYS = 1 / 24


class ApiError(Exception):
    """The api does not answer as wished; the text says why."""


@dataclass(frozen=True)
class Api:
    """Where the api is, and who asks."""

    url: str
    token: str

    def get(self, path: str, parameters: Mapping[str, str]) -> Any:
        """The JSON answer. ApiError."""
        with self._asked("GET", f"{path}?{urlencode(parameters)}", None) as response:
            return json.loads(response.read())

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON answer to a post. ApiError."""
        with self._asked("POST", path, json.dumps(body).encode()) as response:
            return json.loads(response.read())

    def lines(self, path: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of the answer to a post, as they come. ApiError, also where the answer breaks off."""
        with self._asked("POST", path, json.dumps(body).encode()) as response:
            while line := response.readline():
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise ApiError("The answer broke off.") from error

    @contextmanager
    def _asked(self, method: str, path: str, body: bytes | None) -> Iterator[HTTPResponse]:
        where = urlsplit(self.url)
        connection = _connection(where)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, where.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            if response.status != 200:
                raise ApiError(_problem(response))
            yield response
        except (OSError, HTTPException) as error:
            raise ApiError(f"{self.url} does not answer: {error or type(error).__name__}") from error
        finally:
            connection.close()


@contextmanager
def api(data: Path, config: Path | None, url: str | None, token: str | None, role: str) -> Iterator[Api]:
    """The api that is named, else that of the running stack, for which a token with `role` is made and revoked at the
    end. It ends the command where there is none."""
    if url is not None and token is None:
        fail("Set PANTAU_TOKEN to a token of it: ./pantau token create makes one.", 2)
    where = places(data)
    if url is None:
        record = Record.read(where)
        if record is None or not Control(where).answers():
            fail(f"Nothing runs in {where.data}: ./pantau up starts it, or name an api with --url.", 2)
        url = record.url
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        fail(f"{url!r} is no URL of an api, e.g. http://127.0.0.1:8080.", 2)
    if token is not None:
        yield Api(url, token)
        return
    try:
        dsn = target.settings(where, config).database.dsn.get_secret_value()
        with _own_token(dsn, url, role) as made:
            yield Api(url, made)
    except BadSettings as error:
        fail(str(error), 2)
    except accounts.AccountError as error:
        fail(f"No token could be made for this command: {error}. Set PANTAU_TOKEN to one.")


@contextmanager
def _own_token(dsn: str, url: str, role: str) -> Iterator[str]:
    name = f"cli-{secrets.token_hex(6)}"
    token = accounts.create_token(dsn, name, role, OWN_TOKEN_DAYS)
    try:
        _wait_until_known(Api(url, token))
        yield token
    finally:
        accounts.revoke_token(dsn, name)


def _wait_until_known(client: Api) -> None:
    """A new token travels over the bus to the api."""
    deadline = time.monotonic() + IN_FORCE_SECONDS
    while True:
        try:
            client.get("/api/session", {})
            return
        except ApiError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _connection(where: SplitResult) -> HTTPConnection:
    kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
    return kind(where.hostname or "", where.port, timeout=ANSWER_SECONDS)


def _problem(response: HTTPResponse) -> str:
    """What the api says is wrong: an RFC 9457 problem, or an error of Prometheus' API."""
    text = response.read().decode(errors="replace")
    try:
        body = json.loads(text)
        detail = body.get("detail") or body.get("error")
    except (ValueError, AttributeError):
        detail = None
    return str(detail or f"The api answered with {response.status} {response.reason}.")
