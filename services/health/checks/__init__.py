"""The checks, one file each: it has `checks(settings) -> list[Check]`, and is found by being here."""

import importlib
import pkgutil

from services.health.check import Check
from services.health.settings import Settings


def all_checks(settings: Settings) -> list[Check]:
    """The checks that `settings` ask for."""
    found: list[Check] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        found += importlib.import_module(f"{__name__}.{module.name}").checks(settings)
    return found
