"""Where Alertmanagers are: what is taken, and what is refused with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notifier.alertmanager_settings import AlertmanagerSettings
from services.notifier.settings import Settings
from shared.settings import BadSettings, load


def loaded(tmp_path: Path, *alertmanagers: dict[str, Any]) -> Settings:
    config = tmp_path / "pantau.yaml"
    config.write_text(yaml.safe_dump({"notifications": {"alertmanagers": [*alertmanagers]}}))
    return load(Settings, {}, config)


def one(tmp_path: Path, **settings: Any) -> AlertmanagerSettings:
    return loaded(tmp_path, {"url": "http://am:9093", **settings}).notifications.alertmanagers[0]


def test_there_is_none_unless_somebody_says_so(tmp_path: Path) -> None:
    assert loaded(tmp_path).notifications.alertmanagers == []


@pytest.mark.parametrize(
    "url", ["http://am:9093", "http://am:9093/", "https://am/prefix/", "https://am/prefix/api/v2/alerts"]
)
def test_alerts_go_below_the_prefix(tmp_path: Path, url: str) -> None:
    found = one(tmp_path, url=url)
    assert found.target == url.rstrip("/").removesuffix("/api/v2/alerts") + "/api/v2/alerts"
    assert found.label == found.url


def test_credentials(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    assert one(tmp_path).credentials() is None
    basic = one(tmp_path, basic_auth={"username": "u", "password_file": str(secret)})
    assert basic.credentials() == "Basic dTpzM2NyZXQ="
    token = one(tmp_path, bearer_token_file=str(secret))
    assert token.credentials() == "Bearer s3cret"
    secret.write_text("renewed")
    assert token.credentials() == "Bearer renewed"
    assert one(tmp_path, bearer_token="abc").credentials() == "Bearer abc"
    assert "abc" not in repr(one(tmp_path, bearer_token="abc"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "am:9093"}, "alertmanagers.0.url: is not of the form"),
        ({"url": "http://u:p@am:9093"}, "belong into basic_auth"),
        ({"url": "http://am/?a=b"}, "has a query"),
        ({"path": "/x"}, "alertmanagers.0.path: there is no such setting"),
        ({"timeout": 0}, "alertmanagers.0.timeout"),
        ({"basic_auth": {"password": "p"}}, "either username or username_file"),
        ({"basic_auth": {"username": "a:b", "password": "p"}}, "can't hold a colon"),
        ({"bearer_token": "a", "basic_auth": {"username": "u", "password": "p"}}, "only one of"),
        ({"bearer_token": "a\nb"}, "printable ASCII"),
        ({"bearer_token_file": "/nowhere/token"}, "bearer_token_file: /nowhere/token can't be read: No such file"),
        ({"tls_config": {"ca_file": "/nowhere/ca"}}, "ca_file: /nowhere/ca can't be used: No such file"),
        ({"tls_config": {"cert_file": "/nowhere/cert"}}, "both or neither"),
        ({"tls_config": {"cert_file": "/nowhere/c", "key_file": "/nowhere/k"}}, "cert_file: /nowhere/c can't be used"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BadSettings, match=r"pantau\.yaml:\d+: notifications\.alertmanagers\.0") as refused:
        one(tmp_path, **settings)
    assert says in str(refused.value)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="two Alertmanagers are called a"):
        loaded(tmp_path, {"url": "http://x", "name": "a"}, {"url": "http://y", "name": "a"})
