"""Migration files: their names, their order, and what is refused."""

from pathlib import Path

import pytest

from infra.migrations.files import BadMigration, Migration, pending, read
from infra.migrations.runner import FOLDER

NAMES = ["0001_a.sql", "0001_a.postgres.sql", "0001_a.timescale.sql", "0002_b.sql"]


def written(folder: Path, *names: str) -> list[Migration]:
    for name in names:
        (folder / name).write_text(f"-- {name}")
    return read(folder)


def applied(*migrations: Migration) -> dict[str, str]:
    return {one.name: one.checksum for one in migrations}


def test_what_is_common_comes_before_what_is_particular(tmp_path: Path) -> None:
    migrations = written(tmp_path, *reversed(NAMES))
    assert [one.name for one in pending(migrations, {}, "postgres")] == [
        "0001_a.sql",
        "0001_a.postgres.sql",
        "0002_b.sql",
    ]
    assert [one.name for one in pending(migrations, {}, "timescale")] == [
        "0001_a.sql",
        "0001_a.timescale.sql",
        "0002_b.sql",
    ]


def test_only_what_is_not_applied_is_pending(tmp_path: Path) -> None:
    common, plain, _, second = sorted(written(tmp_path, *NAMES), key=lambda one: NAMES.index(one.name))
    assert pending(read(tmp_path), applied(common, plain), "postgres") == [second]


@pytest.mark.parametrize("name", ["1_a.sql", "0001-a.sql", "0001_a.mysql.sql", "0001_A.sql"])
def test_a_file_with_another_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadMigration, match=name.replace(".", r"\.")):
        written(tmp_path, name)


def test_a_number_used_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMigration, match=r"0001_b\.sql: number 0001 is used by 0001_a\.sql too"):
        written(tmp_path, "0001_a.sql", "0001_b.sql")


def test_a_changed_file_is_refused_by_name(tmp_path: Path) -> None:
    before = applied(*written(tmp_path, "0001_a.sql"))
    (tmp_path / "0001_a.sql").write_text("-- something else")
    with pytest.raises(BadMigration, match=r"^0001_a\.sql: was changed"):
        pending(read(tmp_path), before, "postgres")


def test_a_database_from_the_future_is_refused(tmp_path: Path) -> None:
    migrations = written(tmp_path, "0001_a.sql", "0002_b.sql")
    with pytest.raises(BadMigration, match=r"^0002_b\.sql: .* newer version"):
        pending(migrations[:1], applied(*migrations), "postgres")


def test_the_projects_own_files_have_both_particular_parts() -> None:
    migrations = read(FOLDER)
    particular = {(one.number, one.flavour) for one in migrations if one.flavour}
    assert {number for number, flavour in particular if flavour == "timescale"} == {
        number for number, flavour in particular if flavour == "postgres"
    }
    assert any(one.flavour is None for one in migrations)
