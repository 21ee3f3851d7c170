"""Where series come from: a small protocol, so that the engine works over memory, a database or a test alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, Labels, SeriesSet, labels_from
from shared.promql.values import Flags, Floats

if TYPE_CHECKING:
    from shared.promql.apart import Apart

STALE_BITS = 0x7FF0000000000002
"""The NaN that says: from here on the series has no value."""


@dataclass(frozen=True, eq=False)
class Block:
    """Series that were sampled at the same times.

    `rows` [S] are their rows in the selection, `times` [N] rises strictly, `values` is [S, N]. `marked` says whether
    there are staleness markers among the values: the engine looks for them only then.
    """

    rows: Ints
    times: Ints
    values: Floats
    marked: bool = False


class Selection:
    """Selected series, each of them in exactly one block.

    A source gives the same `series` object as long as the same series are selected: work on labels is remembered there.
    Where few of them have the same times it may give them `apart`; the blocks are then made if somebody needs them.
    """

    def __init__(self, series: SeriesSet, blocks: Sequence[Block] | None = None, apart: "Apart | None" = None) -> None:
        assert (blocks is None) != (apart is None), "one or the other"
        self.series, self._blocks, self.apart = series, blocks, apart

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """The samples, by blocks."""
        if self.apart is not None:
            return self.apart.blocks()
        assert self._blocks is not None
        return self._blocks


class Source(Protocol):
    """Anything that holds series."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """The series that satisfy all matchers, with at least their samples in (start, end].

        They come in the order of their labels, so that ties are decided alike whatever holds the series. A series
        without samples there may be left out. QueryFailed if there is no answer.
        """
        ...


def accepts(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether the series with these labels satisfies all matchers."""
    return all(one.matches(labels.get(one.label, "")) for one in matchers)


def is_stale(values: Floats) -> Flags:
    """Which values are staleness markers."""
    stale: Flags = np.ascontiguousarray(values).view(np.uint64) == np.uint64(STALE_BITS)
    return stale


class FixedSource:
    """Whole series, given once; those with the same times share a block."""

    def __init__(self, series: Mapping[Labels, tuple[Ints, Floats]]) -> None:
        self._mappings = [dict(labels) for labels in series]
        self._labels = [labels_from(one) for one in self._mappings]
        self._samples = list(series.values())
        self._selections: dict[tuple[Matcher, ...], Selection] = {}

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`; the time range is not made use of."""
        key = tuple(matchers)
        found = self._selections.get(key)
        if found is None:
            rows = [row for row, labels in enumerate(self._mappings) if accepts(matchers, labels)]
            rows.sort(key=self._labels.__getitem__)
            series = SeriesSet([self._labels[row] for row in rows])
            found = Selection(series, stacked([self._samples[row] for row in rows]))
            self._selections[key] = found
        return found


def stacked(samples: Sequence[tuple[Ints, Floats]]) -> list[Block]:
    """Blocks of series given one by one."""
    together: dict[bytes, list[int]] = {}
    for row, (times, _) in enumerate(samples):
        together.setdefault(times.tobytes(), []).append(row)
    blocks = []
    for rows in together.values():
        times = samples[rows[0]][0]
        values = np.stack([samples[row][1] for row in rows]) if len(times) else np.zeros((len(rows), 0))
        blocks.append(Block(np.array(rows, np.int64), times, values, bool(is_stale(values).any())))
    return blocks
