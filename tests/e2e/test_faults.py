"""Every process is killed in turn while samples come in: nothing is lost, nothing is there twice."""

import asyncio
import os
from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.conftest import eventually
from tests.e2e.conftest import SERVICES, Client, Recorder, Stack

pytestmark = pytest.mark.faults

# Each victim so many times; 20 kills in all, and more, are run before a release.
ROUNDS = max(1, round(int(os.environ.get("PANTAU_TEST_KILLS", "3")) / 3))


@pytest.mark.timeout(1_800)
async def test_nothing_is_lost_when_anything_is_killed(stack: Stack, client: Client, recorder: Recorder) -> None:
    await client.rule("fault_alert", "fault_metric > 100")
    posted: list[tuple[str, float]] = []
    states = 0
    for number, victim in enumerate([*SERVICES, "kafka", "postgres"] * ROUNDS):
        await asyncio.to_thread(stack.kill, victim)
        # Up and down again while the victim is coming back: two samples of the alert, and a stream beside them.
        for value in (123.0, 50.0):
            await client.sample("fault_metric", value)
            posted.append(("fault_metric", value))
            for stream in range(5):
                await client.sample("fault_stream", number, stream=str(stream), while_at=str(value))
                posted.append(("fault_stream", number))
            states += 1
            await eventually(partial(_count, recorder, "fault_alert", states), 120)

    assert recorder.states("fault_alert") == ["firing", "resolved"] * (states // 2)
    bodies: dict[str, Any] = {}
    for delivery in recorder.of("fault_alert"):
        assert bodies.setdefault(delivery.alert["event_id"], delivery.id) == delivery.id, "a second id for one event"

    connection = await eventually(lambda: _connected(stack.dsn))
    try:

        async def all_there() -> bool:
            count = await connection.fetchval(
                "SELECT count(*) FROM metrics WHERE metric_name IN ('fault_metric', 'fault_stream')"
            )
            return bool(count >= len(posted))

        await eventually(all_there, 120)
        rows = await connection.fetch(
            "SELECT metric_name, labels::text AS labels, timestamp, value FROM metrics"
            " WHERE metric_name IN ('fault_metric', 'fault_stream') ORDER BY timestamp"
        )
        assert len({(row["metric_name"], row["labels"], row["timestamp"]) for row in rows}) == len(rows), "a row twice"
        stored = sorted((row["metric_name"], float(row["value"])) for row in rows)
        # A post whose answer was lost in a kill was sent again, with a later time: it may be there beside its repeat,
        # but every one that was acknowledged is there.
        missing = list(posted)
        for row in stored:
            if row in missing:
                missing.remove(row)
        assert missing == []
        episodes = await connection.fetch(
            "SELECT episode, count(*) FROM alert_logs WHERE alert_type = 'fault_alert' GROUP BY episode"
        )
        assert len(episodes) == states // 2
        assert all(row["count"] == 1 for row in episodes)
    finally:
        await connection.close()


@pytest.mark.timeout(600)
async def test_alerts_need_no_database(stack: Stack, client: Client, recorder: Recorder) -> None:
    await client.rule("dark_alert", "dark_metric > 100")
    await client.sample("dark_metric", 1)
    await asyncio.to_thread(stack.stop, "postgres")
    try:
        # An api that is started now learns of tokens and rules from the bus alone.
        await asyncio.to_thread(stack.cli, "restart", "api")
        await client.sample("dark_metric", 123)
        await eventually(lambda: _count(recorder, "dark_alert", 1))
        (alert,) = await eventually(lambda: client.active("dark_alert"))
        assert alert["status"] == "firing"

        async def database_is_unhealthy() -> bool:
            health = await client.get("/api/monitoring/health")
            return bool(health["checks"]["database"]["status"] == "unhealthy" and health["status"] == "unhealthy")

        await eventually(database_is_unhealthy)
        await eventually(lambda: _count(recorder, "database_connection_failed", 1))
    finally:
        await asyncio.to_thread(stack.start, "postgres")
    connection = await eventually(lambda: _connected(stack.dsn))
    try:

        async def history_has_it() -> bool:
            values = await connection.fetch(
                "SELECT value FROM metrics WHERE metric_name = 'dark_metric' ORDER BY timestamp"
            )
            logged = await connection.fetchval("SELECT count(*) FROM alert_logs WHERE alert_type = 'dark_alert'")
            return [float(row["value"]) for row in values] == [1, 123] and logged == 1

        await eventually(history_has_it)
    finally:
        await connection.close()


async def _connected(dsn: str) -> asyncpg.Connection | None:
    try:
        return await asyncpg.connect(dsn, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return None


async def _count(recorder: Recorder, rule: str, count: int) -> bool:
    return len(recorder.states(rule)) >= count
