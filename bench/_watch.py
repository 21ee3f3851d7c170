"""The four places where a posted sample's alert shows up, each watched as an outsider would."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
from aiohttp import web
from aiokafka import AIOKafkaConsumer

from bench._stack import Stack

TOPIC = "pantau.alerts.events"
POLL_SECONDS = 0.005
DEADLINE_SECONDS = 60.0


@dataclass
class Arrivals:
    """When what was pushed to us came, by state: times of a monotonic clock, in seconds."""

    rule: str
    times: dict[str, list[float]] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def note(self, body: dict[str, Any]) -> None:
        """An alert event, or an alert in a webhook's body, has just come."""
        now = time.perf_counter()
        if body["rule"] == self.rule:
            async with self.changed:
                self.times.setdefault(body["state"], []).append(now)
                self.changed.notify_all()

    def count(self, state: str) -> int:
        """How many of `state` have come."""
        return len(self.times.get(state, []))

    async def next_after(self, state: str, seen: int) -> float:
        """When the one after the first `seen` of `state` came. TimeoutError after a minute."""
        async with asyncio.timeout(DEADLINE_SECONDS), self.changed:
            await self.changed.wait_for(lambda: self.count(state) > seen)
        return self.times[state][seen]


@asynccontextmanager
async def events(stack: Stack, rule: str) -> AsyncIterator[Arrivals]:
    """Alert events, read with a stock consumer from the topic's end on."""
    arrivals = Arrivals(rule)
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=stack.kafka, auto_offset_reset="latest")
    await consumer.start()
    await consumer.seek_to_end()

    async def read() -> None:
        async for record in consumer:
            await arrivals.note(json.loads(record.value))

    reading = asyncio.create_task(read())
    try:
        yield arrivals
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await consumer.stop()


@asynccontextmanager
async def webhooks(stack: Stack, rule: str) -> AsyncIterator[Arrivals]:
    """Requests of the notifier."""
    arrivals = Arrivals(rule)

    async def receive(request: web.Request) -> web.Response:
        for alert in (await request.json())["alerts"]:
            await arrivals.note(alert | {"state": alert["status"]})
        return web.Response()

    app = web.Application()
    app.router.add_post("/{path:.*}", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", stack.webhook_port).start()
    try:
        yield arrivals
    finally:
        await runner.cleanup()


async def when(condition: Callable[[], Awaitable[bool]]) -> float:
    """The time at which `condition`, asked again and again, first held. TimeoutError after a minute."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():  # noqa: ASYNC110  (what is looked at lies in other processes)
            await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter()


async def is_active(session: aiohttp.ClientSession, stack: Stack, rule: str) -> bool:
    """Whether GET /api/monitoring/alerts?status=active shows an alert of `rule`."""
    async with session.get(f"{stack.url}/api/monitoring/alerts", params={"status": "active"}) as response:
        response.raise_for_status()
        return any(one["name"] == rule for one in await response.json())


async def logged(connection: asyncpg.Connection, rule: str) -> tuple[int, int]:
    """(episodes, resolved ones) of `rule` in the table alert_logs."""
    row = await connection.fetchrow(
        "SELECT count(*) AS episodes, count(resolved_at) AS resolved FROM alert_logs WHERE alert_type = $1", rule
    )
    assert row is not None
    return row["episodes"], row["resolved"]
