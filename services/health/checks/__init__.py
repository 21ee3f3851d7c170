"""The checks, one file each: it has `checks(settings) -> list[Check]`, and is found by being here."""

import importlib
import pkgutil

from services.health.board import Board
from services.health.check import Check
from services.health.settings import Settings
from services.health.worst import worst_of_kinds


def all_checks(settings: Settings, board: Board | None = None) -> list[Check]:
    """The checks that `settings` ask for; of kinds with several, also the one that sums them up, from `board`."""
    found: list[Check] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        found += importlib.import_module(f"{__name__}.{module.name}").checks(settings)
    return found + worst_of_kinds(found, board or Board())
