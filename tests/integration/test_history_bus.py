"""History as a program between a real Kafka and a real PostgreSQL: everything once, and nothing stops it for long."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaProducer

from infra.local import ports, postgres
from infra.local.processes import child
from services.history.completeness import Completeness
from services.history.stream import Stream
from services.history.writer import CONSUMED
from shared import clock
from shared.bus import BrokerClock, Consumer, Outgoing, Producer
from shared.messages.audit import AuditEntry
from shared.messages.dead_letters import DeadLetter
from shared.messages.requests import RequestLog, RequestLogBatch
from shared.messages.samples import Sample, SampleBatch
from shared.messages.topics import (
    AUDIT,
    DEAD_LETTERS,
    REQUESTS,
    SAMPLES,
)
from shared.service import Readiness
from shared.storage import complete_until
from tests.conftest import clean_environment, eventually, run_module
from tests.integration.history_messages import one_of_each, samples
from tests.integration.history_rig import Rig
from tests.integration.programs import page, records, running

SERIES = 50
KILLS = int(os.environ.get("PANTAU_TEST_KILLS", "3"))


def environment(bootstrap: str, dsn: str) -> tuple[dict[str, str], int]:
    """(settings, port of the admin pages)"""
    (admin,) = ports.free()
    return (
        {
            "PANTAU_KAFKA__BOOTSTRAP": bootstrap,
            "PANTAU_DATABASE__DSN": dsn,
            "PANTAU_HISTORY__ADMIN__PORT": str(admin),
        },
        admin,
    )


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


COUNTS = """
SELECT
    (SELECT count(*) FROM metrics WHERE metric_name = $1) AS metrics,
    (SELECT count(*) FROM health_check_results WHERE service_name = $1) AS health,
    (SELECT count(*) FROM api_performance_logs WHERE request_id = $1) AS requests,
    (SELECT count(*) FROM alert_events WHERE rule = $1) AS events,
    (SELECT count(*) FROM alert_logs WHERE alert_type = $1 AND resolved_at > created_at) AS episodes,
    (SELECT count(*) FROM rule_history WHERE group_name = $1) AS rules,
    (SELECT count(*) FROM silence_history WHERE silence_id = $1) AS silences,
    (SELECT count(*) FROM notification_log WHERE event_id = $1) AS notifications,
    (SELECT count(*) FROM notification_log
        WHERE alert_id = $1 AND muted_until > muted_since AND untold = '["ops/webhook/0"]') AS muted,
    (SELECT count(*) FROM audit_log WHERE id = $1) AS audit
