"""Why a transition came about: the samples that the rule's selectors saw of the series that the alert is about."""

from collections.abc import Mapping

from shared.messages.alerts import Evidence, EvidenceSample, EvidenceSeries
from shared.messages.series import NAME, key_of
from shared.promql.query import Query
from shared.promql.reach import looks
from shared.promql.selecting import select
from shared.promql.series_sets import Labels
from shared.promql.source import Source, is_stale

MOST_SERIES = 20
MOST_SAMPLES = 50


def evidence(query: Query, source: Source, about: Mapping[str, str], instant_ms: int, lookback_ms: int) -> Evidence:
    """The samples that decided about the element with the labels `about`, newest kept, bounded.

    A series counts where it has no other value for a label of the element.
    """
    shown: dict[str, EvidenceSeries] = {}
    total: set[Labels] = set()
    for look in looks(query, instant_ms, lookback_ms):
        found = select(source, look.selector.matchers, look.selector.alternatives, look.start_ms, look.end_ms)
        for block in found.blocks:
            chosen = (block.times > look.start_ms) & (block.times <= look.end_ms)
            if not chosen.any():
                continue
            for row, values in zip(block.rows.tolist(), block.values, strict=True):
                labels = found.series[row]
                if not _is_about(labels, about) or is_stale(values[chosen]).all():
                    continue
                total.add(labels)
                key = key_of({NAME: "", **dict(labels)})
                if key in shown or len(shown) >= MOST_SERIES:
                    continue
                fresh = chosen & ~is_stale(values)
                pairs = list(zip(block.times[fresh].tolist(), values[fresh].tolist(), strict=True))
                samples = [EvidenceSample(time=time, value=value) for time, value in pairs[-MOST_SAMPLES:]]
                shown[key] = EvidenceSeries(series=key, samples=samples, total_samples=len(pairs))
    return Evidence(series=list(shown.values()), total_series=len(total))


def _is_about(labels: Labels, about: Mapping[str, str]) -> bool:
    return all(about.get(name, value) == value for name, value in labels if name != NAME)
