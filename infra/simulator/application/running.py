"""The application at work: its server on a port, its database, its machine, and the people who use it."""

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Self

import aiohttp
import uvicorn
from pantau import Pantau, Settings

from infra.simulator.application.app import Notify, PaymentProvider, application
from infra.simulator.application.books import Books
from infra.simulator.application.customers import subscribers
from infra.simulator.application.machine import Machine
from infra.simulator.application.traffic import Request, requests_between
from infra.simulator.passing import Now
from infra.simulator.provider import Provider

HOST = "127.0.0.1"
AT_ONCE = 8
MOST_DUE = 2_000
DEADLINE_SECONDS = 30.0
START_SECONDS = 10.0


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs it."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


class Application:
    """Use it as an async context manager: it serves inside it. `answers` counts what its users were answered."""

    def __init__(
        self,
        provider: Provider,
        dsn: str,
        settings: Settings,
        now_ms: Now,
        notify: Notify,
        port: int,
        per_minute: float,
    ) -> None:
        """`dsn` is that of a database of its own, whose tables are made anew; `per_minute` how many requests come at
        the busiest time of the day."""
        self.client = Pantau(settings, others=())
        self.machine = Machine(self.client, now_ms)
        self.payments = PaymentProvider()
        self.port, self.answers, self.left_out = port, Counter[str](), 0
        self._seed, self._dsn, self._now_ms, self._notify = provider.seed, dsn, now_ms, notify
        self._customers, self._per_minute, self._until_ms = subscribers(provider), per_minute, now_ms()
        self.books: Books

    async def __aenter__(self) -> Self:
        self.books = await Books.open(self._dsn, self._customers, self._until_ms, self.client)
        app = application(self.client, self.books, self.payments, self._notify, self._now_ms)
        # Bound here, so that a port that is taken is an OSError and not the end of the process.
        self._socket = socket.create_server((HOST, self.port))
        self.port = self._socket.getsockname()[1]
        self._server = _Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"))
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        async with asyncio.timeout(START_SECONDS):
            while not self._server.started:  # noqa: ASYNC110  (uvicorn has nothing to wait for)
                await asyncio.sleep(0.01)
        self._session = aiohttp.ClientSession(
            f"http://{HOST}:{self.port}", timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS)
        )
        self.client.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        self._server.should_exit = True
        await self._serving
        self._socket.close()
        await asyncio.to_thread(self.client.close)
        await self.books.close()

    async def catch_up(self) -> None:
        """Have all requests made that have come due since the last time. What is beyond the most that a moment may
        bring (the time was moved on far) is left out and counted."""
        now_ms = self._now_ms()
        due = list(requests_between(self._customers, self._seed, self._per_minute, self._until_ms, now_ms))
        self._until_ms = now_ms
        self.left_out += max(0, len(due) - MOST_DUE)
        await self._make(due[-MOST_DUE:])

    async def _make(self, due: Sequence[Request]) -> None:
        waiting = list(reversed(due))

        async def user() -> None:
            while waiting:
                self.answers[await self._ask(waiting.pop())] += 1

        await asyncio.gather(*(user() for _ in range(min(AT_ONCE, len(due)))))

    async def _ask(self, request: Request) -> str:
        try:
            async with self._session.request(request.method, request.path, json=request.body) as response:
                await response.read()
                return str(response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__
