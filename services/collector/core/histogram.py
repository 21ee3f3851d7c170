"""Histograms as the bus carries them: cumulative buckets, sum and count, each a series."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from shared.messages.samples import Sample
from shared.messages.series import NAME, key_of
from shared.metrics import Metric


class Histogram:
    """What was observed of one `metric`, by its labels' values, since the beginning."""

    def __init__(self, metric: Metric, bounds: Sequence[float]) -> None:
        """`bounds`: the upper bounds of the buckets, ascending, without +Inf."""
        self._metric, self._bounds = metric, tuple(bounds)
        self._observed: dict[tuple[str, ...], tuple[list[int], float]] = {}
        # Keys are the same at each reading, and dear to make.
        self._keys: dict[tuple[str, ...], list[str]] = {}

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
            counts = [float(count) for count in accumulate(buckets)]
            values = [*counts, total, counts[-1]]
            series = self._keys.get(key) or self._keys.setdefault(key, self._series(key))
            made += [Sample(one, time_ms, value, self._metric.type) for one, value in zip(series, values, strict=True)]
        return made

    def _series(self, key: tuple[str, ...]) -> list[str]:
        """The buckets', the sum's and the count's keys."""
        name, labels = self._metric.name, dict(zip(self._metric.labels, key, strict=True))
        bounds = (*map(_text, self._bounds), "+Inf")
        return [
            *(key_of({NAME: f"{name}_bucket", **labels, "le": bound}) for bound in bounds),
            *(key_of({NAME: f"{name}{suffix}", **labels}) for suffix in ("_sum", "_count")),
        ]


def _text(bound: float) -> str:
    return f"{bound:g}" if "." in f"{bound:g}" or "e" in f"{bound:g}" else f"{bound:g}.0"
