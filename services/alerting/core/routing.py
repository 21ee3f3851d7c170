"""Which rule groups a sample concerns, and in which partition of the log a group lives."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np

from services.alerting.core.inputs import Samples, raw_series
from services.alerting.core.interests import Interests
from shared.messages.rules import RuleGroup
from shared.messages.samples import PackedBatch, check_index
from shared.messages.series import labels_of, metric_of
from shared.promql.matching import Selector
from shared.promql.windows import Ints
from shared.rules.reading import reaches_of

MOST_CACHED_SERIES = 500_000
MOST_SHAPES = 10_000
COLLECTOR = "collector/"


def stable_hash(text: str) -> int:
    """A hash that is the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def partition_of(group: str, partitions: int) -> int:
    """The partition of `pantau.alerting.log` that holds the group's log."""
    return stable_hash(group) % partitions


def is_sign_of_life(source: str) -> bool:
    """Whether a batch of this source shows that the world is being watched."""
    return source.startswith(COLLECTOR)


def source_of(group: str) -> str:
    """Who sends the samples that a group makes."""
    return f"alerting/{group}"


def group_reaches(group: RuleGroup, lookback_ms: int) -> dict[Selector, int]:
    """All selectors of a group's rules, and how far back (ms) they look; nothing where it is disabled."""
    found: dict[Selector, int] = {}
    for rule in group.rules if group.enabled else []:
        for selector, reach in reaches_of(rule, lookback_ms).items():
            found[selector] = max(reach + group.query_offset_ms, found.get(selector, 0))
    return found


class _Part(NamedTuple):
    """What of a shape goes to a partition of the log: the new number of each series, -1 where it doesn't."""

    numbers: Ints
    series: msgspec.Raw
    whole: bool


class _Shape(NamedTuple):
    """The series of a source's batches, as long as it sends the same ones."""

    series: bytes
    types: bytes
    height: int
    metrics: frozenset[str]
    parts: dict[int, _Part]


class _FillShape(NamedTuple):
    """The same for the groups that are being filled alone."""

    series: bytes
    only: frozenset[str]
    height: int
    parts: dict[int, _Part]


class Routes:
    """Batches -> what of them goes into which partition of the log. Found once per series and remembered, until a rule
    that may select it comes, goes or changes."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._interests: Interests[str] = Interests()
        self._groups: dict[str, int] = {}
        """Those that select something, and their partitions."""
        self._found: dict[str, dict[str, tuple[str, ...]]] = {}
        """By metric and key, the groups that a series concerns."""
        self._cached = 0
        self._shapes: OrderedDict[str, _Shape] = OrderedDict()
        self._fill_shapes: OrderedDict[str, _FillShape] = OrderedDict()

    def __len__(self) -> int:
        return len(self._groups)

    def put(self, group: str, reaches: Mapping[Selector, int]) -> None:
        """Route to `group` what it selects, from now on; nothing if there are no selectors."""
        before = self._interests.metrics_of(group)
        self._interests.put(group, reaches)
        now = self._interests.metrics_of(group)
        self._groups.pop(group, None)
        if reaches:
            self._groups[group] = partition_of(group, self._partitions)
        self._forget(None if before is None or now is None else before | now)

    def _forget(self, metrics: set[str] | None) -> None:
        """What is known of series of these metrics, or of all, does not hold any more."""
        self._fill_shapes.clear()
        if metrics is None:
            self._found.clear()
            self._shapes.clear()
            self._cached = 0
            return
        for metric in metrics:
            self._cached -= len(self._found.pop(metric, ()))
        for source in [source for source, shape in self._shapes.items() if not metrics.isdisjoint(shape.metrics)]:
            del self._shapes[source]

    def groups_of(self, key: str) -> tuple[str, ...]:
        """The groups that the series concerns. BadMessage if the key is not canonical."""
        alike = self._found.setdefault(metric_of(key), {})
        found = alike.get(key)
        if found is None:
            found = tuple(sorted(self._interests.of(labels_of(key))))
            if self._cached >= MOST_CACHED_SERIES:
                self._found, self._cached = {}, 0
            alike[key] = found
            self._cached += 1
        return found

    def split(self, batch: PackedBatch, partition: int, offset: int, accepted_ms: int) -> list[tuple[int, Samples]]:
        """What of a batch goes into which partition of the log. BadMessage if its series are none."""
        shape = self._shape(batch)
        return [(to, _samples(batch, part, partition, offset, accepted_ms)) for to, part in shape.parts.items()]

    def split_for(
        self, batch: PackedBatch, partition: int, offset: int, accepted_ms: int, only: Collection[str], *, fill: bool
    ) -> list[tuple[int, Samples]]:
        """What of a batch concerns these groups alone. BadMessage if its series are none."""
        parts = self._fill_parts(batch, frozenset(only))
        return [(to, _samples(batch, part, partition, offset, accepted_ms, fill)) for to, part in parts.items()]

    def _fill_parts(self, batch: PackedBatch, only: frozenset[str]) -> dict[int, _Part]:
        series = bytes(batch.series)
        known = self._fill_shapes.get(batch.source)
        if known is not None and known.only == only and known.series == series:
            check_index(batch.index, known.height)
            return known.parts
        chosen = {group: self._groups[group] for group in only if group in self._groups}
        keys, _ = batch.lists()
        wanted = [{chosen[group] for group in self.groups_of(key) if group in chosen} for key in keys]
        parts = _parts(wanted, keys)
        self._fill_shapes[batch.source] = _FillShape(series, only, len(keys), parts)
        if len(self._fill_shapes) > MOST_SHAPES:
            self._fill_shapes.popitem(last=False)
        return parts

    def _shape(self, batch: PackedBatch) -> _Shape:
        series, types, source = bytes(batch.series), bytes(batch.types), batch.source
        known = self._shapes.get(source)
        if known is not None and known.series == series and known.types == types:
            check_index(batch.index, known.height)
            self._shapes.move_to_end(source)
            return known
        keys, _ = batch.lists()
        wanted = [{self._groups[group] for group in self.groups_of(key)} for key in keys]
        metrics = frozenset(map(metric_of, keys))
        shape = self._shapes[source] = _Shape(series, types, len(keys), metrics, _parts(wanted, keys))
        if len(self._shapes) > MOST_SHAPES:
            self._shapes.popitem(last=False)
        return shape


def _parts(wanted: list[set[int]], series: list[str]) -> dict[int, _Part]:
    """By partition of the log, the series that are wanted there."""
    parts = {}
    for to in sorted(set().union(*wanted)):
        numbers = np.full(len(series), -1, np.int64)
        places = [place for place, partitions in enumerate(wanted) if to in partitions]
        numbers[places] = np.arange(len(places))
        chosen = [series[place] for place in places]
        parts[to] = _Part(numbers, raw_series(chosen), len(chosen) == len(series))
    return parts


def _samples(
    batch: PackedBatch, part: _Part, partition: int, offset: int, accepted_ms: int, fill: bool = False
) -> Samples:
    if part.whole:
        index, times, values = batch.index, batch.times, batch.values
    else:
        numbers = part.numbers[np.frombuffer(batch.index, "<u4")]
        kept = numbers >= 0
        index = numbers[kept].astype("<u4").tobytes()
        times = np.frombuffer(batch.times, "<i8")[kept].tobytes()
        values = np.frombuffer(batch.values, "<f8")[kept].tobytes()
    return Samples(
        source=batch.source,
        series=part.series,
        index=index,
        times=times,
        values=values,
        partition=partition,
        offset=offset,
        accepted_ms=accepted_ms,
        made_by=batch.group,
        fill=fill,
    )
