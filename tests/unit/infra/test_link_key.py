"""The key of links: made once, private, and not where the settings have one."""

import stat
from pathlib import Path

from infra.local.link_key import VARIABLE, link_key
from infra.local.places import Places
from infra.local.settings import configuration

OWN = "o" * 40


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    places = Places.at(tmp_path)
    places.make()
    told = link_key(places, configuration(None, {}))
    file = Path(told[VARIABLE])
    key = file.read_text()
    assert len(key) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert link_key(places, configuration(None, {})) == told
    assert file.read_text() == key
    # The programs take it from there.
    taken = configuration(None, told).services["api"]
    assert taken.notifications.links.secret() == key  # type: ignore[attr-defined]


def test_a_key_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    places = Places.at(tmp_path)
    places.make()
    assert link_key(places, configuration(None, {"PANTAU_NOTIFICATIONS__LINKS__KEY": OWN})) == {}
    assert not places.link_key_file.exists()
