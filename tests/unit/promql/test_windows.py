"""Windows: appending in any order and any number of times ends in the same samples."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.promql.window_pools import WIDTHS, WindowPools

LATER = 2**60
APPENDED = st.lists(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.floats(-9, 9)), min_size=1, max_size=8), max_size=25
)
Batch = list[tuple[int, int, float]]


class Tried:
    """Pools whose rows are known by a number of ours."""

    def __init__(self) -> None:
        self.pools = WindowPools()
        self.rows: dict[int, int] = {}

    def append(self, batch: Batch, floor: int = -LATER) -> list[bool]:
        for series, _, _ in batch:
            if series not in self.rows:
                self.rows[series] = self.pools.take()
        rows = np.array([self.rows[series] for series, _, _ in batch], np.int64)
        times = np.array([time for _, time, _ in batch], np.int64)
        return self.pools.append(rows, times, np.array([value for _, _, value in batch]), floor).tolist()

    @property
    def content(self) -> dict[int, dict[int, float]]:
        found = {}
        for series, row in self.rows.items():
            times, values, _ = self.pools.samples(row)
            assert times.tolist() == sorted(set(times.tolist()))
            found[series] = dict(zip(times.tolist(), values.tolist(), strict=True))
        return found


def expected(batches: list[Batch]) -> dict[int, dict[int, float]]:
    """The first value of each time wins."""
    found: dict[int, dict[int, float]] = {}
    for batch in batches:
        for series, time, value in batch:
            found.setdefault(series, {}).setdefault(time, value)
    return found


@settings(max_examples=200, deadline=None)
@given(APPENDED)
def test_appending_keeps_the_first_value_of_each_time(batches: list[Batch]) -> None:
    tried = Tried()
    for batch in batches:
        fresh = tried.append(batch)
        assert tried.append(batch) == [False] * len(batch), "appending again changes nothing"
        assert sum(fresh) <= len(batch)
    assert tried.content == expected(batches)


@settings(max_examples=100, deadline=None)
@given(APPENDED, st.integers(0, 60))
def test_blocks_hold_just_what_the_rows_hold_up_to_an_instant(batches: list[Batch], until: int) -> None:
    tried = Tried()
    for batch in batches:
        tried.append(batch)
    series = sorted(tried.rows)
    seen: dict[int, dict[int, float]] = {}
    for block in tried.pools.blocks(np.array([tried.rows[one] for one in series], np.int64), until):
        for place, values in zip(block.rows.tolist(), block.values, strict=True):
            seen[series[place]] = dict(zip(block.times.tolist(), values.tolist(), strict=True))
    assert seen == {
        one: {time: value for time, value in held.items() if time <= until} for one, held in expected(batches).items()
    }


def test_what_is_not_needed_any_more_makes_place_for_what_comes() -> None:
    tried = Tried()
    for time in range(1_000):
        tried.append([(0, time, 0.0)], floor=time - 3)
    assert tried.pools.overflowed == 0
    assert tried.pools.nbytes == WindowPools().nbytes


def test_a_series_moves_to_wider_windows_alone() -> None:
    tried = Tried()
    for time in range(100):
        tried.append([(0, time, float(time))] + ([(1, time, 1.0)] if time < 3 else []))
    assert tried.content == {0: {time: float(time) for time in range(100)}, 1: {0: 1.0, 1: 1.0, 2: 1.0}}
    assert tried.pools.nbytes < 16 * 8 * (sum(WIDTHS[:7]) + 1)


def test_more_than_fits_is_forgotten_from_the_oldest_on_and_counted() -> None:
    tried, most = Tried(), WIDTHS[-1]
    tried.append([(0, time, 0.0) for time in range(0, most, 1)])
    for time in range(most, most + 5):
        tried.append([(0, time, 0.0)])
    assert tried.pools.overflowed == 5
    assert min(tried.content[0]) == 5


def test_a_row_that_is_freed_is_used_again_and_empty() -> None:
    tried = Tried()
    tried.append([(0, 10, 1.0), (1, 50, 2.0)])
    row = tried.rows.pop(0)
    tried.pools.free(row)
    tried.append([(2, 60, 3.0)])
    assert tried.rows[2] == row
    assert tried.content == {1: {50: 2.0}, 2: {60: 3.0}}
