"""Which bus and database a command is about: the embedded stack's if it runs, else those of the settings."""

import os
from pathlib import Path

from infra.local.places import Places
from infra.local.record import Record
from infra.local.settings import chosen_file
from infra.local.supervisor import Control
from shared.settings import CommonSettings, load

NAMED = ("PANTAU_DATABASE__DSN", "PANTAU_DATABASE__DSN_FILE", "PANTAU_KAFKA__BOOTSTRAP")


def environment(places: Places, config: Path | None = None) -> dict[str, str]:
    """The environment for programs that are to work on that bus and database. What the caller's own environment
    names goes before a running stack. BadSettings when a settings file is named that is not there."""
    env = dict(os.environ)
    record = Record.read(places)
    file = chosen_file(config)
    if record and not any(name in env for name in NAMED) and Control(places).answers():
        env["PANTAU_DATABASE__DSN_FILE"] = str(places.dsn_file)
        env["PANTAU_KAFKA__BOOTSTRAP"] = record.bootstrap
        file = file if config or not record.config else Path(record.config)
    if file:
        env["PANTAU_CONFIG"] = str(file)
    return env


def settings(places: Places, config: Path | None = None) -> CommonSettings:
    """The settings for that bus and database. BadSettings when they won't do."""
    return load(CommonSettings, environment(places, config))
