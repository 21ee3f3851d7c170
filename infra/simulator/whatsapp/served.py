"""The gateway on a port: use it as an async context manager."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from aiohttp import web

from infra.simulator.whatsapp.api import STATUS_PATH, Api
from infra.simulator.whatsapp.faults import Trouble
from infra.simulator.whatsapp.gateway import Gateway, Plan
from infra.simulator.whatsapp.webhooks import Webhooks
from shared import clock

EVERY_SECONDS = 1.0


class ServedGateway:
    """A gateway that answers inside the context, on `port`; 0 takes a free one.

    `gateway` has the methods that break it (`log_out`, `stick`, `fail`, ...) and the truth about it, `trouble` what is
    wrong with its HTTP API. With `webhook_url` it tells what happens there. It moves when it is asked, when `tick` is
    called, and with `by_itself` every second of the real time.
    """

    def __init__(
        self,
        plan: Plan,
        port: int = 0,
        host: str = "127.0.0.1",
        now_ms: Callable[[], int] = clock.now_ms,
        webhook_url: str = "",
        *,
        by_itself: bool = False,
    ) -> None:
        self.plan, self.port, self.trouble = plan, port, Trouble()
        self._host, self._now_ms, self._by_itself = host, now_ms, by_itself
        self.gateway = Gateway(plan, now_ms())
        self.api = Api(self.gateway, self.trouble, now_ms)
        self.webhooks = Webhooks(self.gateway, webhook_url) if webhook_url else None
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self._host}:{self.port}"

    @property
    def status_url(self) -> str:
        """The billing application's page about its queue."""
        return self.url + STATUS_PATH

    async def __aenter__(self) -> Self:
        await self.switch_on()
        if self._by_itself:
            self._ticking = asyncio.create_task(self._tick_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
        await self.switch_off()

    async def switch_on(self) -> None:
        """Listen, on the same port as before."""
        # What hangs on purpose must not hold up the end.
        self._runner = web.AppRunner(self.api.application(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def switch_off(self) -> None:
        """The gateway is gone: connections are refused."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def tick(self) -> None:
        """Let the time pass up to now, and tell what happened."""
        self.gateway.advance(self._now_ms())
        if self.webhooks is not None:
            await self.webhooks.deliver()
        else:
            self.gateway.happened.clear()

    async def _tick_on(self) -> None:
        while True:
            await self.tick()
            await asyncio.sleep(EVERY_SECONDS)
