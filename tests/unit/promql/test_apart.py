"""Series with times of their own, evaluated together: the same bits as one by one."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.promql import over_time, rates
from shared.promql.apart import Apart
from shared.promql.errors import BadQuery, QueryFailed
from shared.promql.matching import Matcher
from shared.promql.query import Query, compile_query
from shared.promql.series_sets import Ints, Labels
from shared.promql.source import FixedSource, Selection
from shared.promql.values import Floats
from tests.unit.promql.strategies import EXPRESSIONS, LAST_MS, STALE, STEP_MS, Data, data
from tests.unit.promql.test_engine_properties import SLOW, assert_same, compile_query_or_none, elements


class ApartSource:
    """What `FixedSource` gives, but never as blocks of equal times."""

    def __init__(self, series: Data) -> None:
        self._fixed = FixedSource(series)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """See `Source`."""
        found = self._fixed.select(matchers, start_ms, end_ms)
        samples = {
            int(row): (block.times, values)
            for block in found.blocks
            for row, values in zip(block.rows, block.values, strict=True)
        }
        return Selection(found.series, apart=apart([samples[row] for row in range(len(found.series))]))


def apart(samples: Sequence[tuple[Ints, Floats]], until: int = 2**62) -> Apart:
    """Samples of series given one by one; what is left of them in a row is garbage, as in a ring that was in use."""
    counts = np.array([len(times) for times, _ in samples], np.int64)
    width = int(counts.max(initial=0))
    times, values = np.full((len(samples), width), 77_777, np.int64), np.full((len(samples), width), STALE)
    for row, (row_times, row_values) in enumerate(samples):
        times[row, width - len(row_times) :], values[row, width - len(row_times) :] = row_times, row_values
    return Apart(counts, times, values, until)


@SLOW
@given(data(), EXPRESSIONS, st.sampled_from([0, 7, 100_000, 20 * STEP_MS, LAST_MS, LAST_MS + 200_000]))
def test_an_instant_is_the_same_for_series_that_are_sampled_apart(series: Data, text: str, at: int) -> None:
    query = compile_query_or_none(text)
    if query is None:
        return
    expected = outcome(query, FixedSource(series), at)
    found = outcome(query, ApartSource(series), at)
    if isinstance(expected, str) or isinstance(found, str):
        assert found == expected
    else:
        assert_same(found, expected, f"{text} at {at}")


def outcome(query: Query, source: FixedSource | ApartSource, at: int) -> dict[Labels, float] | float | str:
    """What a query answers, or why it doesn't."""
    try:
        return elements(query.instant(source, at), 0)
    except (BadQuery, QueryFailed) as error:
        return str(error)


FUNCTIONS = (
    *("rate({})", "increase({})", "delta({})", "irate({})", "idelta({})", "deriv({})", "predict_linear({}, 60)"),
    *(f"{name}_over_time({{}})" for name in ("sum", "avg", "min", "max", "first", "last", "count", "present")),
    *(f"ts_of_{name}_over_time({{}})" for name in ("first", "last", "max", "min")),
    *(f"{name}_over_time({{}})" for name in ("stddev", "stdvar", "mad")),
    *("changes({})", "resets({})", "quantile_over_time(0.3, {})", "double_exponential_smoothing({}, 0.5, 0.1)"),
    *("integral({})", "absent_over_time({})", "rate({} anchored)", "increase({} smoothed)"),
)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("seed", [3, 14, 159])
@pytest.mark.parametrize("at_once", [8, 1 << 18])
def test_each_function_over_series_that_are_sampled_apart(
    function: str, seed: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(seed)
    series = Data(seed)
    for row in range(30):
        times = np.sort(random.choice(LAST_MS, size=random.integers(0, 50), replace=False)).astype(np.int64)
        values = np.cumsum(random.integers(-1, 6, len(times))).astype(np.float64)
        values[random.random(len(values)) < 0.05 * (row % 3)] = STALE
        series[("__name__", "a_total"), ("instance", str(row))] = times, values
    # Also where not all rows are worked on at once.
    monkeypatch.setattr(over_time, "_CELLS_AT_ONCE", at_once)
    monkeypatch.setattr(rates, "_CELLS_AT_ONCE", at_once)
    asked = function.replace("{} ", "a_total[3m] ").replace("{}", "a_total[3m]")
    query = compile_query(asked)
    for at in (5 * STEP_MS, 20 * STEP_MS + 1, LAST_MS + 60_000):
        expected, found = outcome(query, FixedSource(series), at), outcome(query, ApartSource(series), at)
        assert not isinstance(expected, str)
        assert not isinstance(found, str)
        assert_same(found, expected, f"{asked} at {at}")


def test_samples_are_counted_and_cut_without_markers() -> None:
    held = apart(
        [
            (np.array([1, 5, 9]), np.array([1.0, STALE, 3.0])),
            (np.array([2, 6]), np.array([4.0, 5.0])),
            (np.array([], np.int64), np.array([])),
            (np.array([11]), np.array([7.0])),
        ]
    )
    assert held.samples(1, 9) == 4
    cuts = {int(row): (cut.times[place].tolist(), cut.values[place].tolist())
            for cut in held.cuts(0, 9) for place, row in enumerate(cut.rows)}  # fmt: skip
    assert cuts == {0: ([1, 9], [1.0, 3.0]), 1: ([2, 6], [4.0, 5.0])}
    assert [(block.rows.tolist(), block.times.tolist()) for block in held.blocks()] == [
        ([0], [1, 5, 9]),
        ([1], [2, 6]),
        ([2], []),
        ([3], [11]),
    ]


def test_what_comes_after_an_instant_counts_as_not_there() -> None:
    held = apart(
        [
            (np.array([1, 5, 9]), np.array([1.0, 2.0, 3.0])),
            (np.array([6, 8]), np.array([4.0, STALE])),
            (np.array([2, 4]), np.array([5.0, 6.0])),
            (np.array([1, 5]), np.array([7.0, 8.0])),
        ],
        until=5,
    )
    assert [(block.times.tolist(), block.values.tolist(), block.marked) for block in held.blocks()] == [
        ([1, 5], [[1.0, 2.0], [7.0, 8.0]], False),
        ([], [[]], False),
        ([2, 4], [[5.0, 6.0]], False),
    ]
    assert held.samples(0, 100) == 6
    values, times, there = held.newest(7, 10)
    assert [(value, time) for value, time, one in zip(values, times, there, strict=True) if one] == [
        (2.0, 5),
        (6.0, 4),
        (8.0, 5),
    ]
    seen = {int(row): cut.times[place].tolist() for cut in held.cuts(1, 9) for place, row in enumerate(cut.rows)}
    assert seen == {0: [5], 2: [2, 4], 3: [5]}


@pytest.mark.parametrize(
    ("at", "lookback", "expected"),
    [(5, 4, [None, 4.0]), (4, 3, [1.0, 4.0]), (4, 2, [None, None]), (9, 1, [3.0, None]), (0, 9, [None, None])],
)
def test_the_newest_value_is_none_if_it_is_a_marker_or_too_old(
    at: int, lookback: int, expected: list[float | None]
) -> None:
    held = apart([(np.array([2, 5, 9]), np.array([1.0, STALE, 3.0])), (np.array([2, 6]), np.array([4.0, 5.0]))])
    values, _, found = held.newest(at, lookback)
    assert [value if there else None for value, there in zip(values.tolist(), found.tolist(), strict=True)] == expected