"""
ONCE = {
    "metrics": 3,
    "health": 1,
    "requests": 1,
    "events": 3,
    "episodes": 1,
    "rules": 2,
    "silences": 1,
    "notifications": 3,
    "muted": 1,
    "audit": 1,
}


async def has_it_once(dsn: str, mark: str) -> None:
    """Wait until what `one_of_each(mark)` says is stored; each thing once."""
    async with connected(dsn) as connection:

        async def all_there() -> bool:
            found = dict(await connection.fetchrow(COUNTS, mark) or {})
            assert all(found[table] <= count for table, count in ONCE.items()), found
            return found == ONCE

        await eventually(all_there)


async def caught_up(dsn: str, connection: "asyncpg.Connection[asyncpg.Record]", bootstrap: str) -> None:
    """Wait until all that is on the bus has been stored."""
    ends = {topic.name: sum(1 for _ in await records(bootstrap, topic)) for topic in CONSUMED}

    async def stored() -> bool:
        rows = await connection.fetch(
            "SELECT topic, sum(next_offset)::int AS stored FROM history_offsets GROUP BY topic"
        )
        return {row["topic"]: row["stored"] or 0 for row in rows} == ends

    await eventually(stored)


def mark() -> str:
    return f"m_{uuid.uuid4().hex[:10]}"


async def test_every_topic_into_its_table_once_also_when_all_is_read_again(
    topics: str, producer: Producer, database_dsn: str, tmp_path: Path
) -> None:
    settings, admin = environment(topics, database_dsn)
    first = mark()
    await producer.send_all(one_of_each(first))
    with running("services.history", tmp_path / "history.log", **settings):
        await has_it_once(database_dsn, first)
        assert (await page(f"http://127.0.0.1:{admin}/health/ready"))[0] == 200
        _, metrics = await page(f"http://127.0.0.1:{admin}/metrics")
        assert 'pantau_history_rows_total{table="samples"}' in metrics
    async with connected(database_dsn) as connection:
        row = await connection.fetchrow("SELECT * FROM api_performance_logs WHERE request_id = $1", first)
        assert row is not None
        assert (str(row["ip_address"]), row["response_size"], row["response_time_ms"]) == ("192.0.2.7", 2**40, 2.5)
        await connection.execute("UPDATE history_offsets SET next_offset = NULL")
        second = mark()
        await producer.send_all(one_of_each(second))
        with running("services.history", tmp_path / "history.log", **settings):
            await has_it_once(database_dsn, second)
            await caught_up(database_dsn, connection, topics)
    await has_it_once(database_dsn, first)


async def test_garbage_and_what_the_database_refuses_become_dead_letters(
    topics: str, producer: Producer, database_dsn: str, tmp_path: Path
) -> None:
    settings, _ = environment(topics, database_dsn)
    bad, good = mark(), mark()
    raw = AIOKafkaProducer(bootstrap_servers=topics)
    await raw.start()
    for topic in CONSUMED:
        await raw.send_and_wait(topic.name, b"\xff\x00 garbage", key=bad.encode())
    await raw.stop()
    now = clock.now_ms()
    refused = [
        Outgoing(SAMPLES, bad, SampleBatch.of("push/x", [Sample(f'{bad}{{a="\0"}}', now, 1.0)])),
        Outgoing(AUDIT, bad, AuditEntry(id=bad, at=now, actor="a\0", action="a", subject="s")),
        Outgoing(AUDIT, bad, AuditEntry(id=bad + "j", at=now, actor="a", action="a", subject="s", after={"x": "\0"})),
        Outgoing(
            REQUESTS,
            bad,
            RequestLogBatch(
                source="x",
                requests=[
                    RequestLog(
                        id=bad,
                        method="GET",
                        route="/",
                        status_code=200,
                        response_time_ms=1,
                        timestamp=now,
                        request_size=2**70,
                    )
                ],
            ),
        ),
    ]
    await producer.send_all([*refused, *one_of_each(good)])
    with running("services.history", tmp_path / "history.log", **settings):
        await has_it_once(database_dsn, good)

        async def letters() -> list[DeadLetter]:
            found = [
                DeadLetter.decode(record.value or b"")
                for record in await records(topics, DEAD_LETTERS)
                if record.key == bad.encode()
            ]
            return found if len(found) >= len(CONSUMED) + len(refused) else []

        found = await eventually(letters)
    assert len(found) == len(CONSUMED) + len(refused)
    assert {one.topic for one in found if one.error == "BadMessage"} == {topic.name for topic in CONSUMED}
    assert all(one.consumer == "history" and one.reason for one in found)


async def test_history_knows_how_complete_it_is_also_while_nothing_comes(
    topics: str, producer: Producer, database_dsn: str, tmp_path: Path
) -> None:
    settings, _ = environment(topics, database_dsn)
    reader = Rig(database_dsn)

    async def beyond(instant_ms: int) -> int | None:
        found = await complete_until(reader.database)
        return found if found >= instant_ms else None

    try:
        with running("services.history", tmp_path / "history.log", **settings, PANTAU_HEARTBEAT__INTERVAL_SECONDS="1"):
            begun = await eventually(lambda: beyond(1))
            await eventually(lambda: beyond(begun + 3_000))
            sent = [await producer.send(samples(f"{mark()}_{number}", 1)) for number in range(5)]
            await eventually(lambda: beyond(max(one.accepted_ms for one in sent)))
            stored = await reader.rows(
                "SELECT partition, next_offset FROM history_offsets WHERE topic = $1", SAMPLES.name
            )
            offsets = {row["partition"]: row["next_offset"] for row in stored}
            assert all(offsets[one.partition] > one.offset for one in sent)
    finally:
        await reader.database.close()


async def test_two_that_fight_for_the_partitions_store_everything_once(
    topics: str, producer: Producer, database_dsn: str
) -> None:
    """Two groups, so that both believe to have every partition: as after a rebalance that one of them missed."""
    rigs = [Rig(database_dsn), Rig(database_dsn)]
    streams = [
        Stream(rig.writer, rig.database, Readiness(), Completeness(rig.database, BrokerClock()), 5) for rig in rigs
    ]
    consumers = [Consumer(topics, f"pantau.history-{mark()}", CONSUMED, producer, stream.locate) for stream in streams]
    first = mark()
    names = [mark() for _ in range(40)]
    fighting: list[asyncio.Task[None]] = []
    try:
        for consumer, stream in zip(consumers, streams, strict=True):
            await consumer.start()
            fighting.append(asyncio.create_task(stream.run(consumer)))
        for name in names:
            await producer.send_all([samples(name, 50), samples(name, 50, value=2.0)])
        await producer.send_all(one_of_each(first))
        await has_it_once(database_dsn, first)
        async with connected(database_dsn) as connection:
            await caught_up(database_dsn, connection, topics)
            counts = await connection.fetch(
                "SELECT metric_name, count(*) AS all, count(DISTINCT (series_id, timestamp)) AS once FROM metrics"
                " WHERE metric_name = ANY($1) GROUP BY 1",
                names,
            )
        assert len(counts) == len(names)
        assert {row["all"] - row["once"] for row in counts} == {0}
    finally:
        for task in fighting:
            task.cancel()
        outcomes = await asyncio.gather(*fighting, return_exceptions=True)
        for consumer, rig in zip(consumers, rigs, strict=True):
            await consumer.stop()
            await rig.database.close()
    assert all(isinstance(one, asyncio.CancelledError) for one in outcomes), outcomes


class RestartablePostgres:
    """A PostgreSQL at one address, that can be away or be killed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (self._port,) = ports.free()
        directory.mkdir()
        self._program = postgres.prepare(directory / "cluster", directory / "dsn", self._port)
        self.dsn = (directory / "dsn").read_text()

    @contextmanager
    def there(self) -> Iterator[int]:
        """It is there for as long as the block lasts; yields the pid to kill."""
        with child(self._program, self._directory / "log", lambda: postgres.answers(self._port, self.dsn)) as pid:
            yield pid


