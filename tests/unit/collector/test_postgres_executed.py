from collections.abc import Mapping
from typing import Any

import pytest

from services.collector.core.postgres.executed import Executed, shown

NOW = 1_790_000_000_000


def row(query_id: int, calls: int, seconds: float, **more: Any) -> Mapping[str, Any]:
    return {
        "database": "billing",
        "queryid": query_id,
        "userid": 10,
        "toplevel": True,
        "calls": calls,
        "seconds": seconds,
        "rows": 2 * calls,
    } | more


@pytest.fixture
def executed() -> Executed:
    return Executed("s", slow_seconds=0.5, top=2)


def queries(executed: Executed, *rows: Mapping[str, Any]) -> float:
    (value,) = [one.value for one in executed.samples(NOW, rows) if one.series.startswith("database_queries_total")]
    return value


def test_counting_begins_with_the_first_look(executed: Executed) -> None:
    assert queries(executed, row(1, 1_000, 5.0)) == 0
    assert queries(executed, row(1, 1_004, 5.1)) == 4
    assert queries(executed, row(1, 1_004, 5.1), row(2, 3, 0.1)) == 7, "one that is new was executed since"


def test_the_same_statement_of_two_users_is_one(executed: Executed) -> None:
    executed.samples(NOW, [row(1, 10, 1.0), row(1, 20, 1.0, userid=11)])
    told = executed.samples(NOW, [row(1, 11, 1.5), row(1, 22, 1.25, userid=11)])
    assert {one.series: one.value for one in told if "query_id" in one.series} == {
        'database_statement_calls_total{database="billing",query_id="1",server="s"}': 3,
        'database_statement_seconds_total{database="billing",query_id="1",server="s"}': 0.75,
        'database_statement_rows_total{database="billing",query_id="1",server="s"}': 6,
    }


def test_what_the_server_forgets_is_not_taken_back_and_counts_from_zero_when_it_comes_again(executed: Executed) -> None:
    queries(executed, row(1, 10, 1.0), row(2, 10, 1.0))
    assert queries(executed, row(1, 15, 1.0), row(2, 15, 1.0)) == 10
    assert queries(executed, row(1, 16, 1.0)) == 11
    assert queries(executed, row(1, 17, 1.0), row(2, 3, 0.1)) == 15
    assert queries(executed, row(1, 2, 0.1), row(2, 4, 0.1)) == 18, "reset, then executed twice"


def test_slow_is_who_was_slow_since_the_reading_before(executed: Executed) -> None:
    def slow(*rows: Mapping[str, Any]) -> list[float]:
        return [one.value for one in executed.samples(NOW, rows) if one.series.startswith("database_slow_statements")]

    assert slow(row(1, 10, 100.0), row(2, 10, 0.1)) == []
    assert slow(row(1, 10, 100.0), row(2, 12, 0.2)) == [0], "it was slow, but not executed since"
    assert slow(row(1, 11, 100.1), row(2, 14, 1.2)) == [1]


def test_the_costliest_are_told_one_by_one_with_texts_that_are_asked_for_once(executed: Executed) -> None:
    rows = [row(1, 10, 1.0), row(2, 10, 3.0), row(-3, 10, 2.0)]
    executed.samples(NOW, rows)
    assert executed.without_text() == [-3, 2]
    executed.learn({2: "SELECT 2", -3: "SELECT 3"})
    assert executed.without_text() == []
    assert [one.series for one in executed.infos(NOW)] == [
        'database_statement_info{database="billing",query="SELECT 2",query_id="2",server="s"}',
        'database_statement_info{database="billing",query="SELECT 3",query_id="-3",server="s"}',
    ]
    executed.samples(NOW, [row(1, 20, 9.0), *rows[1:]])
    assert executed.without_text() == [1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT *\n  FROM t\tWHERE a = $1", "SELECT * FROM t WHERE a = $1"),
        ("/* app:billing */ -- x\n update t SET a = $1", "update t SET a = $1"),
        ("(SELECT $1) UNION (SELECT $2)", "(SELECT $1) UNION (SELECT $2)"),
        ("ALTER ROLE app PASSWORD 'hush'", "ALTER"),
        ("/* select */ CREATE USER x PASSWORD 'hush'", "CREATE"),
        ("-- select\nSET app.key = 'hush'", "SET"),
        ("selection('hush')", "selection"),
        ("", "?"),
        ("SELECT " + "a" * 300, "SELECT " + "a" * 192 + "…"),
    ],
)
def test_a_text_is_shown_only_where_constants_were_replaced(text: str, expected: str) -> None:
    assert shown(text) == expected
