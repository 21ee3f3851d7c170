"""Figures of the business from a real database, compared with the same by SQL; and queries that would do harm."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from services.collector.core.business.defaults import DEFAULTS
from services.collector.scheduler import Reader
from services.collector.source import Source
from services.collector.sources import all_sources
from services.collector.sources.business import BusinessSource
from shared.messages.samples import Sample
from tests.integration.watched_postgres import Values, settings

NOW = 1_790_000_000_000
TABLES = """
CREATE TABLE vouchers (code text PRIMARY KEY, status text NOT NULL);
CREATE TABLE pppoe_users (username text PRIMARY KEY, status text NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY, city text, amount numeric(12, 2), status text, created_at timestamptz
);
INSERT INTO vouchers SELECT i, CASE WHEN i % 3 = 0 THEN 'active' ELSE 'unused' END FROM generate_series(1, 100) i;
INSERT INTO pppoe_users
    SELECT i, CASE WHEN i % 5 = 0 THEN 'isolated' ELSE 'active' END, now() - (i || ' hours')::interval
    FROM generate_series(0, 99) i;
INSERT INTO payments (city, amount, status, created_at)
    SELECT CASE WHEN i % 2 = 0 THEN 'Bandung' ELSE 'Garut' END, 150000 + i,
           CASE WHEN i % 10 = 7 THEN 'failed' ELSE 'paid' END, now() - (i || ' hours')::interval
    FROM generate_series(0, 999) i;
"""


@pytest.fixture
def database(empty_database: str) -> Iterator[psycopg.Connection[Any]]:
    """An application's database, with an owner's connection to it."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(TABLES)
        yield connection


Make = Callable[..., dict[str, BusinessSource]]


@pytest.fixture
async def make(tmp_path: Path, empty_database: str) -> AsyncIterator[Make]:
    """Makes the sources, by the names of their queries."""
    made: list[BusinessSource] = []

    def of(*queries: dict[str, Any], **section: Any) -> dict[str, BusinessSource]:
        section = {"database": {"dsn": empty_database}, "queries": [*queries], **section}
        found = all_sources(settings(tmp_path / "pantau.yaml", business=section, postgres={"own": False}))
        mine = [one for one in found if isinstance(one, BusinessSource)]
        made.extend(mine)
        return {one.name.removeprefix("business/"): one for one in mine}

    yield of
    for one in made:
        one.close()


async def read(source: BusinessSource, now_ms: int = NOW) -> Values:
    values = Values(await source.read(now_ms))
    assert (values.reading.failure, values.reading.problems) == ("", ())
    return values


def query(sql: str, **more: Any) -> dict[str, Any]:
    """A query of one's own."""
    return {"name": "own", "sql": sql, "metrics": [{"name": "told"}]} | more


async def test_the_specifications_figures(make: Make, database: psycopg.Connection[Any]) -> None:
    found = make()
    assert set(found) == set(DEFAULTS)
    database.execute("SET timezone = 'Asia/Jakarta'")

    def truth() -> dict[str, float]:
        rows = database.execute(
            "SELECT (SELECT count(*) FROM vouchers WHERE status = 'active'),"
            "       (SELECT count(*) FROM pppoe_users WHERE status = 'active'),"
            "       (SELECT sum(amount) FROM payments WHERE status = 'paid' AND created_at >= CURRENT_DATE)::float8,"
            "       (SELECT avg((status = 'paid')::int) FROM payments"
            "        WHERE created_at > now() - '30 days'::interval)::float8,"
            "       (SELECT count(*) FROM pppoe_users WHERE created_at::date = CURRENT_DATE)"
        ).fetchall()
        names = ("hotspot", "pppoe", "revenue", "conversion", "growth")
        return dict(zip(names, rows[0], strict=True))

    expected = truth()
    values = {name: await read(source) for name, source in found.items()}
    if expected != truth():  # midnight, or an hour older
        expected, values = truth(), {name: await read(source, NOW + 60_000) for name, source in found.items()}
    hotspot, pppoe = values["active_users_hotspot"], values["active_users_pppoe"]
    assert hotspot.all("active_users_total", "type") == {"hotspot": expected["hotspot"]} == {"hotspot": 33}
    assert pppoe.all("active_users_total", "type") == {"pppoe": expected["pppoe"]} == {"pppoe": 80}
    assert values["active_subscriptions"].one("business_active_subscriptions") == 80
    assert values["daily_revenue"].one("business_daily_revenue_total") == expected["revenue"] > 0
    rate = values["conversion_rate"].one("business_conversion_rate")
    assert rate == pytest.approx(100 * expected["conversion"])
    assert 85 < rate < 95
    assert values["customer_growth"].one("business_customer_growth_total") == expected["growth"] > 0
    assert {one.type for one in values["daily_revenue"].reading.samples} == {"counter", "gauge"}


