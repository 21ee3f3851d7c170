from typing import Any

import pytest

from services.collector.core.business.answers import Wanted, refusal, samples, statement
from services.collector.core.business.defaults import DEFAULTS
from shared.metrics import Metric

NOW = 1_790_000_000_000
REVENUE = Wanted(Metric("revenue", "gauge", "rupiah", "", ("city", "package")), "amount")
PAYERS = Wanted(Metric("payers", "gauge", "", "", ("city",)), "payers")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "-- revenue\n/* by city */ SELECT 1",
        "(SELECT 1) UNION (SELECT 2)",
        "VALUES (1)",
    ],
)
def test_what_reads_is_let_through(sql: str) -> None:
    assert refusal(sql) == ""


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM t",
        "/* SELECT */ UPDATE t SET a = 1",
        "SET x = 1",
        "COPY t TO PROGRAM 'x'",
        "selection",
        "",
        "-- SELECT 1",
    ],
)
def test_what_does_not_is_refused(sql: str) -> None:
    assert refusal(sql)


def test_every_default_query_reads() -> None:
    assert [refusal(query.sql) for query in DEFAULTS.values()] == [""] * 6


def test_only_what_is_wanted_is_asked_for_and_bounded() -> None:
    assert statement('SELECT * FROM "x" -- all of it', [REVENUE, PAYERS], 100) == (
        'SELECT left("city"::text, 129) AS label_0, left("package"::text, 129) AS label_1, '
        '"amount"::float8 AS value_0, "payers"::float8 AS value_1 FROM (\n'
        'SELECT * FROM "x" -- all of it\n) AS answer LIMIT 101'
    )


def test_a_name_is_a_name_whatever_it_holds() -> None:
    wanted = Wanted(Metric("x", "gauge", "", ""), 'a" FROM secrets; --')
    assert statement("SELECT 1;", [wanted], 1).startswith(
        'SELECT "a"" FROM secrets; --"::float8 AS value_0 FROM (\nSELECT 1\n)'
    )


def row(city: str | None, package: str | None, amount: float | None, payers: float | None) -> dict[str, Any]:
    return {"label_0": city, "label_1": package, "value_0": amount, "value_1": payers}


def test_rows_become_samples() -> None:
    answer = samples(NOW, [row("Bandung", "10M", 5e6, 12), row("Garut", None, None, 3)], [REVENUE, PAYERS])
    assert answer.problems == ()
    assert {(one.series, one.value) for one in answer.samples} == {
        ('revenue{city="Bandung",package="10M"}', 5e6),
        ('payers{city="Bandung"}', 12),
        ('payers{city="Garut"}', 3),
    }


def test_a_row_with_a_label_that_is_too_long_tells_nothing_and_is_counted() -> None:
    answer = samples(NOW, [row("x" * 129, "", 1, 1), row("x" * 128, "", 1, 1)], [REVENUE])
    assert (len(answer.samples), answer.problems) == (1, ("long_label",))
