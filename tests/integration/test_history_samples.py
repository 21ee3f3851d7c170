"""The sample store against its model: of each (series, time) the first value of the log, whatever happens meanwhile."""

import asyncio
import math
import random
import struct
from dataclasses import dataclass

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.history.offsets import Displaced
from services.history.retention import Retention
from services.history.settings import RetentionSettings
from shared import clock
from shared.database import DatabaseUnavailable
from shared.messages.samples import STALE, Sample, SampleBatch
from shared.messages.topics import SAMPLES
from shared.service import Readiness
from tests.integration.history_rig import KEEP_MS, Rig, batch_of, received, samples_at

PLACE = (SAMPLES.name, 0)
HOUR_MS = 60 * 60 * 1000
NOW = clock.now_ms()
# Around midnights, so that several partitions and the default one take part.
TIMES = [NOW - days * 24 * HOUR_MS + step for days in (0, 1, 5, 20) for step in (0, 1, 1000)]
VALUES = [0.0, -0.0, 1.5, math.inf, math.nan, STALE, 5e-324]

ALL = (
    "SELECT series.key, (extract(epoch FROM time) * 1000)::bigint AS ms, float8send(value) AS bits"
    " FROM samples JOIN series ON series.id = series_id"
)


@dataclass(frozen=True)
class Restart:
    """The writer is started anew, knowing nothing."""


@dataclass(frozen=True)
class Again:
    """A client's retry puts a message on the bus once more."""

    which: int


Message = list[Sample]
message = st.lists(
    st.builds(
        Sample,
        st.sampled_from(["a", 'a{x="1"}', 'b{y="é\\\\"}', "c"]),
        st.sampled_from(TIMES),
        st.sampled_from(VALUES),
        st.sampled_from(["gauge", "counter"]),
    ),
    max_size=8,
)
steps = st.lists(
    st.one_of(st.lists(message, min_size=1, max_size=4), st.builds(Restart), st.builds(Again, st.integers(0, 20))),
    max_size=12,
)


def bits(value: float) -> bytes:
    return struct.pack("!d", value)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_the_table_is_what_the_log_says(
    database_dsn: str, given_steps: list[list[Message] | Restart | Again]
) -> None:
    rig = Rig(database_dsn, most_series=1_000)
    try:
        await rig.rows("TRUNCATE samples, series, history_offsets")
        await rig.located(PLACE)
        model: dict[tuple[str, int], bytes] = {}
        log: list[Message] = []
        for step in given_steps:
            if isinstance(step, Restart):
                await rig.database.close()
                rig = Rig(database_dsn, most_series=1_000)
                await rig.located(PLACE)
                continue
            new = [log[step.which % len(log)]] if isinstance(step, Again) and log else step
            if isinstance(new, Again):
                continue
            for one in new:
                for sample in one:
                    model.setdefault((sample.series, sample.time_ms), bits(sample.value))
            await rig.store(batch_of(samples_at(len(log) + number, one) for number, one in enumerate(new)))
            log += new
        found = [((row["key"], row["ms"]), row["bits"]) for row in await rig.rows(ALL)]
        assert len(found) == len(model)
        assert dict(found) == model
    finally:
        await rig.database.close()


async def test_what_comes_twice_is_counted_by_whether_it_says_the_same(database_dsn: str) -> None:
    rig = await Rig(database_dsn).located()
    labels = {"table": "samples"}
    rows, same, other, old = (
        counted("pantau_history_rows_total", **labels),
        counted("pantau_history_duplicates_total", reason="same", **labels),
        counted("pantau_history_duplicates_total", reason="other_value", **labels),
        counted("pantau_history_refused_total", reason="too_old", **labels),
    )
    await rig.store(batch_of([samples_at(0, [Sample("m", NOW, 1.0), Sample("m", NOW, 2.0), Sample("m", NOW, 1.0)])]))
    await rig.store(batch_of([samples_at(1, [Sample("m", NOW, 1.0)]), samples_at(2, [Sample("m", NOW, STALE)])]))
    await rig.store(batch_of([samples_at(3, [Sample("m", NOW - KEEP_MS - HOUR_MS, 1.0)])]))
    assert counted("pantau_history_rows_total", **labels) == rows + 1
    assert counted("pantau_history_duplicates_total", reason="same", **labels) == same + 2
    assert counted("pantau_history_duplicates_total", reason="other_value", **labels) == other + 2
    assert counted("pantau_history_refused_total", reason="too_old", **labels) == old + 1
    assert [row["value"] for row in await rig.rows("SELECT value FROM metrics")] == [1.0]
    await rig.database.close()


