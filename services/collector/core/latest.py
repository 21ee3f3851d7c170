"""The latest value of every collected series, and how series make metric families."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.messages.samples import Sample

# What Prometheus calls stale: a series without a newer value for so long is gone.
STALE_AFTER_MS = 5 * 60 * 1000

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


class Latest:
    """Series with their newest sample, each until it is stale."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[Sample, int]] = {}

    def put(self, samples: Iterable[Sample], interval_ms: int) -> None:
        """Take over `samples` of a source that is read every `interval_ms`."""
        lives_ms = max(STALE_AFTER_MS, 2 * interval_ms)
        for sample in samples:
            self._newest[sample.series] = (sample, sample.time_ms + lives_ms)

    def fresh(self, now_ms: int) -> list[Sample]:
        """The samples that are not stale at `now_ms`; the others are forgotten."""
        self._newest = {series: kept for series, kept in self._newest.items() if now_ms < kept[1]}
        return [sample for sample, _ in self._newest.values()]


@dataclass
class Family:
    """Samples of one metric family: its name as OpenMetrics has it (without `_total`), its type."""

    name: str
    type: str
    samples: list[Sample] = field(default_factory=list)


def families(samples: Iterable[Sample]) -> list[Family]:
    """`samples` by family, families and series sorted by name. One whose samples disagree on the type is `unknown`."""
    found: dict[str, Family] = {}
    for sample in sorted(samples, key=lambda sample: sample.series):
        name = family_name(sample.series.partition("{")[0], sample.type)
        family = found.setdefault(name, Family(name, sample.type))
        if family.type != sample.type:
            family.type = "unknown"
        family.samples.append(sample)
    return sorted(found.values(), key=lambda family: family.name)


def family_name(metric: str, metric_type: str) -> str:
    """The family that a metric name of this type belongs to, e.g. `x_total` -> `x`, `y_bucket` -> `y`."""
    for suffix in _SUFFIXES.get(metric_type, ()):
        if metric.endswith(suffix):
            return metric.removesuffix(suffix)
    return metric
