"""What `pantau.yaml` must hold to have a provider watched is what the collector reads."""

from pathlib import Path

import pytest
import yaml

from infra.commands.demo import prepare_demo
from infra.commands.history import BadHistory, duration_of
from infra.local.errors import LocalStackError
from infra.local.places import Places
from infra.simulator.provider import provider
from infra.simulator.sections import Gateway, Ports, database, section
from services.collector.settings import Settings
from shared.settings import load


def test_the_collector_takes_it(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("geheim\n")
    there, at = provider(5, "3"), Ports.at(28_700)
    books = database("postgresql://pantau:geheim@127.0.0.1:15432/billing", password)
    written = yaml.safe_dump(section(there, at.of_routers(there), Gateway.at(at.gateway), books))
    assert "geheim" not in written
    file = tmp_path / "pantau.yaml"
    file.write_text(written)
    settings = load(Settings, {}, file)
    assert [(one.name, one.port, one.site) for one in settings.mikrotik.routers] == [
        ("kota-1", 28_710, "kota"),
        ("kota-2", 28_711, "kota"),
        ("kota-3", 28_712, "kota"),
        ("utara-1", 28_713, "utara"),
        ("utara-2", 28_714, "utara"),
    ]
    waha = settings.whatsapp.gateways[0].waha
    assert waha is not None
    assert waha.url == "http://127.0.0.1:28701"
    assert settings.business.database is not None
    assert settings.business.database.arguments()["password"] == "geheim"


def test_the_demonstration_writes_settings_that_every_service_takes(tmp_path: Path) -> None:
    found = prepare_demo(Places.at(tmp_path / "demo"), None)
    collector = found.configuration.services["collector"]
    assert isinstance(collector, Settings)
    assert len(collector.mikrotik.routers) == 6
    assert collector.business.database is not None
    assert collector.mikrotik.routers[0].port == found.port + 10
    with pytest.raises(LocalStackError, match="--config"):
        prepare_demo(Places.at(tmp_path / "demo"), tmp_path / "pantau.yaml")


@pytest.mark.parametrize(("text", "milliseconds"), [("12h", 43_200_000), ("30d", 30 * 86_400_000)])
def test_a_past_is_a_duration(text: str, milliseconds: int) -> None:
    assert duration_of(text) == milliseconds


@pytest.mark.parametrize("text", ["", "30", "a month", "5m", "3y"])
def test_a_past_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(BadHistory, match="--history"):
        duration_of(text)
