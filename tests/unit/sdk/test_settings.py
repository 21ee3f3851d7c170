"""Settings that can't be right are refused by name."""

from pathlib import Path
from typing import Any

import pytest
from pantau import Settings


@pytest.mark.parametrize(
    "url", ["pantau.example.net", "ftp://a", "http://", "http://u:p@a", "http://a:99999", "http://a?x=1", "http://a#x"]
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url: ") as raised:
        Settings("billing", url=url)
    assert "p@" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("service", ""), ("service", "a\nb"), ("token", "a\r\nX: b"), ("push_seconds", 0), ("push_seconds", float("nan")),
     ("timeout_seconds", float("inf")), ("most_waiting_bytes", -1), ("labels", {"a-b": "x"}), ("labels", {"a": 1})],
)  # fmt: skip
def test_a_setting_that_cannot_be_right(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name}: ") as raised:
        Settings(**{"service": "billing", name: value})
    assert "X: b" not in str(raised.value)


def test_the_token_is_not_shown() -> None:
    assert "pantau_secret" not in repr(Settings("billing", token="pantau_secret"))


def test_settings_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("URL", "TOKEN", "TOKEN_FILE", "SERVICE", "INSTANCE"):
        monkeypatch.delenv(f"PANTAU_{name}", raising=False)
    assert Settings.from_environment("billing").url is None
    with pytest.raises(ValueError, match=r"^service: "):
        Settings.from_environment()
    (tmp_path / "token").write_text("pantau_x\n")
    monkeypatch.setenv("PANTAU_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("PANTAU_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("PANTAU_SERVICE", "portal")
    found = Settings.from_environment(push_seconds=5)
    assert (found.service, found.url) == ("portal", "http://127.0.0.1:8080")
    assert (found.token, found.push_seconds) == ("pantau_x", 5)
