"""The simulated provider as a whole: what happens to it shows where it should; the past is lived through in order."""

import aiohttp
import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.simulator.days import lived
from infra.simulator.happening import happen
from infra.simulator.passing import SteppedTime
from infra.simulator.provider import provider
from infra.simulator.scenarios import all_scenarios
from infra.simulator.scenarios import events as e
from infra.simulator.watching import Watcher
from infra.simulator.world import World
from tests.conftest import eventually
from tests.integration.routers import SOMETIME_MS

MINUTE_MS = 60_000


async def test_a_past_is_lived_through_on_its_grid_with_a_scenario_a_day() -> None:
    time, until_ms = SteppedTime(SOMETIME_MS, 30 * MINUTE_MS), SOMETIME_MS + 36 * 3_600_000
    async with World(provider(1, "9", pppoe=10, hotspot=2), time) as world:
        moments = [one async for one in lived(world, time, [all_scenarios()["router-down"]], until_ms)]
    assert [one.at_ms for one in moments] == list(range(SOMETIME_MS, until_ms, 30 * MINUTE_MS))
    for one in moments:
        assert {sample.time_ms for read in one.reads for sample in read.samples} == {one.at_ms}
    series = {sample.series for one in moments for read in one.reads for sample in read.samples}
    assert 'mikrotik_up{router="kota-1"}' in series
    assert not [one for one in series if "latency" in one or "canary" in one]
    days = {(one.at_ms - SOMETIME_MS) // 86_400_000 for one in moments if one.steps}
    assert 0 in days, "the first day has its incident"


async def test_what_happens_on_a_router_is_read_from_it() -> None:
    time = SteppedTime(SOMETIME_MS, MINUTE_MS, drift=True)
    async with World(provider(2, "9", pppoe=50, hotspot=4), time) as world:
        watcher = Watcher(world.section())

        async def read(down: str = "") -> dict[str, float]:
            """A reading in which only the router that is down did not answer: on a busy machine others may be late."""

            async def whole() -> dict[str, float] | None:
                found = {one.series: one.value for part in await watcher.read(time()) for one in part.samples}
                up = {name: found.get(f'mikrotik_up{{router="{name}"}}') for name in ("kota-1", "kota-2")}
                return found if all(value == (name != down) for name, value in up.items()) else None

            return await eventually(whole)

        pppoe = 'mikrotik_active_users{router="kota-1",service="pppoe"}'
        before = await read()
        await happen(world, e.CutOff("kota-1", 20))
        await happen(world, e.LinkLost("kota-1", "ether3-radio"))
        time.step()
        after = await read()
        assert after['mikrotik_disabled_users{router="kota-1",service="pppoe"}'] == 20
        assert before[pppoe] - 20 <= after[pppoe] < before[pppoe]
        assert after['mikrotik_interface_running{interface="ether3-radio",router="kota-1"}'] == 0
        await happen(world, e.RouterUnreachable("kota-1"))
        time.step()
        gone = await read(down="kota-1")
        assert not any("disabled_users" in series and "kota-1" in series for series in gone)
        await happen(world, e.RouterReachable("kota-1"))
        await happen(world, e.LetIn("kota-1"))
        time.step()
        back = await read()
        assert back[pppoe] == pytest.approx(before[pppoe], abs=3)
        assert back['mikrotik_uptime_seconds{router="kota-1"}'] > before['mikrotik_uptime_seconds{router="kota-1"}']


async def test_what_the_application_was_asked_is_in_its_database_and_its_metrics(empty_database: str) -> None:
    time = SteppedTime(SOMETIME_MS, 10 * MINUTE_MS)
    async with World(provider(1, "9", pppoe=20, hotspot=5), time, dsn=empty_database, per_minute=20) as world:
        assert world.application is not None
        connection = await asyncpg.connect(empty_database)
        paid = "SELECT count(*) FILTER (WHERE status = 'paid'), count(*) FILTER (WHERE status = 'failed') FROM payments"
        began = await connection.fetchrow(paid)
        time.step()
        await world.go_on()
        await happen(world, e.PaymentsFailing())
        time.step()
        await world.go_on()
        ended = await connection.fetchrow(paid)
        await connection.close()
        assert began is not None
        assert ended is not None
        answers = world.application.answers
        assert ended[0] - began[0] == answers["201"] > 0
        assert ended[1] == answers["502"] > 0
        assert sum(answers.values()) > 100
        url = f"http://127.0.0.1:{world.application.port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            families = {one.name: one for one in text_string_to_metric_families(await response.text())}
        told = {
            one.labels["status_code"]: one.value
            for one in families["http_requests"].samples
            if one.name == "http_requests_total" and one.labels["route"] == "/payments"
        }
        assert told == {"201": answers["201"], "502": answers["502"]}
        assert len(world.gateway.gateway.messages) >= answers["201"], "each payment has a receipt"
