"""A running api with a client, for tests."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import psycopg
import pytest
from psycopg import sql

from infra import accounts
from tests.conftest import eventually, run_module
from tests.integration.programs import page, running

ROLES = ("viewer", "operator", "admin", "ingest")
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass
class Api:
    """One api process."""

    url: str
    process: Popen[bytes]
    log: Path
    session: aiohttp.ClientSession
    tokens: dict[str, str]

    async def ask(self, method: str, path: str, role: str | None = "admin", **named: Any) -> Answer:
        """The answer to a request by the token of `role`; None: without credentials."""
        headers = dict(named.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        async with self.session.request(method, self.url + path, headers=headers, **named) as response:
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.headers.items()},
                await response.text(),
            )

    async def get(self, path: str, role: str | None = "admin", **named: Any) -> Answer:
        return await self.ask("GET", path, role, **named)

    async def push(self, *samples: dict[str, Any], role: str | None = "ingest") -> Answer:
        return await self.ask("POST", "/api/monitoring/metrics", role, json=list(samples))

    async def post_rule(self, **rule: Any) -> Answer:
        defaults = {"condition": "custom_metric > 100", "severity": "warning", "message": "too much"}
        return await self.ask("POST", "/api/monitoring/alerts/rules", "operator", json=defaults | rule)

    async def known(self) -> None:
        """Return once all tokens are known: they travel over the bus."""

        async def look() -> bool:
            answers = [await self.get("/api/session", role) for role in self.tokens]
            return all(answer.status == 200 for answer in answers)

        await eventually(look)

    async def counter(self, pattern: str) -> float:
        """The sum of the lines of /metrics that begin with what `pattern` matches."""
        text = (await self.get("/metrics", None)).text
        return sum(float(value) for value in re.findall(rf"^{pattern}\S* (\S+)$", text, re.MULTILINE))


def is_problem(answer: Answer, status: int) -> bool:
    """Whether it is a complete RFC 9457 problem; fails the test if not."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["status"] == status
    assert answer.body["title"]
    assert answer.body["detail"]
    assert answer.body["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    return True


def new_database(postgres_dsn: str) -> str:
    """A migrated database with the users sri (viewer) and budi (operator); it goes with its server."""
    name = f"test_api_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = urlunsplit(urlsplit(postgres_dsn)._replace(path=f"/{name}"))
    run_module("infra.migrations", PANTAU_DATABASE__DSN=dsn)
    for user, role in (("sri", "viewer"), ("budi", "operator")):
        accounts.create_user(dsn, user, PASSWORD, role)
    return dsn


def make_tokens(dsn: str) -> dict[str, str]:
    """A bearer token for each role."""
    return {role: accounts.create_token(dsn, f"test-{role}", role) for role in ROLES}


@asynccontextmanager
async def running_api(
    directory: Path, bootstrap: str, dsn: str, tokens: dict[str, str], **environment: str
) -> AsyncIterator[Api]:
    """An api that is ready, on a port of its own; it must drain in the end."""
    log = directory / "api.log"
    log.unlink(missing_ok=True)
    settings = {
        "PANTAU_KAFKA__BOOTSTRAP": bootstrap,
        "PANTAU_DATABASE__DSN": dsn,
        "PANTAU_API__PORT": "0",
        "PANTAU_API__RULE_FILES": "[]",
        "PANTAU_API__NAME": "test",
        "PANTAU_LOG__FORMAT": "json",
    }
    with running("services.api", log, **(settings | environment)) as process:
        url = await eventually(lambda: _url(log, process))
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            await eventually(lambda: _ready(url))
            yield Api(url, process, log, session, tokens)


async def _url(log: Path, process: Popen[bytes]) -> str:
    try:
        text = await asyncio.to_thread(log.read_text)
    except FileNotFoundError:
        return ""
    if process.poll() is not None:
        pytest.fail(f"api ended with {process.returncode}:\n{text[-5_000:]}")
    found = re.search(r'"url": ?"([^"]+)"', text)
    return found[1] if found else ""


async def _ready(url: str) -> bool:
    return (await page(f"{url}/health/ready"))[0] == 200


async def next_event(content: Any, kind: str) -> dict[str, Any]:
    """The data of the next event of a kind."""
    async with asyncio.timeout(30):
        while True:
            line = (await content.readline()).decode().strip()
            if line == f"event: {kind}":
                data: dict[str, Any] = json.loads((await content.readline()).decode().removeprefix("data: "))
                return data
