"""What registries hold, as samples for Pantau's api."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Metric

TYPES = frozenset({"gauge", "counter", "histogram", "summary"})

Sample = dict[str, Any]
"""One sample as the api takes it: metric_name, value, labels, metric_type, timestamp (ms)."""


def sample(name: str, value: float, labels: Mapping[str, str], kind: str, time_ms: int) -> Sample:
    """One sample in the api's form. ValueError if the value is not a finite number, which it does not take."""
    if not math.isfinite(value):
        raise ValueError(f"{name}: the value is not a finite number")
    return {
        "metric_name": name,
        "value": float(value),
        "labels": dict(labels),
        "metric_type": kind if kind in TYPES else "unknown",
        "timestamp": time_ms,
    }


def read(
    registries: Iterable[CollectorRegistry], labels: Mapping[str, str], now_ms: int
) -> Iterator[tuple[Metric, list[Sample]]]:
    """Each family with its samples, all at `now_ms`; of families of one name those of the first registry.

    `labels` are added to each sample where it has none of that name. Values that are not finite are left out.
    """
    seen: set[str] = set()
    for registry in registries:
        mine: set[str] = set()
        for family in registry.collect():
            if family.name in seen:
                continue
            mine.add(family.name)
            yield (
                family,
                [
                    sample(one.name, one.value, {**labels, **one.labels}, family.type, now_ms)
                    for one in family.samples
                    if not one.name.endswith("_created") and math.isfinite(one.value)
                ],
            )
        seen |= mine
