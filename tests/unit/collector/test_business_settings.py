from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.collector.business_settings import BusinessSettings
from services.collector.core.business.defaults import DEFAULTS
from services.collector.settings import Settings
from services.collector.sources import all_sources
from shared.settings import BadSettings, load

DATABASE = {"dsn": "postgresql://reader@10.0.0.5/billing"}
METRIC = {"name": "business_city_revenue", "value": "revenue", "labels": ["city"]}
QUERY = {
    "name": "cities",
    "sql": "SELECT city, sum(amount) AS revenue FROM payments GROUP BY city",
    "metrics": [METRIC],
}


def read(tmp_path: Path, section: Mapping[str, object], **environment: str) -> Settings:
    path = tmp_path / "pantau.yaml"
    path.write_text(yaml.safe_dump({"business": dict(section)}))
    return load(Settings, environment, path)


def names(settings: Settings) -> set[str]:
    return {one.name.removeprefix("business/") for one in all_sources(settings) if one.name.startswith("business/")}


def test_nothing_is_asked_without_a_database(tmp_path: Path) -> None:
    assert names(read(tmp_path, {})) == set()
    assert names(read(tmp_path, {"queries": [QUERY]})) == set()


def test_default_queries_and_ones_own(tmp_path: Path) -> None:
    assert set(BusinessSettings().default_queries) == set(DEFAULTS)
    assert names(read(tmp_path, {"database": DATABASE})) == set(DEFAULTS)
    assert names(read(tmp_path, {"database": DATABASE, "default_queries": [], "queries": [QUERY]})) == {"cities"}
    own = {**QUERY, "name": "daily_revenue"}
    replaced = read(tmp_path, {"database": DATABASE, "queries": [own]})
    assert names(replaced) == set(DEFAULTS)
    assert replaced.business.all_queries()["daily_revenue"].sql == QUERY["sql"]


def test_the_database_may_come_from_the_environment(tmp_path: Path) -> None:
    settings = read(tmp_path, {}, PANTAU_BUSINESS__DATABASE__DSN="postgresql://reader:hush@10.0.0.5/billing")
    assert names(settings) == set(DEFAULTS)
    assert "hush" not in repr(settings)


def test_a_query_is_read_at_its_own_pace_and_told_every_minute(tmp_path: Path) -> None:
    hourly = {**QUERY, "interval_seconds": 3_600, "statement_timeout_seconds": 40}
    section = {"database": DATABASE, "default_queries": ["daily_revenue"], "queries": [hourly]}
    intervals = {
        one.name: (one.interval_seconds, one.deadline_seconds)
        for one in all_sources(read(tmp_path, section))
        if one.name.startswith("business")
    }
    assert intervals == {"business/daily_revenue": (60, 22), "business/cities": (60, 52)}


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"queries": [QUERY | {"sql": "DELETE FROM payments"}]}, "queries.0.sql: it begins with 'DELETE'"),
        ({"queries": [QUERY | {"sql": "  "}]}, "queries.0.sql: it is empty"),
        ({"queries": [QUERY, QUERY]}, "two queries are called cities"),
        ({"queries": [QUERY | {"metrics": []}]}, "queries.0.metrics"),
        ({"queries": [QUERY | {"metrics": [METRIC | {"type": "counter"}]}]}, "end in _total"),
        ({"queries": [QUERY | {"metrics": [METRIC | {"name": "x_total"}]}]}, "end in _total"),
        ({"queries": [QUERY | {"metrics": [{"name": "active_users_total", "type": "counter"}]}]}, "end in _total"),
        ({"queries": [QUERY | {"metrics": [METRIC | {"name": "pantau_up"}]}]}, "or one of Pantau's own"),
        ({"queries": [QUERY | {"metrics": [METRIC | {"labels": ["the city"]}]}]}, "'the city' is not a label name"),
        ({"queries": [QUERY | {"metrics": [METRIC | {"labels": ["revenue"]}]}]}, "can't be a label and the value"),
        ({"queries": [QUERY | {"statement_timeout_seconds": 300}]}, "queries.0.statement_timeout_seconds"),
        ({"queries": [QUERY | {"most_rows": 10_000_000}]}, "queries.0.most_rows"),
        ({"default_queries": ["profit"]}, "business.default_queries.0"),
        ({"timezone": "Indonesia"}, "'Indonesia' is not a time zone"),
        ({"database": {"host": "h"}}, "without a dsn, database, username must be said"),
        ({"database": DATABASE | {"name": "x"}}, "there is no such setting"),
    ],
)
def test_a_bad_setting_is_refused_with_its_reason(tmp_path: Path, section: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(BadSettings, match=reason):
        read(tmp_path, section)
