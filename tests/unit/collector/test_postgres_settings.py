from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from services.collector.core.postgres import queries
from services.collector.settings import Settings
from services.collector.sources import all_sources
from shared.settings import BadSettings, load

SERVER = {"name": "billing", "host": "10.0.0.5", "database": "billing", "username": "pantau"}
DSN = {"name": "billing", "dsn": "postgresql://pantau:hush@10.0.0.5:5433/billing?sslmode=require"}


def read(tmp_path: Path, section: Mapping[str, object], **environment: str) -> Settings:
    path = tmp_path / "pantau.yaml"
    path.write_text(yaml.safe_dump({"postgres": dict(section)}))
    return load(Settings, environment, path)


def test_pantaus_own_database_is_read_unless_told_otherwise(tmp_path: Path) -> None:
    def names(section: Mapping[str, object]) -> list[str]:
        return [one.name for one in all_sources(read(tmp_path, section)) if one.name.startswith("postgres")]

    assert names({}) == ["postgres/pantau"]
    assert names({"servers": [SERVER]}) == ["postgres/pantau", "postgres/billing"]
    assert names({"own": False}) == []


def test_a_server_is_reached_by_its_parts_or_by_its_dsn(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    by_parts, by_dsn = read(
        tmp_path, {"servers": [SERVER | {"password_file": str(secret)}, DSN | {"name": "second"}]}
    ).postgres.servers
    assert by_parts.arguments() == {
        "host": "10.0.0.5",
        "port": 5432,
        "database": "billing",
        "user": "pantau",
        "password": "hush",
    }
    assert by_dsn.arguments() == {"dsn": DSN["dsn"]}
    assert "hush" not in repr(by_dsn)


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"servers": [{"name": "x", "host": "h"}]}, "without a dsn, database, username must be said"),
        ({"servers": [DSN | {"host": "h"}]}, "only one of dsn and host"),
        ({"servers": [DSN | {"password": "x"}]}, "only one of password, password_file and a password in the dsn"),
        ({"servers": [SERVER | {"password_file": "nowhere"}]}, "password_file: nowhere can't be read"),
        ({"servers": [SERVER | {"tls": {"mode": "verify-full", "ca_file": "nowhere"}}]}, "ca_file: nowhere can't be"),
        ({"servers": [SERVER | {"tls": {"mode": "always"}}]}, "postgres.servers.0.tls.mode"),
        ({"servers": [SERVER | {"passwort": "x"}]}, "there is no such setting"),
        ({"servers": [SERVER, SERVER]}, "two servers are called billing"),
        ({"servers": [SERVER | {"name": "pantau"}]}, "called pantau; pantau is Pantau's own database unless"),
        ({"servers": [{"name": "x", "dsn": "mysql://root:hush@h/x"}]}, "is not of the form postgresql://"),
        ({"servers": [{"name": "x", "dsn": "postgresql://root:hush@h:port/x"}]}, "is not of the form postgresql://"),
        ({"parts": ["vacuum"]}, "postgres.parts.0"),
    ],
)
def test_a_bad_setting_is_refused_with_its_reason(tmp_path: Path, section: Mapping[str, object], reason: str) -> None:
    with pytest.raises(BadSettings, match=reason) as refused:
        read(tmp_path, section)
    assert "hush" not in str(refused.value)


def test_older_servers_are_not_asked_for_what_they_dont_know() -> None:
    assert "waitstart" in queries.locks(14)
    assert "waitstart" not in queries.locks(13)
    assert "sessions_killed" in queries.databases(14)
    assert "sessions_killed" not in queries.databases(13)
    assert "toplevel AS toplevel" in queries.executed("public", (1, 9))
    assert "true AS toplevel" in queries.executed("public", (1, 8))
