"""The same history on TimescaleDB as on plain PostgreSQL: schema, writer, queries; and what only TimescaleDB has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.history import sample_store
from services.history.connection import Connection
from services.history.core.instants import at
from services.history.core.partitions import PARTITIONED
from services.history.core.series_index import SeriesIndex
from services.history.core.splitting import Samples
from services.history.retention import Retention
from services.history.settings import RetentionSettings
from services.history.writer import CONSUMED
from shared import clock
from shared.bus import Received
from shared.messages.samples import STALE, Sample, SampleBatch
from shared.messages.topics import SAMPLES
from shared.promql.matching import Matcher, Selector
from shared.service import Readiness
from shared.storage import Want, load
from tests.integration.history_messages import one_of_each
from tests.integration.history_rig import Rig, batch_of, received, samples_at

pytestmark = pytest.mark.timescale

DAY_MS = 24 * 60 * 60 * 1000
NOW = clock.now_ms()

COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, is_identity, is_generated
FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '%\\_default'
ORDER BY table_name, ordinal_position
"""
# What history's tables answer, whatever the database; ids are given out in the order of arrival on both.
QUESTIONS = (
    "SELECT metric_name, metric_type, labels, timestamp, float8send(value) FROM metrics ORDER BY 1, labels::text, 4",
    'SELECT metric_name, count(*), min(timestamp), max(timestamp) FROM metrics WHERE labels @> \'{"zone": "a"}\''
    " GROUP BY 1 ORDER BY 1",
    "SELECT series_id, date_bin('1 hour', time, timestamptz 'epoch'), count(*) FROM samples"
    " GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT host, snapshot_time, cpu_usage FROM performance_snapshots ORDER BY 1, 2",
    "SELECT request_id, route, status_code, response_time_ms, ip_address, timestamp FROM api_performance_logs"
    " ORDER BY 1",
    "SELECT service_name, status, details, checked_at FROM health_check_results ORDER BY 1, 4",
    "SELECT event_id, state, instant, labels, event FROM alert_events ORDER BY 1",
    "SELECT episode_id, alert_type, message, created_at, resolved_at, labels FROM alert_logs ORDER BY 1",
    "SELECT notification_id, state, attempt, latency_ms FROM notification_log ORDER BY 1, 3",
    "SELECT group_name, document, bus_offset FROM rule_history ORDER BY id",
    "SELECT silence_id, document FROM silence_history ORDER BY id",
    "SELECT id, actor, after FROM audit_log ORDER BY id",
    "SELECT topic, partition, next_offset, complete_until FROM history_offsets ORDER BY 1, 2",
    "SELECT source, accepted_at, newest_sample FROM collector_signs ORDER BY 1, 2",
)


async def _insert(connection: Connection, table: str, samples: Samples, index: SeriesIndex) -> None:
    """In place of COPY, which ends the WebAssembly build."""
    times = [at(time) for time in samples.times.tolist()]
    ids = index.ids[samples.slots].tolist()
    await connection.executemany(
        f"INSERT INTO {table} (time, series_id, value) VALUES ($1, $2, $3)",
        list(zip(times, ids, samples.values.tolist(), strict=True)),
    )


@asynccontextmanager
async def writing(dsn: str) -> AsyncIterator[Rig]:
    """A writer with one connection that lives as long as the block."""
    rig = Rig(dsn, connections=1)
    try:
        await rig.located(*((topic.name, 0) for topic in CONSUMED))
        yield rig
    finally:
        await rig.database.close()


def history() -> list[list[Received]]:
    """Batches of all topics: late samples, repetitions, several days, a staleness marker."""
    others = [
        received(one.topic, offset, one.message, one.key, accepted_ms=NOW + offset)
        for offset, one in enumerate(one_of_each("mark"))
        if one.topic is not SAMPLES
    ]
    zones = [
        Sample(f'load{{zone="{zone}"}}', NOW - day * DAY_MS + step, step / 7, "counter")
        for zone in "ab"
        for day in (5, 1, 0)
        for step in (0, 1000)
    ]
    reading = SampleBatch.of("collector/web-1", [Sample('system_cpu_usage_percent{host="web-1"}', NOW, 12.5)])
    return [
        [*others, samples_at(0, zones[4:])],
        [samples_at(1, zones), samples_at(2, [sample._replace(value=-1.0) for sample in zones])],
        [samples_at(3, [Sample('load{zone="a"}', NOW + 2000, STALE)]), received(SAMPLES, 4, reading)],
        [samples_at(5, [Sample('load{zone="a"}', NOW + 2000, 1.0)]), received(SAMPLES, 6, reading)],
    ]


