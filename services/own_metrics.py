"""What programs count about themselves in prometheus_client's registries, as descriptions."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from shared.metrics import Metric

UNITS = ("seconds", "bytes")


def modules_below(package: str) -> Iterator[ModuleType]:
    """Every module of `package`, loaded, but those that are run as programs."""
    found = importlib.import_module(package)
    for module in sorted(pkgutil.walk_packages(found.__path__, f"{package}."), key=lambda module: module.name):
        if not module.name.endswith("__main__"):
            yield importlib.import_module(module.name)


def counted_in(modules: Iterable[ModuleType]) -> Iterator[MetricWrapperBase]:
    """The metrics that `modules` hold, each as often as one of them has it."""
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, MetricWrapperBase):
                yield value


def held_by(registry: CollectorRegistry) -> Iterator[MetricWrapperBase]:
    """The metrics in a registry."""
    for collector in registry._collector_to_names:
        if isinstance(collector, MetricWrapperBase):
            yield collector


def described(metric: MetricWrapperBase, more_labels: tuple[str, ...] = ()) -> Metric:
    """The description of one, with labels that it gets on its way."""
    family = next(iter(metric.describe()))
    name = f"{family.name}_total" if family.type == "counter" else family.name
    unit = next((unit for unit in UNITS if name.removesuffix("_total").endswith(f"_{unit}")), "")
    return Metric(name, family.type, unit, family.documentation, (*metric._labelnames, *more_labels))
