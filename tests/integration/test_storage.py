"""What history stored, read back: the same samples, bit by bit, bounded, and how complete they are."""

import struct
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.history.core.instants import at
from services.history.offsets import note_complete
from shared import clock
from shared.database import Database
from shared.messages.samples import STALE, Sample, SampleBatch
from shared.messages.series import NAME
from shared.messages.topics import SAMPLES
from shared.promql.errors import QueryRefused
from shared.promql.limits import Limits
from shared.promql.matching import Matcher, Selector
from shared.promql.query import Vector, compile_query
from shared.promql.series_sets import Labels
from shared.promql.source import Selection
from shared.rules.backtest import backtest
from shared.rules.files import parse_rule_file
from shared.rules.plan import plan_group
from shared.settings import DatabaseSettings
from shared.storage import StoredSource, Want, complete_until, load, newest, signs, wants_of, wants_of_group
from tests.integration.history_rig import Rig, batch_of, received, samples_at

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
NOW = clock.now_ms() // MINUTE * MINUTE


@pytest.fixture
async def rig(database_dsn: str) -> AsyncIterator[Rig]:
    rig = Rig(database_dsn)
    await rig.located(*((SAMPLES.name, partition) for partition in range(SAMPLES.partitions)))
    yield rig
    await rig.database.close()


def selector(name: str = "", **equal: str) -> Selector:
    named = (Matcher(NAME, "=", name),) if name else ()
    return Selector((*named, *(Matcher(label, "=", value) for label, value in equal.items())))


def contents(found: Selection) -> dict[Labels, list[tuple[int, int]]]:
    """(time, bits of the value) by series."""
    return {
        found.series[int(row)]: [
            (time, struct.unpack(">Q", struct.pack(">d", value))[0])
            for time, value in zip(block.times.tolist(), values.tolist(), strict=True)
        ]
        for block in found.blocks
        for row, values in zip(block.rows, block.values, strict=True)
    }


def everything(source: StoredSource, one: Selector, start: int, end: int) -> dict[str, list[int]]:
    """Times by the label `host`."""
    found = contents(source.select(one.matchers, start, end))
    return {dict(labels)["host"]: [time for time, _ in samples] for labels, samples in found.items()}


async def test_samples_come_back_bit_by_bit_across_days(rig: Rig) -> None:
    times = [NOW - days * DAY + step for days in (3, 1, 0) for step in (-MINUTE, 0)]
    values = [85.0, -0.0, 5e-324, STALE, float("inf"), struct.unpack(">d", bytes.fromhex("7ff8000000000001"))[0]]
    samples = [Sample('cpu_usage{host="web-1"}', time, value) for time, value in zip(times, values, strict=True)]
    await rig.store(batch_of([samples_at(0, samples)]))
    one = selector("cpu_usage")
    source = await load(rig.database, [Want((one,), times[0], times[-1])])
    bits = [struct.unpack(">Q", struct.pack(">d", value))[0] for value in values]
    # Open on its left: the first one is not in it.
    expected = list(zip(times, bits, strict=True))[1:]
    assert list(contents(source.select(one.matchers, times[0], times[-1])).values()) == [expected]


async def test_matchers_of_all_kinds_select_as_the_language_says(rig: Rig) -> None:
    keys = ['cpu{host="a",zone="x"}', 'cpu{host="b"}', 'cpu{host="c",zone="y"}', 'mem{host="d",zone="x"}']
    await rig.store(batch_of([samples_at(0, [Sample(key, NOW, 1.0) for key in keys])]))
    cases: list[tuple[tuple[Matcher, ...], set[str]]] = [
        ((Matcher(NAME, "=", "cpu"),), {"a", "b", "c"}),
        ((Matcher(NAME, "=", "cpu"), Matcher("zone", "=", "")), {"b"}),
        ((Matcher(NAME, "=", "cpu"), Matcher("zone", "!=", "x")), {"b", "c"}),
        ((Matcher(NAME, "=~", "c.*|nothing"), Matcher("zone", "=~", ".+")), {"a", "c"}),
        ((Matcher(NAME, "!~", "c.*"), Matcher("zone", "=", "x")), {"d"}),
        ((Matcher("zone", "=", "x"),), {"a", "d"}),
        ((Matcher("zone", "!~", "x|y"), Matcher("host", "!=", "")), {"b"}),
        ((Matcher(NAME, "=", "nothing"),), set()),
    ]
    wants = [Want((Selector(matchers),), NOW - MINUTE, NOW) for matchers, _ in cases]
    source = await load(rig.database, wants)
    for matchers, hosts in cases:
        assert everything(source, Selector(matchers), NOW - MINUTE, NOW).keys() == hosts, matchers


