"""The sources, one file each: it has `METRICS` and `sources(settings) -> list[Source]`, and is found by being here."""

import importlib
import pkgutil

from services.collector.settings import Settings
from services.collector.source import Source
from shared.metrics import Metric


def all_sources(settings: Settings) -> list[Source]:
    """The sources that `settings` ask for."""
    found: list[Source] = []
    for name in _modules():
        found += importlib.import_module(name).sources(settings)
    return found


def all_metrics() -> dict[str, tuple[Metric, ...]]:
    """The metrics of every kind of source, by its module's last name."""
    return {name.rpartition(".")[2]: importlib.import_module(name).METRICS for name in _modules()}


def _modules() -> list[str]:
    return sorted(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
