"""Histograms as the bus carries them: cumulative buckets, sum and count, each a series."""

from bisect import bisect_left
from collections.abc import Sequence

from shared.messages.samples import Sample
from shared.messages.series import NAME, key_of
from shared.metrics import Metric


class Histogram:
    """What was observed of one `metric`, by its labels' values, since the beginning."""

    def __init__(self, metric: Metric, bounds: Sequence[float]) -> None:
        """`bounds`: the upper bounds of the buckets, ascending, without +Inf."""
        self._metric, self._bounds = metric, tuple(bounds)
        self._observed: dict[tuple[str, ...], tuple[list[int], float]] = {}

    def observe(self, value: float, **labels: str) -> None:
        """Count `value`. ValueError if `labels` are not the metric's."""
        if labels.keys() != set(self._metric.labels):
            raise ValueError(f"metric {self._metric.name} has the labels {self._metric.labels}, not {tuple(labels)}")
        key = tuple(labels[name] for name in self._metric.labels)
        buckets, total = self._observed.get(key) or ([0] * (len(self._bounds) + 1), 0.0)
        buckets[bisect_left(self._bounds, value)] += 1
        self._observed[key] = buckets, total + value

    def samples(self, time_ms: int) -> list[Sample]:
        """All its series at `time_ms`."""
        made = []
        for key, (buckets, total) in self._observed.items():
            labels = dict(zip(self._metric.labels, key, strict=True))
            count = 0
            for bound, inside in zip((*map(_text, self._bounds), "+Inf"), buckets, strict=True):
                count += inside
                made.append(self._sample("_bucket", time_ms, count, labels | {"le": bound}))
            made.append(self._sample("_sum", time_ms, total, labels))
            made.append(self._sample("_count", time_ms, count, labels))
        return made

    def _sample(self, suffix: str, time_ms: int, value: float, labels: dict[str, str]) -> Sample:
        series = key_of({NAME: f"{self._metric.name}{suffix}", **labels})
        return Sample(series, time_ms, float(value), self._metric.type)


def _text(bound: float) -> str:
    return f"{bound:g}" if "." in f"{bound:g}" or "e" in f"{bound:g}" else f"{bound:g}.0"
