"""What a metric is, said once: its samples, the exporter's help texts and `docs/metrics.md` all come from it."""

from dataclasses import dataclass

from shared.messages.samples import Sample
from shared.messages.series import METRIC_TYPES, NAME, key_of

# The specification calls a gauge so.
GAUGES_IN_TOTAL = frozenset({"active_users_total"})


@dataclass(frozen=True)
class Metric:
    """The description of one metric that a service puts on `pantau.samples`."""

    name: str
    type: str
    """gauge, counter, histogram, summary or unknown"""
    unit: str
    """percent, bytes, seconds, ... ; empty where there is none"""
    help: str
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.type not in METRIC_TYPES:
            raise ValueError(f"metric {self.name}: type {self.type!r} is none of {', '.join(METRIC_TYPES)}")
        counts = self.name.endswith("_total") and self.name not in GAUGES_IN_TOTAL
        if (self.type == "counter") != counts:
            raise ValueError(f"metric {self.name}: counters, and only counters, end in _total")

    def sample(self, time_ms: int, value: float, **labels: str) -> Sample:
        """A sample of the series with these labels. ValueError if they are not the metric's labels."""
        if labels.keys() != set(self.labels):
            raise ValueError(f"metric {self.name} has the labels {self.labels}, not {tuple(labels)}")
        readable = {label: _readable(text) for label, text in labels.items()}
        return Sample(key_of({NAME: self.name, **readable}), time_ms, float(value), self.type)


def _readable(text: str) -> str:
    """`text` as UTF-8 can carry it: names of files and devices may hold bytes that are not."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