async def test_a_writer_that_lost_its_partition_stores_nothing(database_dsn: str) -> None:
    first, second = await Rig(database_dsn).located(), await Rig(database_dsn).located()
    mine, theirs = (
        batch_of([samples_at(0, [Sample("m", NOW, 1.0)])]),
        batch_of([samples_at(0, [Sample("m", NOW, 2.0)])]),
    )
    outcomes = await asyncio.gather(first.store(mine), second.store(theirs), return_exceptions=True)
    assert [type(one) for one in outcomes if one is not None] == [Displaced]
    assert len(await first.rows(ALL)) == 1
    loser = first if isinstance(outcomes[0], Displaced) else second
    assert await loser.writer.locate([PLACE]) == {PLACE: 1}
    await loser.store(batch_of([samples_at(1, [Sample("m", NOW + 1, 3.0)])]))
    assert len(await first.rows(ALL)) == 2
    await first.database.close()
    await second.database.close()


async def test_a_stale_memory_never_wedges_the_writer(database_dsn: str) -> None:
    """Somebody writes a series that we believe to know, behind our back."""
    rig = await Rig(database_dsn).located()
    await rig.store(batch_of([samples_at(0, [Sample("m", NOW, 1.0)])]))
    await rig.rows(
        "INSERT INTO samples SELECT timestamptz 'epoch' + $1::bigint * interval '1 ms', id, 9 FROM series", NOW + 1000
    )
    await rig.store(
        batch_of([samples_at(1, [Sample("m", NOW + 1000, 2.0), Sample("m", NOW + 2000, 3.0), Sample("n", NOW, 4.0)])])
    )
    assert [row["value"] for row in await rig.rows("SELECT value FROM samples ORDER BY value")] == [1.0, 3.0, 4.0, 9.0]
    await rig.store(batch_of([samples_at(2, [Sample("n", NOW, 5.0), Sample("n", NOW + 1, 6.0)])]))
    assert [row["value"] for row in await rig.rows("SELECT value FROM samples ORDER BY value")] == [
        1.0,
        3.0,
        4.0,
        6.0,
        9.0,
    ]
    assert rig.put_aside == []
    await rig.database.close()


async def test_more_series_than_memory_holds_are_stored_all_the_same(database_dsn: str) -> None:
    rig = await Rig(database_dsn, most_series=1_000).located()
    for offset in range(3):
        every = [
            Sample(f"m{number}", NOW + offset, float(number)) for number in range(700 * offset, 700 * offset + 900)
        ]
        await rig.store(batch_of([samples_at(offset, every)]))
    assert len(await rig.rows(ALL)) == 2_700
    assert len(rig.index) <= 1_000
    await rig.database.close()


async def test_what_the_database_refuses_steps_aside_and_the_rest_is_stored(database_dsn: str) -> None:
    rig = await Rig(database_dsn).located()
    messages = [samples_at(offset, [Sample(f"m{offset}", NOW, 1.0)]) for offset in range(40)]
    for offset in (7, 8, 31):
        messages[offset] = samples_at(offset, [Sample("good", NOW + offset, 1.0), Sample('bad{x="a\0b"}', NOW, 1.0)])
    await rig.store(batch_of(messages))
    assert [one.offset for one, _ in rig.put_aside] == [7, 8, 31]
    assert all("0x00" in str(error) or "\\u0000" in str(error) for _, error in rig.put_aside)
    assert len(await rig.rows(ALL)) == 37
    assert await rig.writer.locate([PLACE]) == {PLACE: 40}
    await rig.database.close()


