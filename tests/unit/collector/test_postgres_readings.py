import re
from collections.abc import Mapping
from typing import Any

import pytest

from services.collector.core.postgres.readings import Told, activity, locks, replication, sizes, tables

NOW = 1_790_000_000_000


def values(told: Told) -> dict[str, float]:
    return {re.sub(r',server="s"|server="s",?', "", one.series): one.value for one in told.samples}


def session(database: str, hidden: int = 0) -> Mapping[str, Any]:
    counts = ("connections", "active", "idle", "idle_in_transaction", "blocked", "slow")
    ages = ("longest_query", "longest_transaction", "longest_idle")
    return {"database": database, "hidden": hidden} | dict.fromkeys(counts, 3) | dict.fromkeys(ages, 1.5)


def test_of_hidden_sessions_only_their_number_is_told() -> None:
    told = activity("s", NOW, [session("a"), session("b", hidden=2)])
    assert told.problems == ("privilege",)
    found = values(told)
    assert found['database_connections{database="b"}'] == 3
    assert [series for series in found if '"b"' in series] == ['database_connections{database="b"}']


def test_locks_of_a_database_in_which_there_are_none() -> None:
    found = values(locks("s", NOW, [{"database": "a", "mode": None, "granted": None, "locks": 0, "longest": 0}]))
    assert set(found.values()) == {0}
    assert len(found) == 8 + 2


def replica(name: str, behind: float | None, seconds: float | None, hidden: bool = False) -> Mapping[str, Any]:
    return {"replica": name, "address": "10.0.0.2", "bytes": behind, "seconds": seconds, "hidden": hidden}


@pytest.mark.parametrize(
    ("rows", "behind", "seconds"),
    [
        ([replica("a", 500, 2.5)], 500, 2.5),
        ([replica("a", 500, 2.5), replica("a", 700, 1.5)], 700, 2.5),
        ([replica("a", 0, 2.5)], 0, 0),  # what the server remembers of earlier
        ([replica("a", -8, None)], 0, 0),  # it was quicker than our question
        ([replica("a", 500, None)], 500, None),
        ([replica("a", None, None)], None, None),
    ],
)
def test_replicas(rows: list[Mapping[str, Any]], behind: float | None, seconds: float | None) -> None:
    found = values(replication("s", NOW, rows, [], []))
    assert found["database_replicas{}"] == len(rows)
    labels = '{address="10.0.0.2",replica="a"}'
    assert found.get(f"database_replication_lag_bytes{labels}") == behind
    assert found.get(f"database_replication_lag_seconds{labels}") == seconds


def test_a_hidden_replica_is_counted_and_no_more() -> None:
    told = replication("s", NOW, [replica("", None, None, hidden=True)], [], [])
    assert (values(told), told.problems) == ({"database_replicas{}": 1}, ("privilege",))


def test_a_slot_that_keeps_nothing_and_a_standby_that_has_replayed_nothing() -> None:
    slots = [{"slot": "x", "active": False, "bytes": None}]
    found = values(replication("s", NOW, [], slots, [{"receiving": False, "delay": None}]))
    assert found == {
        "database_replicas{}": 0,
        'database_replication_slot_active{slot="x"}': 0,
        "database_replication_receiving{}": 0,
    }


def test_a_size_that_is_hidden_is_left_out() -> None:
    told = sizes("s", NOW, [{"database": "a", "bytes": None}, {"database": "b", "bytes": 7}], [])
    assert (values(told), told.problems) == ({'database_size_bytes{database="b"}': 7}, ("privilege",))


def test_tables_that_are_locked_are_a_problem_even_where_they_are_not_among_those_told() -> None:
    row = {"database": "a", "schema": "public", "table": "t", "locked": 0, "bytes": 8, "live": 1, "dead": 0}
    assert tables("s", NOW, [row | {"all_locked": 0}]).problems == ()
    assert tables("s", NOW, [row | {"all_locked": 1}]).problems == ("locked",)
    assert tables("s", NOW, []).problems == ()
