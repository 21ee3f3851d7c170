"""Series that rules make, beside those of a source: seen as one, in the order of labels, whichever holds what."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.messages.series import NAME
from shared.promql.matching import Matcher
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource
from shared.rules.derived import DerivedSeries, Overlay, Recorded

EVERYTHING = [Matcher(NAME, "=", "m")]
Placed = tuple[int, int, bool, bool]
"""A sample: number of its series, time, whether it has come back from the bus, whether it is still kept beside it."""


def seen(placed: list[Placed]) -> list[tuple[str, list[int], list[float]]]:
    under: dict[int, dict[int, float]] = {}
    over = DerivedSeries()
    for number, time, is_back, is_kept in sorted(placed, key=lambda one: one[1]):
        if is_back or not is_kept:
            under.setdefault(number, {})[time] = float(number * 100 + time)
        if is_kept:
            over.append([Recorded(labels_from({NAME: "m", "n": str(number)}), time, float(number * 100 + time))])
    source = FixedSource(
        {
            labels_from({NAME: "m", "n": str(number)}): (
                np.array(sorted(samples), np.int64),
                np.array([samples[time] for time in sorted(samples)]),
            )
            for number, samples in under.items()
        }
    )
    found = Overlay(source, over).select(EVERYTHING, 0, 100)
    rows = {
        row: (block.times.tolist(), values.tolist())
        for block in found.blocks
        for row, values in zip(block.rows.tolist(), block.values, strict=True)
    }
    return [(dict(labels)["n"], *rows[row]) for row, labels in enumerate(found.series.labels)]


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 9), st.booleans(), st.booleans()),
        min_size=1,
        unique_by=lambda one: one[:2],
    )
)
def test_where_a_sample_is_does_not_show(placed: list[Placed]) -> None:
    everything = sorted({(number, time) for number, time, _, _ in placed})
    assert seen(placed) == [
        (
            str(number),
            [time for one, time in everything if one == number],
            [float(number * 100 + time) for one, time in everything if one == number],
        )
        for number in sorted({number for number, _ in everything})
    ]
