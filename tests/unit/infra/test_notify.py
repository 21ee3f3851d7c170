"""`./pantau notify`: what needs no running stack."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.commands.notify import labels_of

SETTINGS = """
notifications:
  wording: {zone: Asia/Jakarta}
  people: [{name: ani}, {name: budi}]
  on_call:
    - {name: primary, people: [ani, budi], from: 2026-11-02}
    - {name: always, people: [budi], from: 2026-11-02, zone: Asia/Makassar}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A settings file."""
    file = tmp_path / "pantau.yaml"
    file.write_text(SETTINGS)
    return str(file)


def notify(*arguments: str, data: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["notify", *arguments, "--data", str(data)])
    return result.exit_code, result.output


def test_who_is_on_call(config: str, tmp_path: Path) -> None:
    at = "2026-11-10T12:00+07:00"
    status, text = notify("on-call", "--at", at, "--json", "--config", config, data=tmp_path)
    assert status == 0
    assert json.loads(text) == [
        {"schedule": "primary", "person": "budi", "until": "2026-11-16T09:00+07:00", "then": "ani"},
        {"schedule": "always", "person": "budi", "until": None, "then": None},
    ]
    status, text = notify("on-call", "--at", at, "--config", config, data=tmp_path)
    assert (status, text.splitlines()[1].split()) == (0, ["primary", "budi", "2026-11-16T09:00+07:00", "ani"])


@pytest.mark.parametrize("at", ["tomorrow", "9999-01-01", "1969-12-31"])
def test_a_time_that_cannot_be_meant_is_refused(config: str, tmp_path: Path, at: str) -> None:
    status, text = notify("on-call", "--at", at, "--config", config, data=tmp_path)
    assert (status, text.startswith("--at")) == (2, True)


def test_labels_as_people_write_them() -> None:
    assert labels_of('{alertname="x", a=b}') == labels_of("alertname=x,a=b") == {"alertname": "x", "a": "b"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["routes"], "Give --labels or --alert"),
        (["routes", "--labels", "a=~b"], "not patterns: write a=VALUE"),
        (["routes", "--labels", "nonsense"], "--labels"),
        (["routes", "--labels", "a=b"], "Nothing runs in"),
        (["test", "ops"], "Nothing runs in"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: list[str], reason: str) -> None:
    status, text = notify(*arguments, data=tmp_path)
    assert (status, reason in text) == (2, True), text
