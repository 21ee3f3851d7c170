"""The whole simulated provider at work: routers, WhatsApp gateway, billing application."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any, Self

import aiohttp
from pantau import Settings as SdkSettings

from infra.simulator.application.running import Application
from infra.simulator.passing import Now
from infra.simulator.provider import Provider
from infra.simulator.routeros.fleet import Fleet
from infra.simulator.sections import Gateway, Ports, section
from infra.simulator.whatsapp.gateway import Plan as GatewayPlan
from infra.simulator.whatsapp.served import ServedGateway

PATIENCE = aiohttp.ClientTimeout(total=5)


class World:
    """Use it as an async context manager: everything listens inside it.

    Without `dsn`, that of a database of the billing application's own whose tables are made anew, there is no
    application. `per_minute`: how many requests its users make at the busiest time.
    """

    def __init__(
        self,
        provider: Provider,
        now_ms: Now,
        *,
        ports: Ports | None = None,
        dsn: str | None = None,
        sdk: SdkSettings | None = None,
        per_minute: float = 60.0,
    ) -> None:
        self.provider, self.now_ms, self._dsn = provider, now_ms, dsn
        ports = ports or Ports()
        self.fleet = Fleet(provider.plans, ports.routers, now_ms=now_ms)
        self.gateway = ServedGateway(GatewayPlan(provider.seed), ports.gateway, now_ms=now_ms)
        self.application: Application | None = None
        if dsn is not None:
            settings = sdk or SdkSettings(service="billing")
            self.application = Application(provider, dsn, settings, now_ms, self._notify, ports.application, per_minute)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as parts:
            await parts.enter_async_context(self.fleet)
            await parts.enter_async_context(self.gateway)
            self._messages = await parts.enter_async_context(aiohttp.ClientSession(timeout=PATIENCE))
            if self.application is not None:
                await parts.enter_async_context(self.application)
            self._parts = parts.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def go_on(self) -> None:
        """Have done what has come due since the last time."""
        await self.gateway.tick()
        if self.application is not None:
            await self.application.catch_up()

    def section(self, books: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What `pantau.yaml` must hold so that a Pantau watches this world; `books` as `sections.database` has it."""
        routers = {name: served.port for name, served in self.fleet.routers.items()}
        return section(self.provider, routers, Gateway.at(self.gateway.port), books)

    def routers_at(self, site: str) -> Sequence[str]:
        """The routers of a site. KeyError if there is none of that name."""
        return {one.name: one.routers for one in self.provider.sites}[site]

    async def _notify(self, number: str, text: str) -> bool:
        """Send a text over WhatsApp, as the application does; whether the gateway took it."""
        url, key = f"{self.gateway.url}/api/sendText", self.gateway.plan.api_key
        body = {"session": "default", "chatId": f"{number}@c.us", "text": text}
        try:
            async with self._messages.post(url, json=body, headers={"X-Api-Key": key}) as response:
                return response.status == HTTPStatus.CREATED
        except (aiohttp.ClientError, TimeoutError):
            return False
