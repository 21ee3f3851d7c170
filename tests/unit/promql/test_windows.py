"""Windows: appending in any order and any number of times ends in the same samples."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messages.samples import STALE
from shared.promql.windows import Origin, Windows

LATER = 2**60
ORIGIN = Origin(0, 0, 0)
APPENDED = st.lists(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.floats(-9, 9)), min_size=1, max_size=8), max_size=25
)


def append(windows: Windows, batch: list[tuple[int, int, float]], floor: int = -LATER) -> list[bool]:
    rows = [windows.rows.get(str(series), -1) for series, _, _ in batch]
    for number, (series, _, _) in enumerate(batch):
        if str(series) not in windows.rows:
            windows.add(str(series))
        rows[number] = windows.rows[str(series)]
    times = np.array([time for _, time, _ in batch], np.int64)
    values = np.array([value for _, _, value in batch], np.float64)
    return [bool(one) for one in windows.append(np.array(rows, np.int64), times, values, ORIGIN, floor)]


def content(windows: Windows) -> dict[str, dict[int, float]]:
    found = {}
    for key, row in windows.rows.items():
        times, values = windows.samples(row, -LATER, LATER)
        assert times.tolist() == sorted(set(times.tolist()))
        found[key] = dict(zip(times.tolist(), values.tolist(), strict=True))
    return found


def expected(batches: list[list[tuple[int, int, float]]]) -> dict[str, dict[int, float]]:
    """First value wins; within one batch the rows' samples are taken in the order of time."""
    found: dict[str, dict[int, float]] = {}
    for batch in batches:
        for series, time, value in batch:
            found.setdefault(str(series), {}).setdefault(time, value)
    return found


@settings(max_examples=200, deadline=None)
@given(APPENDED)
def test_appending_keeps_the_first_value_of_each_time(batches: list[list[tuple[int, int, float]]]) -> None:
    windows = Windows(2, 2)
    for batch in batches:
        fresh = append(windows, batch)
        assert append(windows, batch) == [False] * len(batch), "appending again changes nothing"
        assert sum(fresh) <= len(batch)
    assert content(windows) == expected(batches)


@settings(max_examples=100, deadline=None)
@given(APPENDED, st.integers(0, 60), st.integers(1, 30))
def test_the_value_at_an_instant_is_the_newest_in_the_left_open_lookback(
    batches: list[list[tuple[int, int, float]]], instant: int, lookback: int
) -> None:
    windows = Windows(2, 2)
    for batch in batches:
        append(windows, batch)
    for restored in (windows, Windows.restore(windows.store(-LATER))):
        rows = np.array(list(restored.rows.values()), np.int64)
        present, values = restored.at(rows, instant, lookback)
        for key, there, value in zip(restored.rows, present.tolist(), values.tolist(), strict=True):
            seen = {time: one for time, one in expected(batches)[key].items() if instant - lookback < time <= instant}
            assert there == bool(seen)
            assert not seen or value == seen[max(seen)]


def test_a_staleness_marker_is_no_value_but_another_nan_is_one() -> None:
    windows = Windows()
    append(windows, [(0, 1, STALE), (1, 1, float("nan"))])
    present, _ = windows.at(np.array([0, 1]), 5, 10)
    assert present.tolist() == [False, True]


def test_what_is_not_needed_any_more_makes_place_for_what_comes() -> None:
    windows = Windows(1, 4)
    for time in range(1_000):
        append(windows, [(0, time, 0.0)], floor=time - 3)
    assert windows._times.shape == (1, 4)
    assert windows.overflowed == 0


def test_a_series_that_was_idle_is_forgotten_and_its_row_used_again() -> None:
    windows = Windows(1, 2)
    append(windows, [(0, 10, 1.0), (1, 50, 2.0)])
    row = windows.rows["0"]
    assert windows.idle(20) == ["0"]
    windows.remove(["0"])
    append(windows, [(2, 60, 3.0)])
    assert windows.rows["2"] == row
    assert content(windows) == {"1": {50: 2.0}, "2": {60: 3.0}}