async def test_the_same_messages_give_the_same_answers(
    timescale_dsn: str, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_store, "_copy", _insert)
    batches = history()
    answers = []
    for dsn in (database_dsn, timescale_dsn):
        async with writing(dsn) as rig:
            for batch in batches:
                await rig.store(batch_of(batch))
            assert rig.put_aside == []
            answers.append([[tuple(row) for row in await rig.rows(question)] for question in QUESTIONS])
    for question, plain, timescale in zip(QUESTIONS, *answers, strict=True):
        assert plain, f"no rows: {question}"
        assert timescale == plain, question


async def test_the_schema_is_the_same(timescale_dsn: str, database_dsn: str) -> None:
    found = []
    for dsn in (database_dsn, timescale_dsn):
        async with writing(dsn) as rig:
            found.append([tuple(row) for row in await rig.rows(COLUMNS)])
    assert found[0] == found[1]


async def test_observations_are_hypertables_compressed_and_dropped_by_policies(timescale_dsn: str) -> None:
    async with writing(timescale_dsn) as rig:
        tables = await rig.rows(
            "SELECT hypertable_name::text AS name, compression_enabled FROM timescaledb_information.hypertables"
        )
        assert {row["name"]: row["compression_enabled"] for row in tables} == dict.fromkeys(PARTITIONED, True)
        assert await policies(rig, "policy_compression") == dict.fromkeys(PARTITIONED, None)
        assert await policies(rig, "policy_retention") == dict.fromkeys(PARTITIONED, 30)
        keep = RetentionSettings(samples=7)
        for _ in range(2):
            await Retention(rig.database, Readiness(), keep, 600).once(clock.now())
            assert await policies(rig, "policy_retention") == dict.fromkeys(PARTITIONED, 30) | {"samples": 7}


async def test_what_is_compressed_is_the_same_and_still_takes_the_first_value_only(
    timescale_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_store, "_copy", _insert)
    async with writing(timescale_dsn) as rig:
        for batch in history():
            await rig.store(batch_of(batch))
        before = [tuple(row) for row in await rig.rows(QUESTIONS[0])]
        compressed = await rig.rows("SELECT compress_chunk(chunk) FROM show_chunks('samples') AS chunk")
        assert len(compressed) >= 3
        assert [tuple(row) for row in await rig.rows(QUESTIONS[0])] == before
        again = [Sample('load{zone="a"}', NOW - DAY_MS, 99.0), Sample('load{zone="a"}', NOW - DAY_MS + 5, 98.0)]
        await rig.store(batch_of([samples_at(7, again)]))
        values = await rig.rows("SELECT value FROM metrics WHERE value IN (98, 99) ORDER BY 1")
        assert [row["value"] for row in values] == [98.0]


async def test_samples_are_read_back_also_from_compressed_chunks(
    timescale_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_store, "_copy", _insert)
    load_metric = Selector((Matcher("__name__", "=", "load"), Matcher("zone", "!=", "b")))
    first, last = NOW - 6 * DAY_MS, NOW + DAY_MS
    async with writing(timescale_dsn) as rig:
        for batch in history():
            await rig.store(batch_of(batch))
        await rig.rows("SELECT compress_chunk(chunk) FROM show_chunks('samples') AS chunk")
        source = await load(rig.database, [Want((load_metric,), first, last)])
    found = source.select(load_metric.matchers, first, last)
    (block,) = found.blocks
    assert dict(found.series[0])["zone"] == "a"
    times = [NOW - day * DAY_MS + step for day in (5, 1, 0) for step in (0, 1000)]
    assert block.times.tolist() == [*times, NOW + 2000]
    assert block.marked


async def policies(rig: Rig, kind: str) -> dict[str, int | None]:
    """hypertable -> days after which its chunks are dropped (None for another kind of policy)."""
    rows = await rig.rows(
        "SELECT hypertable_name::text AS name, extract(day FROM (config ->> 'drop_after')::interval)::int AS days"
        " FROM timescaledb_information.jobs WHERE proc_name = $1",
        kind,
    )
    return {row["name"]: row["days"] for row in rows}