def kill_server(pid: int) -> None:
    """SIGKILL, and wait until its children have noticed: until then the cluster can't be started again."""
    children = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs(children, timeout=30)


async def test_while_the_database_is_away_nothing_is_lost_and_readiness_says_so(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    server = RestartablePostgres(tmp_path / "postgres")
    settings, admin = environment(topics, server.dsn)
    first, second = mark(), mark()

    async def ready() -> tuple[int, str]:
        return await page(f"http://127.0.0.1:{admin}/health/ready")

    with running("services.history", tmp_path / "history.log", **settings):  # started without a database

        async def missing() -> bool:
            status, text = await ready()
            return status == 503 and "database" in text

        await eventually(missing)
        with server.there():

            async def without_schema() -> bool:
                return "pantau migrate" in (await ready())[1]

            await eventually(without_schema)
            run_module("infra.migrations", PANTAU_DATABASE__DSN=server.dsn)
            await producer.send_all(one_of_each(first))
            await has_it_once(server.dsn, first)
            assert (await ready())[0] == 200
        await eventually(missing)
        await producer.send_all(one_of_each(second))
        with server.there():
            await has_it_once(server.dsn, second)
            await has_it_once(server.dsn, first)

            async def there_again() -> bool:
                return (await ready())[0] == 200

            await eventually(there_again)


@contextmanager
def killed(module: str, log: Path, **settings: str) -> Iterator[None]:
    """`python -m module` for as long as the block lasts; then SIGKILL."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=clean_environment(**settings), stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.faults
async def test_kills_of_database_and_history_lose_and_repeat_nothing(
    topics: str, producer: Producer, tmp_path: Path
) -> None:
    server = RestartablePostgres(tmp_path / "postgres")
    settings, admin = environment(topics, server.dsn)
    with server.there():
        run_module("infra.migrations", PANTAU_DATABASE__DSN=server.dsn)
    names: list[str] = []
    marks: list[str] = []
    moments = random.Random(1)

    async def send() -> None:
        while True:
            names.append(mark())
            await producer.send_all([samples(names[-1], SERIES)] * 2)  # a retry of the very same samples
            await asyncio.sleep(0.01)

    async def ready() -> bool:
        return (await page(f"http://127.0.0.1:{admin}/health/ready"))[0] == 200

    sending = asyncio.create_task(send())
    try:
        for kill in range(KILLS):
            with server.there() as database:
                marks.append(mark())
                if kill % 2:
                    with running("services.history", tmp_path / "history.log", **settings):
                        await eventually(ready)
                        await producer.send_all(one_of_each(marks[-1]))
                        await asyncio.sleep(moments.uniform(0, 1))
                        kill_server(database)
                else:
                    with killed("services.history", tmp_path / "history.log", **settings):
                        await eventually(ready)
                        await producer.send_all(one_of_each(marks[-1]))
                        await asyncio.sleep(moments.uniform(0, 1))
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    with server.there(), running("services.history", tmp_path / "history.log", **settings):
        async with connected(server.dsn) as connection:
            await caught_up(server.dsn, connection, topics)
            for one in marks:
                await has_it_once(server.dsn, one)
            counts = {
                row["metric_name"]: row["all"]
                for row in await connection.fetch(
                    "SELECT metric_name, count(*) AS all FROM metrics WHERE metric_name = ANY($1) GROUP BY 1", names
                )
            }
    acknowledged = names[:-1]  # the last was cut off while it was being sent
    assert len(acknowledged) > KILLS
    assert {name: counts.get(name) for name in acknowledged} == dict.fromkeys(acknowledged, SERIES)
    assert counts.get(names[-1], SERIES) == SERIES