async def test_labels_and_several_values_from_columns(make: Make, database: psycopg.Connection[Any]) -> None:
    metrics = [
        {"name": "business_city_revenue", "value": "revenue", "labels": ["city", "status"]},
        {"name": "business_city_payments", "value": "payments", "labels": ["city", "status"]},
    ]
    sql = "SELECT city, status, sum(amount) AS revenue, count(*) AS payments FROM payments GROUP BY city, status;"
    values = await read(make(query(sql, metrics=metrics))["own"])
    rows = database.execute("SELECT city, status, sum(amount)::float8, count(*) FROM payments GROUP BY 1, 2").fetchall()
    assert values.all("business_city_revenue", "city", "status") == {(row[0], row[1]): row[2] for row in rows}
    assert values.all("business_city_payments", "city", "status") == {(row[0], row[1]): row[3] for row in rows}
    assert values.one("business_query_rows", query="own") == len(rows) == 3


async def test_what_has_no_value_is_not_told(make: Make, database: psycopg.Connection[Any]) -> None:
    values = await read(make(query("SELECT sum(amount) AS value FROM payments WHERE false"))["own"])
    assert "told" not in values.names()


HARMFUL = {
    "a deletion behind a SELECT": "SELECT 1 AS value; DELETE FROM payments",
    "one inside it": "WITH gone AS (DELETE FROM payments RETURNING 1) SELECT count(*) AS value FROM gone",
    "one that leaves the parenthesis": "SELECT 1 AS value) AS a; DELETE FROM payments; SELECT (SELECT 1",
    "a sequence": "SELECT nextval('payments_id_seq') AS value",
    "a function that writes": "SELECT spoil() AS value",
    "one that wants to be let write": "SELECT set_config('transaction_read_only', 'off', true) || spoil() AS value",
    "a lock": "SELECT 1 AS value FROM payments FOR UPDATE",
    "a column that is none": "SELECT 1 AS other",
    "a text": "SELECT 'many' AS value",
    "no table": "SELECT count(*) AS value FROM nowhere",
}
WRITES = ("one inside it", "a sequence", "a function that writes", "a lock")


@pytest.mark.parametrize("harm", HARMFUL)
async def test_a_query_that_does_harm_does_none(make: Make, database: psycopg.Connection[Any], harm: str) -> None:
    database.execute(
        "CREATE FUNCTION spoil() RETURNS int LANGUAGE plpgsql AS "
        "$$ BEGIN SET transaction_read_only = off; DELETE FROM payments; RETURN 1; END $$"
        if harm == "one that wants to be let write"
        else "CREATE FUNCTION spoil() RETURNS int LANGUAGE sql AS 'DELETE FROM payments RETURNING 1'"
    )
    found = make(query(HARMFUL[harm]))
    reading = await found["own"].read(NOW)
    assert reading.failure == "writes" if harm in WRITES else reading.failure in ("query", "writes")
    assert reading.samples == []
    assert database.execute("SELECT count(*) FROM payments").fetchone() == (1000,)
    assert (await read(found["active_users_pppoe"])).one("active_users_total", type="pppoe") == 80, "others go on"


async def test_what_a_query_sets_ends_with_it(make: Make, database: psycopg.Connection[Any]) -> None:
    setting = "SELECT 1 AS value FROM (SELECT set_config('timezone', 'Asia/Jayapura', false)) s WHERE s IS NOT NULL"
    asking = "SELECT extract(timezone_hour FROM now()) AS value"
    found = make(query(setting), query(asking, name="after"), most_connections=1)
    assert (await read(found["own"])).one("told") == 1
    assert (await read(found["after"])).one("told") == 7