async def test_stretches_far_apart_are_read_without_what_lies_between(rig: Rig) -> None:
    samples = [Sample('m{host="a"}', NOW - minute * MINUTE, float(minute)) for minute in range(100)]
    await rig.store(batch_of([samples_at(0, samples)]))
    wants = [Want((selector("m"),), NOW - 90 * MINUTE, NOW - 85 * MINUTE), Want((selector("m"),), NOW - MINUTE, NOW)]
    source = await load(rig.database, wants)
    assert source.samples == 6
    assert everything(source, selector("m"), NOW - 90 * MINUTE, NOW - 85 * MINUTE) == {
        "a": [NOW - minute * MINUTE for minute in (89, 88, 87, 86, 85, 0)][:5]
    }


async def test_more_than_the_limits_allow_is_refused(rig: Rig) -> None:
    samples = [Sample(f'm{{host="{host}"}}', NOW - step, 1.0) for host in range(10) for step in range(10)]
    await rig.store(batch_of([samples_at(0, samples)]))
    wants = [Want((selector("m"), selector(host="1")), NOW - MINUTE, NOW)]
    for limits, limit in (
        (Limits(series=9), "series"),
        (Limits(samples=99), "samples"),
        (Limits(clock=clock.elapsed, deadline=clock.elapsed() - 1), "time"),
    ):
        with pytest.raises(QueryRefused) as refused:
            await load(rig.database, wants, limits)
        assert refused.value.limit == limit
    # What was refused leaves connections that work.
    assert (await load(rig.database, wants, Limits(series=10, samples=100))).samples == 100


async def test_a_deadline_ends_a_statement_under_way(rig: Rig) -> None:
    await rig.store(batch_of([samples_at(0, [Sample('m{host="a"}', NOW, 1.0)])]))
    async with rig.database.connection() as other, other.transaction():
        await other.execute("LOCK TABLE samples IN ACCESS EXCLUSIVE MODE")
        limits = Limits(clock=clock.elapsed, deadline=clock.elapsed() + 0.3)
        with pytest.raises(QueryRefused, match="deadline"):
            await load(rig.database, [Want((selector("m"),), NOW - MINUTE, NOW)], limits)
    assert (await load(rig.database, [Want((selector("m"),), NOW - MINUTE, NOW)])).samples == 1


async def test_a_rule_over_what_is_stored(rig: Rig) -> None:
    """cpu_usage is 85.0 at 10:15:00 and nowhere else above 80."""
    values = {-2: 70.0, -1: 79.9, 0: 85.0, 1: 80.0}
    samples = [Sample('cpu_usage{host="web-1"}', NOW + minute * MINUTE, value) for minute, value in values.items()]
    await rig.store(batch_of([samples_at(0, samples)]))
    text = "groups: [{name: g, interval: 1m, rules: [{alert: HighCPU, expr: cpu_usage > 80}]}]"
    group = plan_group(parse_rule_file(text, "rules.yaml")[0])
    first, last = NOW - 2 * MINUTE, NOW + 2 * MINUTE
    source = await load(rig.database, wants_of_group(group, first, last))
    told = [
        (one.transition.alert.since_ms, one.transition.state)
        for one in backtest([group], source, first, last).decisions
    ]
    assert told == [(NOW, "firing"), (NOW + MINUTE, "resolved")]


async def test_a_query_that_reads_what_rules_made(rig: Rig) -> None:
    """Derived batches are stored like others; one that only says how far a group has come is harmless."""
    made = [Sample('ALERTS{alertname="HighCPU",alertstate="firing"}', NOW, 1.0), Sample("job:rate", NOW, 2.5)]
    batches = [
        SampleBatch.of("alerting/g", made, group="g", evaluated=NOW),
        SampleBatch.of("alerting/g", [], group="g", evaluated=NOW + MINUTE),
    ]
    for offset, batch in enumerate(batches):
        await rig.store(batch_of([received(SAMPLES, offset, batch)]))
    assert rig.put_aside == []
    query = compile_query('job:rate and on() ALERTS{alertstate="firing"}')
    source = await load(rig.database, wants_of(query, NOW, NOW))
    value = query.instant(source, NOW).value
    assert isinstance(value, Vector)
    assert value.values.tolist() == [[2.5]]
    (stored,) = await rig.rows(
        "SELECT next_offset FROM history_offsets WHERE topic = $1 AND partition = 0", SAMPLES.name
    )
    assert stored["next_offset"] == 2


