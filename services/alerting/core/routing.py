"""Which rule groups a sample concerns, and in which partition of the log a group lives."""

from hashlib import blake2b

import numpy as np

from services.alerting.core.inputs import GroupSamples
from shared.messages.rules import RuleGroup
from shared.messages.samples import SampleBatch
from shared.messages.series import labels_of
from shared.promql.errors import BadQuery
from shared.promql.matching import Selector
from shared.promql.syntax import parse

MOST_CACHED_SERIES = 500_000
COLLECTOR = "collector/"


def stable_hash(text: str) -> int:
    """A hash that is the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def partition_of(group: str, partitions: int) -> int:
    """The partition of `pantau.alerting.inputs` that holds the group's log."""
    return stable_hash(group) % partitions


def is_sign_of_life(source: str) -> bool:
    """Whether a batch of this source shows that the world is being watched."""
    return source.startswith(COLLECTOR)


def selectors_of(group: RuleGroup) -> frozenset[Selector]:
    """All selectors of a group's rules; none of a rule that this version can't evaluate, none where it is disabled."""
    found: set[Selector] = set()
    for rule in group.rules if group.enabled else []:
        try:
            found.update(parse(rule.expr).selectors)
        except BadQuery:
            continue  # the fold holds the rule in an error state and says so
    return frozenset(found)


class Routes:
    """Series key -> groups, found once per series and remembered."""

    def __init__(self) -> None:
        self._groups: dict[str, frozenset[Selector]] = {}
        self._by_metric: dict[str, dict[str, list[Selector]]] = {}
        self._any_metric: dict[str, list[Selector]] = {}
        self._cache: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def put(self, group: str, selectors: frozenset[Selector]) -> None:
        """Route to `group` what `selectors` select, from now on; nothing if there are none."""
        for metric in {selector.metric for selector in self._groups.pop(group, ())}:
            (self._any_metric if metric is None else self._by_metric[metric]).pop(group, None)
        if selectors:
            self._groups[group] = selectors
        for selector in selectors:
            index = self._any_metric if selector.metric is None else self._by_metric.setdefault(selector.metric, {})
            index.setdefault(group, []).append(selector)
        self._cache.clear()

    def groups_of(self, key: str) -> tuple[str, ...]:
        """The groups that the series concerns. BadMessage if the key is not canonical."""
        found = self._cache.get(key)
        if found is None:
            found = self._find(key)
            if len(self._cache) >= MOST_CACHED_SERIES:
                self._cache.clear()
            self._cache[key] = found
        return found

    def _find(self, key: str) -> tuple[str, ...]:
        labels = labels_of(key)
        found: set[str] = set()
        for index in (self._by_metric.get(labels["__name__"], {}), self._any_metric):
            found.update(
                group
                for group, selectors in index.items()
                if group not in found and any(selector.matches(labels) for selector in selectors)
            )
        return tuple(sorted(found))

    def split(
        self, batch: SampleBatch, partition: int, offset: int, accepted_ms: int, only: frozenset[str] | None = None
    ) -> list[GroupSamples]:
        """What of a batch concerns which group; `only`: look for these groups alone."""
        wanted: dict[str, list[int]] = {}
        for position, key in enumerate(batch.series):
            for group in self.groups_of(key):
                # What a group derived itself never triggers it again.
                if group != batch.group and (only is None or group in only):
                    wanted.setdefault(group, []).append(position)
        return [
            _part(batch, group, positions, partition, offset, accepted_ms)
            for group, positions in sorted(wanted.items())
        ]


def _part(
    batch: SampleBatch, group: str, positions: list[int], partition: int, offset: int, accepted_ms: int
) -> GroupSamples:
    if len(positions) == len(batch.series):
        index, times, values = batch.index, batch.times, batch.values
    else:
        new_position = np.full(len(batch.series), -1, np.int64)
        new_position[positions] = np.arange(len(positions))
        all_index, all_times, all_values = batch.columns()
        renumbered = new_position[all_index]
        kept = renumbered >= 0
        index = renumbered[kept].astype("<u4").tobytes()
        times, values = all_times[kept].tobytes(), all_values[kept].tobytes()
    return GroupSamples(
        group=group,
        series=[batch.series[position] for position in positions],
        index=index,
        times=times,
        values=values,
        partition=partition,
        offset=offset,
        accepted_ms=accepted_ms,
    )
