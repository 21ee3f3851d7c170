"""The whatsapp source against the simulated gateway: every value is compared with the simulator's own truth."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from infra.simulator.whatsapp.faults import Fault
from infra.simulator.whatsapp.served import ServedGateway
from services.collector.settings import Settings
from services.collector.source import Source
from services.collector.sources import whatsapp as source_module
from services.collector.sources.whatsapp import CanarySource, WhatsappSource, sources
from tests.integration.gateways import Values, entry, served, settings
from tests.integration.routers import StandingClock

CANARY = {"to": "628110000000@c.us", "deadline_seconds": 30}


@pytest.fixture
def time() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def gateway(time: StandingClock) -> AsyncIterator[ServedGateway]:
    async with served(time, per_minute=30.0, sessions=("default", "second")) as running:
        yield running


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "LOOK_SECONDS", 0.01)


def watching(path: Path, *gateways: dict[str, object], **more: object) -> list[Source]:
    return sources(settings(Settings, path, *gateways, **more))


async def read(one: Source, time: StandingClock) -> Values:
    return Values(await one.read(time()))


async def test_all_values_are_the_gateways(gateway: ServedGateway, time: StandingClock, tmp_path: Path) -> None:
    (one,) = watching(tmp_path, entry(gateway))
    time.move_on(1_800)
    await gateway.tick()
    gateway.gateway.stick()
    time.move_on(300)
    await gateway.tick()
    got = await read(one, time)
    truth = gateway.gateway
    assert (got.reading.failure, got.reading.problems, got.errors()) == ("", (), {})
    assert got.one("whatsapp_up") == 1
    assert got.one("whatsapp_info", gateway="billing", kind="waha", version="2026.10.1", engine="NOWEB") == 1
    assert got.one("whatsapp_queue_size") == len(truth.queue) > 0
    oldest = truth.oldest_ms()
    assert oldest is not None
    assert got.one("whatsapp_queue_oldest_message_age_seconds") == (time() - oldest) / 1000 > 200
    assert got.all("whatsapp_messages_total", "type", "status") == dict(truth.counted)
    assert sum(truth.counted.values()) > 1_000
    states = got.all("whatsapp_session_status", "session", "status")
    assert {key for key, value in states.items() if value} == {("default", "WORKING"), ("second", "WORKING")}
    assert got.all("whatsapp_session_connected", "session") == {"default": 1, "second": 1}
    counted = got.all("whatsapp_api_latency_seconds_count", "method", "endpoint")
    assert counted == {("GET", "/api/version"): 1, ("GET", "/api/sessions"): 1, ("GET", "status"): 1}


@pytest.mark.parametrize("state", ["STOPPED", "STARTING", "SCAN_QR_CODE", "FAILED"])
async def test_each_state_of_a_session_is_told(
    gateway: ServedGateway, time: StandingClock, tmp_path: Path, state: str
) -> None:
    (one,) = watching(tmp_path, entry(gateway))
    break_it: dict[str, Callable[[str], None]] = {
        "STOPPED": gateway.gateway.stop,
        "STARTING": gateway.gateway.start,
        "SCAN_QR_CODE": lambda name: gateway.gateway.log_out(name, noticed=True),
        "FAILED": gateway.gateway.fail,
    }
    break_it[state]("second")
    got = await read(one, time)
    found = got.all("whatsapp_session_status", "session", "status")
    assert {key for key, value in found.items() if value} == {("default", "WORKING"), ("second", state)}
    assert got.all("whatsapp_session_connected", "session") == {"default": 1, "second": 0}
    assert got.one("whatsapp_up") == 1, "the gateway itself answers"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        *((Fault.HANG, "timeout"), (Fault.GARBAGE, "bad_json"), (Fault.NONSENSE, "bad_value")),
        *((Fault.UNAUTHORIZED, "unauthorized"), (Fault.ERROR, "server_error"), (Fault.REDIRECT, "redirected")),
        *((Fault.HUGE, "too_large"), (Fault.DROP, "closed")),
    ],
)
async def test_what_is_wrong_is_told_apart_and_costs_nothing_else(
    gateway: ServedGateway, time: StandingClock, tmp_path: Path, fault: Fault, reason: str
) -> None:
    gateway.trouble.fault, gateway.trouble.path = fault, "/api/sessions"
    (one,) = watching(tmp_path, entry(gateway), deadline_seconds=1.0)
    got = await read(one, time)
    assert (got.reading.failure, got.errors(), got.one("whatsapp_up")) == (reason, {reason: 1}, 0)
    assert not got.has("whatsapp_session_status")
    assert got.one("whatsapp_queue_size") == len(gateway.gateway.queue), "the queue's page answers"
    gateway.trouble.fault = Fault.NONE
    got = await read(one, time)
    assert (got.reading.failure, got.errors(), got.one("whatsapp_up")) == ("", {reason: 1}, 1)


async def test_a_gateway_that_is_gone_and_a_wrong_key(
    gateway: ServedGateway, time: StandingClock, tmp_path: Path
) -> None:
    wrong = entry(gateway, waha={"url": gateway.url, "api_key": "wrong"})
    (one,) = watching(tmp_path, wrong)
    assert (await read(one, time)).errors() == {"unauthorized": 1}
    await gateway.switch_off()
    (one,) = watching(tmp_path, entry(gateway))
    got = await read(one, time)
    assert got.reading.failure == "refused"
    assert got.errors() == {"refused": 2}, "of both parts"
    await gateway.switch_on()
    assert (await read(one, time)).one("whatsapp_up") == 1


async def test_a_status_page_alone(gateway: ServedGateway, time: StandingClock, tmp_path: Path) -> None:
    pointers = {"connected": "/connected", "queue_size": "/queue/size", "oldest_seconds": "/queue/never"}
    (one,) = watching(tmp_path, {"name": "own", "status": {"url": gateway.status_url, **pointers}})
    gateway.gateway.fail("second")
    got = await read(one, time)
    assert got.all("whatsapp_session_connected", "session") == {"default": 0}
    assert got.one("whatsapp_session_status", status="disconnected") == 1
    assert (got.reading.failure, got.reading.problems) == ("", ("bad_value",)), "the pointer that leads nowhere"
    assert got.one("whatsapp_queue_size") == 0
    assert not got.has("whatsapp_queue_oldest_message_age_seconds")


async def test_a_number_at_meta(time: StandingClock, tmp_path: Path) -> None:
    asked: list[tuple[str, str | None]] = []
    answer: dict[str, object] = {"status": "CONNECTED", "quality_rating": "GREEN", "id": "106540352242922"}

    async def number(request: web.Request) -> web.Response:
        asked.append((request.path_qs, request.headers.get("Authorization")))
        return web.json_response(answer)

    app = web.Application()
    app.router.add_get("/v23.0/106540352242922", number)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/v23.0"
        cloud = {"phone_number_id": "106540352242922", "url": url, "access_token": "EAAG"}
        (one,) = watching(tmp_path, {"name": "meta", "cloud": cloud})
        got = await read(one, time)
        assert asked == [("/v23.0/106540352242922?fields=status,quality_rating", "Bearer EAAG")]
        assert got.one("whatsapp_session_connected", gateway="meta", session="106540352242922") == 1
        assert got.one("whatsapp_quality_rating", rating="GREEN") == 1
        answer |= {"status": "RESTRICTED", "quality_rating": "RED"}
        got = await read(one, time)
        assert got.one("whatsapp_session_status", status="RESTRICTED") == 1
        assert got.one("whatsapp_quality_rating", rating="RED") == 1
        assert got.one("whatsapp_session_connected") == 0
    finally:
        await runner.cleanup()


def canary_of(path: Path, gateway: ServedGateway, **more: object) -> CanarySource:
    status, canary = watching(path, entry(gateway, canary=CANARY | more))
    assert isinstance(status, WhatsappSource)
    assert isinstance(canary, CanarySource)
    return canary


class HurryingClock(StandingClock):
    """A second passes each time somebody looks at it."""

    def __call__(self) -> int:
        self.move_on(1)
        return super().__call__()


async def test_a_canary_that_arrives(tmp_path: Path) -> None:
    time = HurryingClock()
    async with served(time) as gateway:
        await _canaries_arrive(canary_of(tmp_path, gateway), gateway, time)


async def _canaries_arrive(canary: CanarySource, gateway: ServedGateway, time: StandingClock) -> None:
    got = await read(canary, time)
    assert got.one("whatsapp_canary_up", gateway="billing", session="default") == 1
    assert got.one("whatsapp_canaries_total", result="acknowledged") == 1
    sent = [one for one in gateway.gateway.messages.values() if one.chat == CANARY["to"]]
    assert sent[0].text.startswith("Pantau canary 2026-03-04T")
    # Not due again: nothing is sent, the result is told anew.
    time.move_on(600)
    got = await read(canary, time)
    assert got.one("whatsapp_canaries_total", result="acknowledged") == 1
    time.move_on(301)
    got = await read(canary, time)
    assert got.one("whatsapp_canaries_total", result="acknowledged") == 2


async def test_a_gateway_that_lies_is_found_out(gateway: ServedGateway, time: StandingClock, tmp_path: Path) -> None:
    gateway.gateway.log_out("default")
    status, canary = watching(tmp_path, entry(gateway, canary=CANARY | {"deadline_seconds": 5}))
    canary._settings = canary._settings.model_copy(update={"deadline_seconds": 0.2})  # type: ignore[attr-defined]
    assert (await read(status, time)).one("whatsapp_session_connected", session="default") == 1
    got = await read(canary, time)
    assert (got.one("whatsapp_canary_up"), got.one("whatsapp_canaries_total", result="late")) == (0, 1)
    assert not got.has("whatsapp_canary_latency_seconds")
    assert got.reading.failure == "", "the reading did what it should"


async def test_a_canary_that_nobody_takes(gateway: ServedGateway, time: StandingClock, tmp_path: Path) -> None:
    gateway.gateway.fail("default")
    got = await read(canary_of(tmp_path, gateway), time)
    assert (got.one("whatsapp_canary_up"), got.one("whatsapp_canaries_total", result="unsent")) == (0, 1)
