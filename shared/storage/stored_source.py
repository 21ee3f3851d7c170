"""Series that were read from the database once, as a `Source` for as many queries as needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.messages.message import instant_to_text
from shared.promql.errors import QueryFailed
from shared.promql.matching import Matcher, Selector
from shared.promql.series_sets import Ints, Labels, SeriesSet
from shared.promql.source import Block, Selection, stacked
from shared.promql.values import Floats
from shared.storage.wants import Range, covering


@dataclass(frozen=True, eq=False)
class _Part:
    """Some series of one stored block: `rows` are theirs in the selection, `places` those in the block."""

    block: Block
    rows: Ints
    places: Ints
    whole: bool
    """Whether these are all series of the block, in its order: then nothing has to be copied."""

    def between(self, start_ms: int, end_ms: int) -> Block:
        lo, hi = np.searchsorted(self.block.times, (start_ms, end_ms), "right").tolist()
        values = self.block.values[:, lo:hi] if self.whole else self.block.values[self.places, lo:hi]
        return Block(self.rows, self.block.times[lo:hi], values, self.block.marked)


class StoredSource:
    """A `Source` of what was loaded. It answers what was wanted and nothing else: QueryFailed for the rest, since
    "no samples" would not be the truth."""

    def __init__(
        self,
        series: Sequence[Labels],
        samples: Sequence[tuple[Ints, Floats]],
        members: Mapping[Selector, Sequence[int]],
        ranges: Mapping[Selector, tuple[Range, ...]],
    ) -> None:
        """`series` and the times and values of their `samples` go together by position; `members` gives the positions
        that a selector selects, `ranges` what was loaded of them."""
        self._series, self._members, self._ranges = series, members, ranges
        self._parts: dict[Selector, tuple[SeriesSet, list[_Part]]] = {}
        self._blocks = stacked(samples)
        self._block_of = np.zeros(len(series), np.int64)
        self._place_of = np.zeros(len(series), np.int64)
        for number, block in enumerate(self._blocks):
            self._block_of[block.rows] = number
            self._place_of[block.rows] = np.arange(len(block.rows))
        self.samples = sum(block.values.size for block in self._blocks)
        """How many samples it holds."""

    def __len__(self) -> int:
        return len(self._series)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`."""
        asked = Selector(tuple(matchers))
        within = covering(self._ranges, asked, start_ms, end_ms)
        if within is None:
            text = ", ".join(f"{one.label}{one.op}{one.value!r}" for one in matchers)
            raise QueryFailed(
                f"samples of {{{text}}} from {_told(start_ms)} to {_told(end_ms)} were not read from history"
            )
        found = self._parts.get(asked)
        if found is None:
            found = self._parts[asked] = self._found(asked, within)
        series, parts = found
        return Selection(series, [part.between(start_ms, end_ms) for part in parts])

    def _found(self, asked: Selector, within: Selector) -> tuple[SeriesSet, list[_Part]]:
        chosen = list(self._members[within])
        if asked != within:
            chosen = [one for one in chosen if asked.matches(dict(self._series[one]))]
        chosen.sort(key=self._series.__getitem__)
        numbers = np.array(chosen, np.int64)
        series = SeriesSet([self._series[one] for one in chosen])
        blocks = self._block_of[numbers]
        parts = []
        for number in np.unique(blocks).tolist():
            rows = np.flatnonzero(blocks == number)
            places = self._place_of[numbers[rows]]
            block = self._blocks[number]
            whole = len(places) == len(block.rows) and bool((places == np.arange(len(places))).all())
            parts.append(_Part(block, rows, places, whole))
        return series, parts


def _told(instant_ms: int) -> str:
    try:
        return instant_to_text(instant_ms)
    except (ValueError, OverflowError, OSError):
        return f"{instant_ms} ms"
