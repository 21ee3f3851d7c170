"""Many simulated routers in one process, each on a port of its own."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self

from infra.simulator.routeros.connection import Connection
from infra.simulator.routeros.faults import Trouble
from infra.simulator.routeros.router import Plan, Router
from shared import clock

# What a router that is first heard of has been up for.
UP_ALREADY_MS = 9 * 86_400_000


@dataclass
class Served:
    """A router that is reachable, unless it is switched off."""

    router: Router
    port: int
    trouble: Trouble = field(default_factory=Trouble)
    connections: int = 0
    """How many were made since the beginning."""
    _server: asyncio.Server | None = None
    _clients: set[asyncio.Task[None]] = field(default_factory=set)


class Fleet:
    """Use it as an async context manager: the routers listen inside it.

    `port` is that of the first router, the others follow; 0 gives each any free one. With `tls` they speak TLS only.
    """

    def __init__(
        self,
        plans: Iterable[Plan],
        port: int = 0,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self._host, self._tls, self._now_ms = host, tls, now_ms
        started = now_ms() // 1000 * 1000 - UP_ALREADY_MS
        self.routers = {
            plan.name: Served(Router(plan, started), port + number if port else 0) for number, plan in enumerate(plans)
        }

    async def __aenter__(self) -> Self:
        try:
            for name in self.routers:
                await self._listen(self.routers[name])
        except OSError:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in self.routers:
            await self.switch_off(name)

    async def switch_off(self, name: str) -> None:
        """The router is gone: connections end, new ones are refused."""
        served = self.routers[name]
        if served._server is not None:
            served._server.close()
            served._server = None
        await self.drop_connections(name)

    async def switch_on(self, name: str) -> None:
        """It has power again: it starts, on the same port, with counters at zero."""
        served = self.routers[name]
        served.router.reboot(self._now_ms() // 1000 * 1000, unclean=True)
        await self._listen(served)

    async def drop_connections(self, name: str) -> None:
        """End the connections of the router; it takes new ones."""
        clients = list(self.routers[name]._clients)
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _listen(self, served: Served) -> None:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            served.connections += 1
            connection = Connection(served.router, served.trouble, self._now_ms, reader, writer)
            task = asyncio.create_task(connection.serve())
            served._clients.add(task)
            task.add_done_callback(served._clients.discard)

        served._server = await asyncio.start_server(connected, self._host, served.port, ssl=self._tls)
        served.port = served._server.sockets[0].getsockname()[1]
