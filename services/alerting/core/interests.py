"""Which owners a series concerns, by their selectors: rule groups here, partitions of the log for the router."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from shared.messages.series import NAME
from shared.promql.matching import Selector

Owner = TypeVar("Owner", str, int)


class Interests(Generic[Owner]):
    """Selectors by owner, each with how far back (ms) the owner looks at what it selects."""

    def __init__(self) -> None:
        self._owned: dict[Owner, Mapping[Selector, int]] = {}
        self._by_metric: dict[str, dict[Owner, list[Selector]]] = {}
        self._any_metric: dict[Owner, list[Selector]] = {}
        self._whole: dict[str, dict[Owner, int]] = {}
        """By metric of which all selectors select all series: what concerns each of them."""

    def put(self, owner: Owner, reaches: Mapping[Selector, int]) -> None:
        """The owner is interested in just what these selectors select, from now on."""
        self._whole.clear()
        for selector in self._owned.pop(owner, {}):
            (self._any_metric if selector.metric is None else self._by_metric[selector.metric]).pop(owner, None)
            if selector.metric is not None and not self._by_metric[selector.metric]:
                self._by_metric[selector.metric] = {}
        if reaches:
            self._owned[owner] = dict(reaches)
        for selector in reaches:
            index = self._any_metric if selector.metric is None else self._by_metric.setdefault(selector.metric, {})
            index.setdefault(owner, []).append(selector)

    def of(self, labels: Mapping[str, str]) -> dict[Owner, int]:
        """The owners that the series with these labels concerns, and how far back they look at it; to be read only."""
        metric = labels.get(NAME, "")
        known = self._whole.get(metric)
        if known is not None:
            return known
        found: dict[Owner, int] = {}
        named = self._by_metric.get(metric, {})
        for index in (named, self._any_metric):
            for owner, selectors in index.items():
                reaches = self._owned[owner]
                for selector in selectors:
                    if reaches[selector] > found.get(owner, -1) and selector.matches(labels):
                        found[owner] = reaches[selector]
        if named and not self._any_metric and all(len(one.matchers) == 1 for some in named.values() for one in some):
            self._whole[metric] = found
        return found

    def metrics_of(self, owner: Owner) -> set[str] | None:
        """The metrics that the owner's selectors name; None if one may select any."""
        metrics = {selector.metric for selector in self._owned.get(owner, {})}
        return None if None in metrics else {metric for metric in metrics if metric is not None}
