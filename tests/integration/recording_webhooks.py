"""Webhooks below one address that take everything and remember it: `PATH` and JSON, in the order of arrival."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Recorder:
    """What came."""

    url: str = ""
    """Ends with a slash."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The path below the URL, and the body."""

    async def handle(self, request: web.Request) -> web.Response:
        """Take it."""
        self.requests.append((request.match_info["path"], await request.json()))
        return web.Response()


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """They answer for as long as the block lasts."""
    recorder = Recorder()
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/{path:.*}", recorder.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield recorder
    finally:
        await runner.cleanup()
