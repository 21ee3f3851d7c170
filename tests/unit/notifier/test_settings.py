from pathlib import Path

import pytest

from services.notifier.settings import Settings
from shared.settings import BadSettings, load

TWO = """\
notifier:
  receivers:
    - name: ops
      webhook:
        url: https://example.net/hook
        timeout: 3s
    - name: console
      log: {}
"""


def loaded(tmp_path: Path, text: str, **environment: str) -> Settings:
    config = tmp_path / "pantau.yaml"
    config.write_text(text)
    return load(Settings, environment, config)


def test_by_default_alerts_go_to_the_log(tmp_path: Path) -> None:
    (receiver,) = loaded(tmp_path, "").notifier.receivers
    assert receiver.log is not None
    assert receiver.webhook is None


def test_receivers_from_the_file(tmp_path: Path) -> None:
    ops, console = loaded(tmp_path, TWO).notifier.receivers
    assert (ops.name, console.name) == ("ops", "console")
    assert ops.webhook is not None
    assert ops.webhook.target() == "https://example.net/hook"
    assert ops.webhook.timeout == 3


def test_receivers_from_the_environment(tmp_path: Path) -> None:
    receivers = '[{"name": "ops", "webhook": {"url": "http://127.0.0.1:1/"}}]'
    (ops,) = loaded(tmp_path, TWO, PANTAU_NOTIFIER__RECEIVERS=receivers).notifier.receivers
    assert ops.webhook is not None
    assert ops.webhook.target() == "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("notifier: {receivers: []}", "pantau.yaml:1: notifier.receivers"),
        ("notifier: {receivers: [{name: ops}]}", "exactly one channel"),
        ("notifier: {receivers: [{name: ops, log: {}, webhook: {url: 'http://a/'}}]}", "exactly one channel"),
        ("notifier: {receivers: [{name: ops, log: {}}, {name: ops, log: {}}]}", "two receivers are called ops"),
        ("notifier: {receivers: [{name: 'a b', log: {}}]}", "receivers.0.name"),
        ("notifier: {receivers: [{name: ops, fax: {}}]}", "receivers.0.fax"),
        ("notifier:\n  receivers:\n  - name: ops\n    webhook: {url: 'ftp://a/'}", "pantau.yaml:4"),
        ("notifier: {most_events_in_flight: 0}", "most_events_in_flight"),
        ("notifier: {retry: {first_seconds: -1}}", "retry.first_seconds"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadSettings, match=r"pantau\.yaml") as refused:
        loaded(tmp_path, text)
    assert says in str(refused.value)
