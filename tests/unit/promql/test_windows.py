"""Windows: appending in any order and any number of times ends in the same samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.promql.apart import Apart
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
        fresh: list[bool] = self.pools.append(rows, times, np.array([one[2] for one in batch]), floor).tolist()
        return fresh

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
    held = tried.pools.held(np.array([tried.rows[one] for one in series], np.int64), until)
    for block in held.blocks() if isinstance(held, Apart) else held:
        for place, values in zip(block.rows.tolist(), block.values, strict=True):
            seen[series[place]] = dict(zip(block.times.tolist(), values.tolist(), strict=True))
    # What holds nothing up to then may be left out.
    assert {one: samples for one, samples in seen.items() if samples} == {
        one: {time: value for time, value in held.items() if time <= until}
        for one, held in expected(batches).items()
        if min(held) <= until
    }


@settings(max_examples=200, deadline=None)
@given(APPENDED, st.lists(st.integers(-1, 30), min_size=25, max_size=25))
def test_all_that_is_needed_is_kept(batches: list[Batch], steps: list[int]) -> None:
    tried, floors = Tried(), np.maximum.accumulate(np.array(steps)).tolist()
    for batch, floor in zip(batches, floors, strict=False):
        tried.append(batch, floor)
    last = floors[max(len(batches) - 1, 0)]
    for series, samples in expected(batches).items():
        found = {time: value for time, value in tried.content[series].items() if time > last}
        assert found == {time: value for time, value in samples.items() if time > last}


@pytest.mark.parametrize("order", ["forwards", "backwards", "at once", "newest first in pieces"])
def test_many_samples_of_many_series_in_several_orders(order: str) -> None:
    random = np.random.default_rng(5)
    samples = [(series, int(time), float(time)) for series in range(7) for time in random.choice(900, 300, False)]
    by_time = sorted(samples, key=lambda one: one[1])
    tried = Tried()
    if order == "at once":
        batches = [samples]
    elif order == "newest first in pieces":
        batches = [by_time[begin : begin + 100] for begin in range(2_000, -1, -100)]
    else:
        batches = [[one for one in by_time if one[1] == time] for time in range(900)]
        batches = batches[:: -1 if order == "backwards" else 1]
    for batch in batches:
        if batch:
            assert tried.append(batch) == [True] * len(batch)
    assert tried.content == expected([samples])
    assert tried.pools.nbytes < 20 * 8 * (sum(WIDTHS[:9]) + WIDTHS[8])


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


def test_series_that_leave_a_pool_leave_no_memory_behind() -> None:
    tried = Tried()
    for time in range(200):
        tried.append([(series, time, 1.0) for series in range(600 if time < 20 else 590)])
    held = {series: 200 if series < 590 else 20 for series in range(600)}
    assert {series: len(samples) for series, samples in tried.content.items()} == held
    assert tried.pools.nbytes < 1.6 * 20 * 256 * 600
    for series in range(600):
        tried.pools.free(tried.rows.pop(series))
    assert tried.pools.nbytes < 20 * sum(WIDTHS[:9]) * 256


def test_place_is_made_before_the_samples_come() -> None:
    tried, later = Tried(), Tried()
    tried.append([(series, 0, 1.0) for series in range(5)])
    for row in tried.rows.values():
        tried.pools.free(row)
    rows = np.array([tried.pools.take() for _ in range(5)], np.int64)
    tried.rows = dict(enumerate(rows.tolist()))
    tried.pools.reserve(rows, np.array([0, 5, 9, 100, 70_000]))
    samples = [(series, time, float(time)) for series, count in enumerate((1, 5, 9, 100, 300)) for time in range(count)]
    assert tried.append(samples) == later.append(samples)
    assert tried.content == later.content == expected([samples])


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
