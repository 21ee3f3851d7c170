"""Incidents to practise on, one file each: it has `SCENARIO`, and is found by being here."""

import importlib
import pkgutil

from infra.simulator.scenarios.scenario import Scenario

_OTHERS = ("events", "scenario")


def all_scenarios() -> dict[str, Scenario]:
    """Every scenario by its name, the calm one first."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in _OTHERS)
    found: list[Scenario] = [importlib.import_module(f"{__name__}.{name}").SCENARIO for name in names]
    return {one.name: one for one in sorted(found, key=lambda one: (one.name != "calm", one.name))}
