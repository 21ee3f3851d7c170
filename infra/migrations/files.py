"""The migration files of this folder, in the order in which they are applied."""

import re
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Literal

Flavour = Literal["timescale", "postgres"]
FLAVOURS: tuple[Flavour, ...] = ("timescale", "postgres")

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+(?:\.(timescale|postgres))?\.sql")


class BadMigration(Exception):
    """The schema can't be brought up to date. The text says what is in the way, why, and what to do."""


@dataclass(frozen=True)
class Migration:
    """One SQL file. `flavour` None is for every database."""

    name: str
    number: int
    flavour: Flavour | None
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of its content, in hex."""
        return sha256(self.sql.encode()).hexdigest()


def read(folder: Path) -> list[Migration]:
    """The migrations in `folder` by number, what is common before what is particular. BadMigration for a file that is
    not named as one, or a number used twice."""
    migrations = []
    for path in folder.glob("*.sql"):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise BadMigration(
                f"{path.name}: not named NNNN_subject.sql, NNNN_subject.timescale.sql or NNNN_subject.postgres.sql"
            )
        flavour = next((one for one in FLAVOURS if one == match[2]), None)
        migrations.append(Migration(path.name, int(match[1]), flavour, path.read_text(encoding="utf-8")))
    migrations.sort(key=lambda one: (one.number, one.flavour or ""))
    for before, after in pairwise(migrations):
        if (before.number, before.flavour) == (after.number, after.flavour):
            raise BadMigration(f"{after.name}: number {after.number:04} is used by {before.name} too")
    return migrations


def pending(migrations: list[Migration], applied: dict[str, str], flavour: Flavour) -> list[Migration]:
    """What is to be applied to a database of `flavour` that holds `applied` (file name -> checksum).

    BadMigration names a file that was changed after it was applied, or that the database has and this version of the
    program lacks.
    """
    wanted = [one for one in migrations if one.flavour in (None, flavour)]
    unknown = sorted(applied.keys() - {one.name for one in wanted})
    if unknown:
        raise BadMigration(
            f"{unknown[0]}: applied to this database, but this version of Pantau has no such file: the database was "
            "migrated by a newer version. Run that version, or restore a backup from before it"
        )
    for one in wanted:
        if one.name in applied and applied[one.name] != one.checksum:
            raise BadMigration(
                f"{one.name}: was changed after it was applied to this database. Put its content back and make the "
                "change in a new file with the next number"
            )
    return [one for one in wanted if one.name not in applied]
