"""What a script has loaded, as a source for the engine. Native histograms are known by their times alone."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from shared.promql.errors import NativeHistogramMet
from shared.promql.matching import Matcher
from shared.promql.series_sets import Labels, label_of, with_label, without_labels
from shared.promql.source import STALE_BITS, FixedSource, Selection, accepts
from tests.promqltest.notation import NATIVE, STALE, Described

_STALE_VALUE = float(np.uint64(STALE_BITS).view(np.float64))


class Storage:
    """Series as the scripts load them."""

    def __init__(self) -> None:
        self._floats: dict[Labels, dict[int, float]] = {}
        self._native: dict[Labels, set[int]] = {}
        self._source: FixedSource | None = None

    def load(self, step_ms: int, series: Sequence[Described], converts: bool) -> None:
        """Add series; `converts`: classic histograms become native ones too."""
        # Of two lines for one series in one command the last one counts.
        for labels, entries in {one.labels: one.entries for one in series}.items():
            for place, entry in enumerate(entries):
                if entry == NATIVE:
                    self._native.setdefault(labels, set()).add(place * step_ms)
                elif entry is not None:
                    value = _STALE_VALUE if entry == STALE else float(entry)
                    self._floats.setdefault(labels, {})[place * step_ms] = value
                    if converts and label_of(labels, "__name__").endswith("_bucket"):
                        self._native.setdefault(_converted(labels), set()).add(place * step_ms)
        self._source = None

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`. NativeHistogramMet where a native histogram lies in the time range."""
        for labels, times in self._native.items():
            if accepts(matchers, dict(labels)):
                ordered = sorted(times)
                if bisect_right(ordered, end_ms) > bisect_right(ordered, start_ms):
                    raise NativeHistogramMet("native histograms are not supported by this version")
        return self._floats_source().select(matchers, start_ms, end_ms)

    def _floats_source(self) -> FixedSource:
        if self._source is None:
            self._source = FixedSource(
                {
                    labels: (np.array(sorted(samples), np.int64), np.array([samples[at] for at in sorted(samples)]))
                    for labels, samples in self._floats.items()
                }
            )
        return self._source


def _converted(labels: Labels) -> Labels:
    name = label_of(labels, "__name__").removesuffix("_bucket")
    return with_label(without_labels(labels, ("le",)), "__name__", name)
