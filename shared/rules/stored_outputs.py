"""History without what the rules under trial have made of it live: otherwise their trial would see the outcome of the
very rules that it is to replace, and what they make no more would live on.

What they made before the trial begins stays: live, a changed rule finds that too.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from shared.messages.series import NAME
from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, Labels, SeriesSet
from shared.promql.source import Block, Selection, Source
from shared.rules.dependencies import Output


class WithoutOutputs:
    """A `Source` without the samples from `from_ms` on of the series that rules make."""

    def __init__(self, source: Source, outputs: Iterable[Output], from_ms: int) -> None:
        self._source, self._from_ms = source, from_ms
        self._outputs: dict[str, list[Output]] = {}
        for output in outputs:
            self._outputs.setdefault(output.metric, []).append(output)
        self._key = ("made", tuple(sorted(one for some in self._outputs.values() for one in some)))

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`."""
        found = self._source.select(matchers, start_ms, end_ms)
        if not self._outputs:
            return found
        made = found.series.remember(self._key, lambda: self._made(found.series))
        if not len(made):
            return found
        return Selection(found.series, [part for block in found.blocks for part in self._parts(block, made)])

    def _parts(self, block: Block, made: Ints) -> list[Block]:
        """The block, with those of its rows that rules make cut off."""
        cut = np.isin(block.rows, made)
        if not cut.any():
            return [block]
        before = int(np.searchsorted(block.times, self._from_ms))
        parts = [Block(block.rows[cut], block.times[:before], block.values[cut, :before], block.marked)]
        if not cut.all():
            parts.append(Block(block.rows[~cut], block.times, block.values[~cut], block.marked))
        return parts

    def _made(self, series: SeriesSet) -> Ints:
        """The rows of series that rules make."""
        return np.array([row for row, labels in enumerate(series.labels) if self._is_made(labels)], np.int64)

    def _is_made(self, labels: Labels) -> bool:
        mapping = dict(labels)
        candidates = self._outputs.get(mapping.get(NAME, ""), ())
        return any(all(mapping.get(label, "") in values for label, values in one.known) for one in candidates)
