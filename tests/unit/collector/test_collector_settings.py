from pathlib import Path

import pytest

from services.collector.settings import Settings
from services.collector.sources import all_sources
from shared.settings import BadSettings, load


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "pantau.yaml"
    path.write_text(f"{text}\npostgres: {{own: false}}")
    return load(Settings, {}, path)


def test_the_system_is_read_every_30_seconds_unless_said_otherwise(tmp_path: Path) -> None:
    (system,) = all_sources(read(tmp_path, "collector: {host: web-1}"))
    assert (system.name, system.origin) == ("system", "collector/web-1")
    assert (system.interval_seconds, system.deadline_seconds) == (30.0, 10.0)
    (system,) = all_sources(read(tmp_path, "collector: {interval_seconds: 1}"))
    assert (system.interval_seconds, system.deadline_seconds) == (1.0, 1.0)
    (system,) = all_sources(read(tmp_path, "collector: {system: {interval_seconds: 5}}"))
    assert system.interval_seconds == 5.0
    assert all_sources(read(tmp_path, "collector: {system: {enabled: false}}")) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("collector: {interval_seconds: 0.5}", "collector.interval_seconds"),
        ("collector: {interval: 5}", "collector.interval"),
        ("collector: {exporter: {port: 70000}}", "collector.exporter.port"),
        ("collector: {system: {ignored_mountpoints: 7}}", "collector.system.ignored_mountpoints"),
        ("collector: {buffer_seconds: 0}", "collector.buffer_seconds"),
    ],
)
def test_a_bad_setting_is_refused_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(BadSettings, match=rf"pantau\.yaml:1: {place}: "):
        read(tmp_path, text)
