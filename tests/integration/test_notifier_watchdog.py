"""The watchdog with a real Kafka that is stopped, heartbeats that stop, and people who hear of both by webhook."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiohttp import web
from prometheus_client import REGISTRY
from pydantic import SecretStr

from infra.local import ports
from services.notifier.channels.webhook import Webhook, WebhookSettings
from services.notifier.core.postable import Outside
from services.notifier.direct import Target
from services.notifier.ping import Ping
from services.notifier.watchdog import Watchdog
from shared import clock
from shared.bus import BusUnavailable, Outgoing, Producer
from shared.messages.heartbeats import Heartbeat
from shared.messages.topics import HEARTBEATS
from shared.routing.watchdog_settings import PingSettings, WatchdogSettings
from tests.conftest import clean_environment, eventually, run_module
from tests.integration.programs import RestartableKafka, running
from tests.integration.webhook_receiver import Receiver, listening

Service = Literal["alerting", "notifier"]
BUS, ALERTING = "pantau_bus_silent", "pantau_alerting_silent"


@dataclass
class Beats:
    """Heartbeats of the services named, as they send them."""

    producer: Producer
    of: set[Service] = field(default_factory=lambda: {"alerting", "notifier"})

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for service in sorted(self.of):
                with suppress(BusUnavailable):
                    await self.producer.send(Outgoing(HEARTBEATS, f"{service}/a", self._beat(service)), 1)
            await asyncio.sleep(0.3)

    def _beat(self, service: Service) -> Heartbeat:
        now_ms = clock.now_ms()
        return Heartbeat(
            service=service, instance="a", at=now_ms, started_at=now_ms, version="1", interval_ms=300, ready=True
        )


@asynccontextmanager
async def outside_service() -> AsyncIterator[tuple[str, list[str]]]:
    """(its URL, the paths that it was asked for)."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/ping/secret", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/ping/secret", asked
    finally:
        await runner.cleanup()


async def heard(receiver: Receiver, rule: str, *states: str) -> None:
    """Wait until the receiver has been told these states of an alert."""

    async def look() -> bool:
        return receiver.states(rule) == list(states)

    await eventually(look)


async def asked_again(asked: list[str], more: int = 2) -> None:
    """Wait for so many more requests."""
    wanted = len(asked) + more

    async def look() -> bool:
        return len(asked) >= wanted

    await eventually(look)


async def withheld_again(more: int = 2) -> None:
    """Wait until so many more requests were not made because all is not well."""

    def withheld() -> float:
        return REGISTRY.get_sample_value("pantau_watchdog_pings_total", {"outcome": "withheld"}) or 0.0

    wanted = withheld() + more

    async def look() -> bool:
        return withheld() >= wanted

    await eventually(look)


async def test_silence_is_told_past_the_bus_and_so_is_its_end(tmp_path: Path) -> None:
    kafka = RestartableKafka(tmp_path)
    receiver = Receiver(answer=lambda _: 200 if receiver.requests else 503)  # the first attempt fails
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listening(receiver))
        url, asked = await stack.enter_async_context(outside_service())
        producer = Producer(kafka.bootstrap, "test")
        channel = Webhook(
            WebhookSettings(url=SecretStr(receiver.url), format="pantau"), Outside("http://localhost", {})
        )
        settings = WatchdogSettings(silent_after="3s", startup_grace="0", stagger="0")
        with kafka.there():
            run_module("infra.topics", PANTAU_KAFKA__BOOTSTRAP=kafka.bootstrap)
        # Nothing is there at the start: that is the first thing to be told.
        targets = [Target("boss", "boss/webhook/0", channel)]
        watchdog = Watchdog(settings, "a", kafka.bootstrap, producer, lambda: targets, lambda: True, "en")
        beats = Beats(producer)
        ping = Ping(PingSettings(url=SecretStr(url), interval="1s"), lambda: watchdog.is_well)
        work = [asyncio.create_task(one) for one in (producer.start(), watchdog.run(), beats.run(), ping.run())]
        try:
            await heard(receiver, BUS, "firing")
            assert asked == []
            with kafka.there():
                await heard(receiver, BUS, "firing", "resolved")
                await asked_again(asked)
                beats.of = {"notifier"}
                await heard(receiver, ALERTING, "firing")
                before = len(asked)
                await withheld_again()
                assert len(asked) == before
                beats.of = {"notifier", "alerting"}
                await heard(receiver, ALERTING, "firing", "resolved")
                await asked_again(asked)
            await heard(receiver, BUS, "firing", "resolved", "firing")
            with kafka.there():
                await heard(receiver, BUS, "firing", "resolved", "firing", "resolved")
            assert receiver.states(ALERTING) == ["firing", "resolved"]
            assert [one.answer for one in receiver.requests[:2]] == [503, 200]
            assert receiver.requests[0].id == receiver.requests[1].id
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await producer.stop()
            await channel.close()


def unreachable() -> dict[str, str]:
    """The environment of a notifier whose bus is away."""
    nobody, admin = ports.free(2)
    return {"PANTAU_KAFKA__BOOTSTRAP": f"127.0.0.1:{nobody}", "PANTAU_NOTIFIER__ADMIN__PORT": str(admin)}


def notifications(url: str, **more: object) -> str:
    """The section, with the receiver `boss` for what is critical."""
    webhook = {"url": url, "format": "pantau"}
    return json.dumps(
        {
            "route": {"receiver": "ops", "routes": [{"matchers": ['severity="critical"'], "receiver": "boss"}]},
            "receivers": [{"name": "ops"}, {"name": "boss", "webhook_configs": [webhook]}],
            **more,
        }
    )


async def test_a_notifier_that_starts_without_a_bus_says_so(tmp_path: Path) -> None:
    async with listening(Receiver()) as receiver:
        file = tmp_path / "pantau.yaml"
        watchdog = {"silent_after": "2s", "startup_grace": "0"}
        environment = {"PANTAU_CONFIG": str(file), "PANTAU_HEARTBEAT__INTERVAL_SECONDS": "0.5", **unreachable()}
        file.write_text(f'{{"notifications": {notifications(receiver.url, watchdog=watchdog)}}}')
        with running("services.notifier", tmp_path / "notifier.log", **environment):
            await heard(receiver, BUS, "firing")


async def test_a_test_message_needs_neither_bus_nor_api(tmp_path: Path) -> None:
    async with listening(Receiver()) as receiver:
        file = tmp_path / "pantau.yaml"
        file.write_text(f'{{"notifications": {notifications(receiver.url)}}}')
        environment = {"PANTAU_CONFIG": str(file), **unreachable()}

        async def send(to: str) -> tuple[int, list[dict[str, object]]]:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.notifier.send_test", to),
                env=clean_environment(**environment),
                stdout=asyncio.subprocess.PIPE,
            )
            output, _ = await process.communicate()
            return process.returncode or 0, [json.loads(line) for line in output.splitlines()]

        status, (told,) = await send("boss")
        assert (status, told["destination"], told["state"]) == (0, "boss/webhook/0", "sent")
        assert receiver.states("pantau_test") == ["firing"]
        receiver.answer = lambda _: 400
        status, (told,) = await send("boss")
        assert (status, told["state"], told["reason"]) == (1, "failed", "http_400: the receiver answered 400")
        assert (await send("nobody"))[0] == 2
        assert (await send("ops"))[0] == 2  # it leads nowhere
