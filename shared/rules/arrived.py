"""Which elements of a rule's result, and which alerts, samples that have just arrived say something about."""

from collections.abc import Collection

from shared.messages.series import NAME
from shared.promql.series_sets import METADATA, Labels, label_of, without_labels
from shared.promql.source import Source


class Arrived:
    """Series that got samples."""

    def __init__(self, series: Collection[Labels], alone: Source | None = None) -> None:
        """`alone` holds these series and no others: enough for rules that look at each series by itself."""
        self.alone = alone
        self._series = series
        self._by_metric: dict[str, dict[Labels, Labels]] = {}
        self._exact: set[Labels] = set()
        self._by_names: dict[tuple[str, ...], list[dict[str, str]]] = {}
        self._projected: dict[tuple[tuple[str, ...], tuple[str, ...]], set[tuple[str, ...]]] = {}

    def of(self, metric: str) -> dict[Labels, Labels]:
        """Those of a metric, by what elements keep of their labels when they are no longer the metric's own."""
        return self._named().get(metric, {})

    def concerns(self, element: Labels) -> bool:
        """Whether one of them has no other value for a label of the element with these labels."""
        if not self._by_names:
            self._index()
        plain = without_labels(element, METADATA)
        if plain in self._exact:
            return True
        own = dict(plain)
        for names in self._by_names:
            common = tuple(name for name in names if name in own)
            if tuple(own[name] for name in common) in self._values(names, common):
                return True
        return False

    def _index(self) -> None:
        for some in self._named().values():
            for plain in some:
                self._exact.add(plain)
                self._by_names.setdefault(tuple(name for name, _ in plain), []).append(dict(plain))

    def _named(self) -> dict[str, dict[Labels, Labels]]:
        if not self._by_metric:  # most arrivals say nothing about any alert: nobody asks then
            for labels in self._series:
                plain = tuple(pair for pair in labels if pair[0] not in METADATA)
                self._by_metric.setdefault(label_of(labels, NAME), {})[plain] = labels
        return self._by_metric

    def _values(self, names: tuple[str, ...], common: tuple[str, ...]) -> set[tuple[str, ...]]:
        found = self._projected.get((names, common))
        if found is None:
            found = {tuple(one[name] for name in common) for one in self._by_names[names]}
            self._projected[names, common] = found
        return found
