"""Why a transition came about: the samples that the rule's selectors saw of the series that the alert is about."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from shared.messages.alerts import Evidence, EvidenceSample, EvidenceSeries
from shared.messages.series import NAME, key_of
from shared.promql.query import Query
from shared.promql.reach import looks
from shared.promql.selecting import select
from shared.promql.series_sets import Ints, Labels
from shared.promql.source import Source, is_stale
from shared.promql.values import Flags, Floats

MOST_SERIES = 20
MOST_SAMPLES = 50


class Origin(NamedTuple):
    """Where a sample came from: partition and offset in `pantau.samples`, and when the broker accepted it (ms)."""

    partition: int
    offset: int
    accepted_ms: int


class Tracer(Protocol):
    """Tells where samples came from."""

    def origin(self, labels: Labels, time_ms: int, instant_ms: int) -> Origin | None:
        """The origin of a series' sample, as far as that is known at an instant."""
        ...

    def late(self, labels: Labels) -> Collection[int]:
        """The times of those of a series' samples that came late."""
        ...


class _Witness(NamedTuple):
    """A series in the stretch of time that a selector looks at."""

    labels: Labels
    times: Ints
    values: Floats


class Witnesses:
    """What a query's selectors saw at an instant, found by what it is about."""

    def __init__(self, query: Query, source: Source, instant_ms: int, lookback_ms: int) -> None:
        self._instant_ms = instant_ms
        self._by_look: list[_Index] = []
        for look in looks(query, instant_ms, lookback_ms):
            found = select(source, look.selector.matchers, look.selector.alternatives, look.start_ms, look.end_ms)
            seen: dict[int, tuple[Ints, Floats]] = {}
            for block in found.blocks:
                chosen = (block.times > look.start_ms) & (block.times <= look.end_ms)
                if chosen.any():
                    times = block.times[chosen]
                    seen |= {
                        row: (times, values)
                        for row, values in zip(block.rows.tolist(), block.values[:, chosen], strict=True)
                    }
            # In the order of labels, however the source keeps them.
            witnesses = [_Witness(found.series[row], *seen[row]) for row in sorted(seen)]
            self._by_look.append(_Index(witnesses))

    def about(self, labels: Mapping[str, str], tracer: Tracer | None = None) -> Evidence:
        """The samples that decided about the element with these labels, newest kept, bounded.

        Those with the element's own labels count; for a selector that saw none of them, those that have no other
        value for a label of the element.
        """
        shown: dict[Labels, EvidenceSeries] = {}
        total: set[Labels] = set()
        for one in (witness for index in self._by_look for witness in index.about(labels)):
            fresh = ~is_stale(one.values)
            if not fresh.any():
                continue
            total.add(one.labels)
            if one.labels not in shown and len(shown) < MOST_SERIES:
                shown[one.labels] = _series(one, fresh, tracer, self._instant_ms)
        series = list(shown.values())
        newest = max((one for one in series if one.samples), key=lambda one: one.samples[-1].time, default=None)
        return Evidence(
            series=series,
            total_series=len(total),
            late_samples=sum(sample.late for one in series for sample in one.samples),
            taken_at=None if newest is None else newest.samples[-1].time,
            partition=None if newest is None else newest.partition,
            offset=None if newest is None else newest.offset,
            accepted_at=None if newest is None else newest.accepted_at,
        )


class _Index:
    """What one selector saw, found by labels."""

    def __init__(self, witnesses: list[_Witness]) -> None:
        self._witnesses = witnesses
        self._exact: dict[Labels, list[int]] = {}
        self._by_names: dict[tuple[str, ...], list[int]] = {}
        self._projected: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[tuple[str, ...], list[int]]] = {}
        for number, one in enumerate(witnesses):
            plain = tuple(pair for pair in one.labels if pair[0] != NAME)
            self._exact.setdefault(plain, []).append(number)
            self._by_names.setdefault(tuple(name for name, _ in plain), []).append(number)

    def about(self, labels: Mapping[str, str]) -> list[_Witness]:
        """The series that an element with these labels is about."""
        plain = tuple(sorted((name, value) for name, value in labels.items() if name != NAME))
        found = list(self._exact.get(plain, ()))
        if not found:
            for names in self._by_names:
                common = tuple(name for name in names if name in labels)
                found += self._values(names, common).get(tuple(labels[name] for name in common), ())
        return [self._witnesses[number] for number in sorted(found)]

    def _values(self, names: tuple[str, ...], common: tuple[str, ...]) -> dict[tuple[str, ...], list[int]]:
        """The series with these label names, by their values of those that the element has, too."""
        found = self._projected.get((names, common))
        if found is None:
            found = self._projected[names, common] = {}
            for number in self._by_names[names]:
                own = dict(self._witnesses[number].labels)
                found.setdefault(tuple(own[name] for name in common), []).append(number)
        return found


def _series(one: _Witness, fresh: Flags, tracer: Tracer | None, instant_ms: int) -> EvidenceSeries:
    labels, times, values = one.labels, one.times[fresh], one.values[fresh]
    late = tracer.late(labels) if tracer is not None else ()
    origin = tracer.origin(labels, int(times[-1]), instant_ms) if tracer is not None else None
    pairs = zip(times[-MOST_SAMPLES:].tolist(), values[-MOST_SAMPLES:].tolist(), strict=True)
    return EvidenceSeries(
        series=key_of({NAME: "", **dict(labels)}),
        samples=[EvidenceSample(time=time, value=value, late=time in late) for time, value in pairs],
        total_samples=len(times),
        partition=None if origin is None else origin.partition,
        offset=None if origin is None else origin.offset,
        accepted_at=None if origin is None else origin.accepted_ms,
    )