async def test_a_connection_that_dies_in_the_middle_loses_and_repeats_nothing(database_dsn: str) -> None:
    rig = await Rig(database_dsn).located()
    killer = await asyncpg.connect(database_dsn)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pantau-history-test'"
    moments = random.Random(3)
    broken = 0
    for offset in range(30):
        samples = [Sample(f"m{number}", NOW + offset, 1.0) for number in range(2_000)]
        batch = batch_of([samples_at(offset, samples)])
        storing = asyncio.create_task(rig.store(batch))
        await asyncio.sleep(moments.uniform(0, 0.05))  # anywhere from before the first statement to after the commit
        await killer.execute(end)
        try:
            await storing
        except DatabaseUnavailable:
            broken += 1
            try:
                await rig.store(batch)
            except Displaced:  # the commit got through, its answer did not
                assert (await rig.writer.locate([PLACE]))[PLACE] == offset + 1
    assert broken
    await killer.close()
    (row,) = await rig.rows("SELECT count(*) AS all, count(DISTINCT (series_id, time)) AS once FROM samples")
    assert (row["all"], row["once"]) == (60_000, 60_000)
    await rig.database.close()


async def test_the_latest_type_that_is_told_holds(database_dsn: str) -> None:
    rig = await Rig(database_dsn).located()
    for offset, metric_type in enumerate(["unknown", "counter", "unknown", "gauge"]):
        await rig.store(batch_of([samples_at(offset, [Sample("m", NOW + offset, 1.0, metric_type)])]))
    assert [row["metric_type"] for row in await rig.rows("SELECT DISTINCT metric_type FROM metrics")] == ["gauge"]
    await rig.database.close()


async def test_partitions_are_made_ahead_filled_from_the_default_and_dropped(database_dsn: str) -> None:
    rig = await Rig(database_dsn).located()
    if not (await rig.rows("SELECT relkind = 'p' AS plain FROM pg_class WHERE oid = 'samples'::regclass"))[0]["plain"]:
        pytest.skip("TimescaleDB has policies of its own")
    times = [NOW, NOW - 10 * 24 * HOUR_MS, NOW + 400 * 24 * HOUR_MS]
    await rig.store(batch_of([samples_at(0, [Sample("m", time, 1.0) for time in times])]))
    retention = Retention(rig.database, Readiness(), RetentionSettings(samples=5), 600)
    await retention.once(clock.now())
    by_part = {
        row["part"]: row["count"]
        for row in await rig.rows("SELECT tableoid::regclass::text AS part, count(*) FROM samples GROUP BY 1")
    }
    today = f"samples_{clock.now():%Y%m%d}"
    assert by_part[today] == 1, "moved out of the default partition"
    assert by_part == {today: 1, "samples_default": 1}, "what is too old is gone, what is far ahead is kept"
    await retention.once(clock.now())
    there = await rig.rows("SELECT to_regclass($1) IS NOT NULL AS there", today)
    assert there[0]["there"]
    # Later: what was today is over.
    await retention.once(clock.now().replace(year=clock.now().year + 1, month=1, day=28))
    assert (await rig.rows("SELECT to_regclass($1) IS NULL AS gone", today))[0]["gone"]
    assert len(await rig.rows(ALL)) == 1
    # The tables go on taking rows, each with an id.
    await rig.rows("INSERT INTO health_check_results (service_name, status) VALUES ('a', 'healthy'), ('b', 'healthy')")
    assert len({row["id"] for row in await rig.rows("SELECT id FROM health_check_results")}) == 2
    await rig.database.close()


async def test_a_collectors_batch_makes_its_snapshot_once(database_dsn: str) -> None:
    rig = await Rig(database_dsn).located()
    reading = SampleBatch.of("collector/web-1", [Sample('system_cpu_usage_percent{host="web-1"}', NOW, 12.5)])
    for offset in range(2):
        await rig.store(batch_of([received(SAMPLES, offset, reading)]))
    (row,) = await rig.rows("SELECT host, cpu_usage, memory_total FROM performance_snapshots")
    assert tuple(row) == ("web-1", 12.5, None)
    await rig.database.close()
