"""A webhook receiver that fails as receivers do, and remembers what it was sent and what it answered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from shared import clock

Answer = int | Literal["late", "hang", "reset", "lost", "garbage"]
"""A status; or 200 once `hanging` is set; or no answer, a connection that is cut, one that is cut although it took what
came, bytes that are not HTTP."""


@dataclass(frozen=True)
class Request:
    """What came, and how it was answered."""

    id: str
    headers: dict[str, str]
    raw: bytes
    body: dict[str, Any]
    """Pantau's own format."""
    answer: Answer
    at: float = field(default_factory=clock.elapsed)
    """When, in seconds of a clock that never jumps."""

    @property
    def alert(self) -> dict[str, Any]:
        """The first of its alerts."""
        found: dict[str, Any] = self.body["alerts"][0]
        return found


@dataclass
class Receiver:
    """`answer` decides about each request; `requests` are in the order in which they were answered."""

    answer: Callable[[str], Answer] = lambda _: 200
    retry_after: str | None = None
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def taken(self) -> list[Request]:
        """Those that were answered with 200."""
        return [one for one in self.requests if one.answer == 200]

    def states(self, rule: str) -> list[str]:
        """The states of an alert that were taken, in order."""
        return [one.alert["status"] for one in self.taken if one.alert["rule"] == rule]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as `answer` says."""
        identity = request.headers["webhook-id"]
        answer = self.answer(identity)
        raw = await request.read()
        if isinstance(answer, int) and (request.transport is None or request.transport.is_closing()):
            answer = "lost" if answer < 300 else "reset"  # whoever asked is gone
        self.requests.append(Request(identity, dict(request.headers), raw, await request.json(), answer))
        if isinstance(answer, int):
            headers = {"Location": "/elsewhere"} if 300 <= answer < 400 else {}
            if self.retry_after is not None and answer in (429, 503):
                headers["Retry-After"] = self.retry_after
            return web.Response(status=answer, headers=headers)
        assert request.transport is not None
        if answer in ("late", "hang"):
            await self.hanging.wait()
            return web.Response(status=200 if answer == "late" else 500)
        if answer == "garbage":
            request.transport.write(b"this is not HTTP\r\n\r\n")
            request.transport.close()
        else:
            request.transport.abort()
        return web.Response(status=500)


@asynccontextmanager
async def listening(receiver: Receiver, port: int = 0) -> AsyncIterator[Receiver]:
    """`receiver` answers at its `url` for as long as the block lasts."""
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        receiver.hanging.set()
        await runner.cleanup()