async def test_the_newest_sample_before_an_instant(rig: Rig) -> None:
    samples = [
        Sample('m{host="a"}', NOW - 2 * DAY, 1.0),
        Sample('m{host="b"}', NOW - DAY, 1.0),
        Sample('m{host="b"}', NOW, STALE),
    ]
    await rig.store(batch_of([samples_at(0, samples)]))
    assert await newest(rig.database, (selector("m"),), NOW - 1) == (2, NOW - DAY, False)
    assert await newest(rig.database, (selector("m"), selector(host="a")), NOW) == (2, NOW, True)
    assert await newest(rig.database, (selector("m"),), NOW - 3 * DAY) == (2, None, False)
    assert await newest(rig.database, (selector("n"),), NOW) == (0, None, False)


async def test_signs_of_life_are_those_that_the_bus_accepted_from_collectors(rig: Rig) -> None:
    accepted = {"collector/web-1": (NOW, NOW + 200, NOW + 5 * MINUTE), "push/0": (NOW + 2 * MINUTE,)}
    offset = 0
    for source, instants in accepted.items():
        for instant in instants:
            batch = SampleBatch.of(source, [Sample("m", instant, 1.0)])
            await rig.store(batch_of([received(SAMPLES, offset, batch, accepted_ms=instant)]))
            offset += 1
    found = await signs(rig.database, NOW - DAY, NOW + DAY)
    assert found.times.tolist() == [NOW, NOW + 5 * MINUTE]
    dark = 2 * MINUTE
    assert [found.known(NOW + minute * MINUTE, dark) for minute in (-1, 0, 1, 2, 4, 5, 6)] == [
        False,
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    # Read again from the beginning, as after a lost offset: the same signs.
    await rig.rows("UPDATE history_offsets SET next_offset = NULL, complete_until = NULL")
    await rig.located((SAMPLES.name, 0))
    batch = SampleBatch.of("collector/web-1", [Sample("m", NOW, 1.0)])
    await rig.store(batch_of([received(SAMPLES, 0, batch, accepted_ms=NOW)]))
    assert (await signs(rig.database, NOW - DAY, NOW + DAY)).times.tolist() == [NOW, NOW + 5 * MINUTE]


async def test_what_a_collector_held_back_shows_that_it_watched_then(rig: Rig) -> None:
    for offset, minute in enumerate((1, 2, 3)):
        batch = SampleBatch.of("collector/web-1", [Sample("m", NOW + minute * MINUTE, 1.0)])
        await rig.store(batch_of([received(SAMPLES, offset, batch, accepted_ms=NOW + 10 * MINUTE + offset)]))
    found = await signs(rig.database, NOW, NOW + 5 * MINUTE)
    assert found.times.tolist() == [NOW + minute * MINUTE for minute in (1, 2, 3)]


async def test_history_is_complete_as_far_as_its_slowest_partition(rig: Rig) -> None:
    assert await complete_until(rig.database) == 0
    await rig.store(batch_of([received(SAMPLES, 0, SampleBatch.of("push/0", []), accepted_ms=NOW)]))
    assert await complete_until(rig.database) == 0, "nothing is known of three partitions"
    ends = {(SAMPLES.name, partition): (0, 0) for partition in range(1, SAMPLES.partitions)}
    async with rig.database.connection() as connection:
        await note_complete(connection, ends, at(NOW + 5))
    # There may be more in the last message's own millisecond.
    assert await complete_until(rig.database) == NOW - 1
    async with rig.database.connection() as connection:
        await note_complete(connection, {(SAMPLES.name, 0): (0, 2)}, at(NOW + MINUTE))
    assert await complete_until(rig.database) == NOW - 1, "a message waits on the bus"
    async with rig.database.connection() as connection:
        await note_complete(connection, {(SAMPLES.name, 0): (0, 1)}, at(NOW + MINUTE))
    assert await complete_until(rig.database) == NOW + 5


async def test_a_database_of_another_user_sees_the_same(rig: Rig, database_dsn: str) -> None:
    """Reading needs no writer: another pool, as api has one."""
    await rig.store(batch_of([samples_at(0, [Sample('m{host="a"}', NOW, 85.0)])]))
    reader = Database(DatabaseSettings(dsn=SecretStr(database_dsn)), "reader", 1)
    try:
        source = await load(reader, [Want((selector("m"),), NOW - 1, NOW)])
        assert everything(source, selector("m"), NOW - 1, NOW) == {"a": [NOW]}
    finally:
        await reader.close()
