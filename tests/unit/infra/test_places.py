"""Secrets are private, and the data directory can be walked through by the database's account only."""

import stat
from pathlib import Path

import pytest

from infra.local.places import Places, write_secret


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_readable_by_its_owner_only_also_when_replaced(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("open to all")
    secret.chmod(0o644)
    write_secret(secret, "closed")
    assert secret.read_text() == "closed"
    assert mode(secret) == 0o600


def test_directories_are_private(tmp_path: Path) -> None:
    places = Places.at(tmp_path / "data")
    places.make()
    assert mode(places.data) == 0o711
    assert {mode(directory) for directory in (places.logs, places.secrets, places.run)} == {0o700}
    places.make()  # again does no harm


def test_an_existing_directory_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o750)
    Places.at(tmp_path / "data").make()
    assert mode(tmp_path / "data") == 0o750


def test_a_directory_that_somebody_put_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secrets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="belongs to another user"):
        Places.at(tmp_path / "data").make()


def test_one_directory_has_one_name(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert Places.at(tmp_path / "link") == Places.at(tmp_path / "data")
