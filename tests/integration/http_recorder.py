"""An HTTP server that remembers every request and answers as a test says."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from multidict import CIMultiDict


@dataclass(frozen=True)
class Asked:
    """What came."""

    method: str
    path: str
    """With its query."""
    headers: CIMultiDict[str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.raw)


@dataclass(frozen=True)
class Reply:
    """How it is answered; `how` other than `plain` after the head, or instead of it."""

    status: int = 200
    body: Any = ""
    """Text, or what becomes JSON."""
    headers: dict[str, str] = field(default_factory=dict)
    how: Literal["plain", "hang", "reset", "endless", "half"] = "plain"


@dataclass
class Recorder:
    """`reply` decides about each request."""

    reply: Callable[[Asked], Reply] = lambda _: Reply()
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Remember and answer."""
        asked = Asked(request.method, request.raw_path, CIMultiDict(request.headers), await request.read())
        self.asked.append(asked)
        reply = self.reply(asked)
        assert request.transport is not None
        if reply.how == "hang":
            await self.over.wait()
        if reply.how == "reset":
            request.transport.abort()
        if reply.how in ("endless", "half"):
            return await self._streamed(request, reply)
        if isinstance(reply.body, str):
            return web.Response(status=reply.status, text=reply.body, headers=reply.headers)
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)

    async def _streamed(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        await response.prepare(request)
        try:
            await response.write(b"x")
            while reply.how == "endless" and not self.over.is_set():
                await response.write(b"x" * 65_536)
        except ConnectionError:
            return response  # whoever asked has had enough
        await self.over.wait()
        return response


@asynccontextmanager
async def recording(recorder: Recorder, tls: ssl.SSLContext | None = None) -> AsyncIterator[Recorder]:
    """`recorder` answers below its `url` for as long as the block lasts."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", recorder.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    recorder.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield recorder
    finally:
        recorder.over.set()
        await runner.cleanup()