async def test_a_query_that_runs_for_minutes_is_ended(make: Make, database: psycopg.Connection[Any]) -> None:
    (slow,) = make(
        query("SELECT pg_sleep(300), 1 AS value", statement_timeout_seconds=0.3), default_queries=[]
    ).values()
    reading = await slow.read(NOW)
    assert (reading.failure, reading.samples) == ("statement_timeout", [])
    running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
    assert database.execute(running).fetchone() == (1,), "only this one"


async def test_a_million_rows_are_not_fetched(make: Make, database: psycopg.Connection[Any]) -> None:
    sql = "SELECT i AS value, i AS code FROM generate_series(1, 1000000) i"
    many = query(sql, metrics=[{"name": "told", "labels": ["code"]}])
    found = make(
        many, query("SELECT i AS value, i AS code FROM generate_series(1, 1000) i", name="few", metrics=many["metrics"])
    )
    reading = await found["own"].read(NOW)
    assert (reading.failure, reading.samples) == ("too_many_rows", [])
    assert len((await read(found["few"])).all("told", "code")) == 1_000


async def test_a_huge_label_is_cut_by_the_server(make: Make, database: psycopg.Connection[Any]) -> None:
    sql = "SELECT repeat('x', 100000000) AS code, 1 AS value UNION ALL SELECT 'short', 2"
    reading = await make(query(sql, metrics=[{"name": "told", "labels": ["code"]}]))["own"].read(NOW)
    assert (reading.failure, reading.problems) == ("", ("long_label",))
    assert Values(reading).all("told", "code") == {"short": 2}


async def test_a_slow_query_delays_no_other_and_all_share_few_connections(
    make: Make, database: psycopg.Connection[Any]
) -> None:
    found = make(query("SELECT pg_sleep(60), 1 AS value", statement_timeout_seconds=2), most_connections=2)
    slow = asyncio.create_task(found["own"].read(NOW))
    answered = await asyncio.gather(*(found[name].read(NOW) for name in DEFAULTS))
    assert not slow.done()
    assert [reading.failure for reading in answered] == [""] * 6
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pantau-collector'"
    count = database.execute(f"{ours} AND datname = current_database()").fetchone()
    assert count == (2,)
    assert (await slow).failure == "statement_timeout"


async def test_an_answer_is_told_in_between_as_it_was(make: Make, database: psycopg.Connection[Any]) -> None:
    source = make(query("SELECT count(*) AS value FROM vouchers", interval_seconds=3_600))["own"]
    assert source.interval_seconds == 60
    assert (await read(source)).one("told") == 100
    database.execute("DELETE FROM vouchers WHERE code <= '5'")
    again = await read(source, NOW + 60_000)
    assert again.one("told") == 100
    assert {one.time_ms for one in again.reading.samples} == {NOW + 60_000}
    assert (await read(source, NOW + 3_600_000)).one("told") < 100


async def test_a_connection_that_was_cut_is_made_anew(make: Make, database: psycopg.Connection[Any]) -> None:
    found = make(most_connections=1)
    await read(found["active_subscriptions"])
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pantau-collector'"
    )
    assert (await read(found["active_users_pppoe"])).one("active_users_total", type="pppoe") == 80


async def test_the_status_of_each_query_is_told(make: Make, database: psycopg.Connection[Any]) -> None:
    published: list[Sample] = []

    def publish(source: Source, samples: list[Sample]) -> None:
        published.extend(samples)

    database.execute("DROP TABLE vouchers")
    for source in make(default_queries=["active_users_hotspot", "active_users_pppoe"]).values():
        await Reader(source, publish, longest_pause_seconds=120).read_once()
    status = {
        one.series: one.value for one in published if one.series.startswith(("pantau_source_up", "pantau_source_err"))
    }
    assert status['pantau_source_up{host="mon-1",source="business/active_users_hotspot"}'] == 0
    assert status['pantau_source_up{host="mon-1",source="business/active_users_pppoe"}'] == 1
    errors = 'pantau_source_errors_total{host="mon-1",reason="query",source="business/active_users_hotspot"}'
    assert status[errors] == 1


async def test_a_database_that_is_away_says_why_and_shows_no_password(
    make: Make, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(empty_database)
    wrong = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "username": parts.username}
    found = make(database=wrong | {"password": "open barley"})
    if (failure := (await found["daily_revenue"].read(NOW)).failure) != "":  # a server may let everybody in
        assert failure == "login"
    assert "barley" not in capsys.readouterr().out
