"""`python -m infra.migrations`: bring the schema of the database in the settings up to date."""

import sys

from infra.migrations.files import BadMigration
from infra.migrations.runner import migrate
from shared.settings import BadSettings, CommonSettings, load


def main() -> int:
    """The exit status: 0 when the schema is up to date, 1 when it can't be brought there, 2 for bad settings."""
    try:
        dsn = load(CommonSettings).database.dsn.get_secret_value()
    except BadSettings as error:
        print(f"migrations: {error}", file=sys.stderr)
        return 2
    try:
        migrate(dsn, lambda line: print(f"migrations: {line}", flush=True))
    except BadMigration as error:
        print(f"migrations: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
