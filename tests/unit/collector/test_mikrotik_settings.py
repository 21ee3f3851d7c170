from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from services.collector.settings import Settings
from shared.settings import BadSettings, load


def read(tmp_path: Path, section: Mapping[str, object], **environment: str) -> Settings:
    path = tmp_path / "pantau.yaml"
    path.write_text(yaml.safe_dump({"mikrotik": dict(section)}))
    return load(Settings, environment, path)


ROUTER = {"name": "core-1", "host": "10.0.0.1"}


def test_a_routers_own_login_comes_before_the_sections(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of-the-file\n")
    own = {"name": "edge-1", "host": "10.0.0.2", "password_file": str(secret)}
    section = {"username": "pantau", "password": "of-the-section", "routers": [ROUTER, own]}
    mikrotik = read(tmp_path, section).mikrotik
    assert [mikrotik.password_of(router) for router in mikrotik.routers] == ["of-the-section", "of-the-file"]
    assert "of-the" not in repr(mikrotik)


def test_the_password_may_come_from_a_file_that_the_environment_names(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    section = {"username": "pantau", "routers": [ROUTER]}
    mikrotik = read(tmp_path, section, PANTAU_MIKROTIK__PASSWORD_FILE=str(secret)).mikrotik
    assert mikrotik.password_of(mikrotik.routers[0]) == "hush"


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"routers": [ROUTER]}, "router core-1: neither it nor the section has a username"),
        ({"username": "p", "routers": [ROUTER]}, "router core-1: neither it nor the section has a password"),
        ({"username": "p", "password": "x", "routers": [ROUTER, ROUTER]}, "two routers are called core-1"),
        ({"username": "p", "password": "x", "password_file": "y"}, "only one of password and password_file"),
        ({"username": "p", "password_file": "nowhere", "routers": [ROUTER]}, "nowhere can't be read"),
        ({"tls": {"enabled": True, "ca_file": "nowhere"}}, "ca_file: nowhere can't be used"),
        ({"parts": ["wifi"]}, "mikrotik.parts"),
        ({"routers": [ROUTER | {"passwort": "x"}]}, "there is no such setting"),
        ({"routers": [ROUTER | {"name": "a b"}]}, "mikrotik.routers.0.name"),
    ],
)
def test_a_bad_setting_is_refused_with_its_reason(tmp_path: Path, section: Mapping[str, object], reason: str) -> None:
    with pytest.raises(BadSettings, match=reason):
        read(tmp_path, section)
