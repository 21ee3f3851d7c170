from pathlib import Path

import pytest

from services.notifier.channels.registry import BadChannel
from services.notifier.configured import routing_of, ways_of
from services.notifier.settings import Settings
from shared.settings import BadSettings, load

TWO = """\
notifications:
  route: {receiver: ops}
  receivers:
    - name: ops
      webhook_configs:
        - url: https://example.net/hook
          timeout: 3s
          send_resolved: false
      log_configs: [{}]
"""


def loaded(tmp_path: Path, text: str, **environment: str) -> Settings:
    config = tmp_path / "pantau.yaml"
    config.write_text(text)
    return load(Settings, environment, config)


def test_by_default_alerts_go_to_the_log(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "")
    routing = routing_of(settings)
    ways = ways_of(settings, routing)
    assert {way.channel.kind for found in ways.values() for way in found} == {"log"}


def test_receivers_from_the_file(tmp_path: Path) -> None:
    settings = loaded(tmp_path, TWO)
    (webhook, log) = ways_of(settings, routing_of(settings))["ops"]
    assert (webhook.destination.name, webhook.channel.kind) == ("ops/webhook/0", "webhook")
    assert not webhook.destination.send_resolved
    assert (log.destination.name, log.destination.send_resolved) == ("ops/log/0", True)


def test_a_channel_that_can_t_be_used_is_named(tmp_path: Path) -> None:
    settings = loaded(tmp_path, TWO + "      whatsapp_configs: [{gateway: main, to: [{number: '6281200000001'}]}]\n")
    with pytest.raises(BadChannel, match=r"receivers\[ops\].whatsapp_configs\[0\]"):
        ways_of(settings, routing_of(settings))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("notifications: {receivers: [{name: ops, fax_configs: [{}]}], route: {receiver: ops}}", "fax_configs"),
        ("notifications: {receivers: [{name: ops}], route: {receiver: opps}}", "opps"),
        ("notifier: {most_waiting: 0}", "most_waiting"),
        ("notifier: {retry: {first_seconds: -1}}", "retry.first_seconds"),
        ("notifier: {receivers: []}", "notifier.receivers"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadSettings, match=r"pantau\.yaml") as refused:
        loaded(tmp_path, text)
    assert says in str(refused.value)
