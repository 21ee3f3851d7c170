"""The functions that reduce the samples of a window to one number."""

from collections.abc import Callable

import numpy as np

from shared.promql.annotations import Annotations
from shared.promql.errors import QueryFailed
from shared.promql.quantiles import quantile
from shared.promql.selecting import Window
from shared.promql.series_sets import Ints
from shared.promql.summation import compensated_mean, compensated_sum
from shared.promql.values import Flags, Floats

Reducer = Callable[[Floats, Ints, Ints], Floats]
"""Samples [S, n, T] of windows with n samples each, their times [n, T] (or [S, n, T], where each series has its own) in
ms, and the steps' numbers -> [S, T]."""
_CELLS_AT_ONCE = 1 << 18


def reduced(window: Window, reducer: Reducer, least: int = 1) -> tuple[Floats, Flags]:
    """Apply a reducer to every window with at least `least` samples: [S, T] and who has a result, [T]."""
    counts = window.counts
    found = counts >= least
    out = np.zeros((len(window.rows), len(counts)))
    with np.errstate(all="ignore"):
        for count in np.unique(counts[found]).tolist():
            steps = np.flatnonzero(counts == count)
            at_once = max(1, _CELLS_AT_ONCE // count)
            for begin in range(0, len(steps), at_once):
                window.check()
                some = steps[begin : begin + at_once]
                _reduce_some(window, reducer, some, count, out)
    return out, found


def _reduce_some(window: Window, reducer: Reducer, steps: Ints, count: int, out: Floats) -> None:
    places = window.lo[steps] + np.arange(count)[:, None]
    times = window.times[..., places]
    rows_at_once = max(1, _CELLS_AT_ONCE // (count * len(steps)))
    first = int(places[0, 0])
    for begin in range(0, len(window.rows), rows_at_once):
        window.check()
        values = window.values[begin : begin + rows_at_once]
        seen = values[:, first : first + count, None] if len(steps) == 1 else values[:, places]
        seen_times = times[begin : begin + rows_at_once] if times.ndim == 3 else times
        out[begin : begin + rows_at_once, steps] = reducer(seen, seen_times, steps)


def sum_of(values: Floats, times: Ints, steps: Ints) -> Floats:
    return compensated_sum(values)


def average(values: Floats, times: Ints, steps: Ints) -> Floats:
    return compensated_mean(values, values.shape[1])


def smallest(values: Floats, times: Ints, steps: Ints) -> Floats:
    found: Floats = np.fmin.reduce(values, axis=1)
    return found


def largest(values: Floats, times: Ints, steps: Ints) -> Floats:
    found: Floats = np.fmax.reduce(values, axis=1)
    return found


def first(values: Floats, times: Ints, steps: Ints) -> Floats:
    return values[:, 0]


def last(values: Floats, times: Ints, steps: Ints) -> Floats:
    return values[:, -1]


def how_many(values: Floats, times: Ints, steps: Ints) -> Floats:
    return np.full((values.shape[0], values.shape[2]), float(values.shape[1]))


def one(values: Floats, times: Ints, steps: Ints) -> Floats:
    return np.ones((values.shape[0], values.shape[2]))


def first_time(values: Floats, times: Ints, steps: Ints) -> Floats:
    return np.broadcast_to(times[..., 0, :] / 1000, (values.shape[0], values.shape[2]))


def last_time(values: Floats, times: Ints, steps: Ints) -> Floats:
    return np.broadcast_to(times[..., -1, :] / 1000, (values.shape[0], values.shape[2]))


def time_of_largest(values: Floats, times: Ints, steps: Ints) -> Floats:
    return _last_time_of(values, np.fmax.reduce(values, axis=1), times)


def time_of_smallest(values: Floats, times: Ints, steps: Ints) -> Floats:
    return _last_time_of(values, np.fmin.reduce(values, axis=1), times)


def _last_time_of(values: Floats, wanted: Floats, times: Ints) -> Floats:
    there = (values == wanted[:, None]) | np.isnan(wanted)[:, None]
    place = values.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    own = times.ndim == 3
    chosen = np.take_along_axis(times, place[:, None], axis=1)[:, 0] if own else times[place, np.arange(place.shape[1])]
    found: Floats = chosen / 1000
    return found


def variance(values: Floats, times: Ints, steps: Ints) -> Floats:
    """Population variance; moved to the first sample, so that equal samples have none."""
    count = values.shape[1]
    moved = values - values[:, :1]
    moved = moved - compensated_mean(moved, count)[:, None]
    found: Floats = compensated_sum(moved * moved) / count
    return found


def deviation(values: Floats, times: Ints, steps: Ints) -> Floats:
    found: Floats = np.sqrt(variance(values, times, steps))
    return found


def median_deviation(values: Floats, times: Ints, steps: Ints) -> Floats:
    """The median of the distances to the median; NaN if any sample is."""
    half = np.array(0.5)
    distances = np.abs(values - quantile(values, half)[:, None])
    return np.where(np.isnan(values).any(axis=1), np.nan, quantile(distances, half))


def changes(values: Floats, times: Ints, steps: Ints) -> Floats:
    older, newer = values[:, :-1], values[:, 1:]
    differ = (older != newer) & ~(np.isnan(older) & np.isnan(newer))
    found: Floats = differ.sum(axis=1, dtype=np.float64)
    return found


def resets(values: Floats, times: Ints, steps: Ints) -> Floats:
    falls = values[:, 1:] < values[:, :-1]
    found: Floats = falls.sum(axis=1, dtype=np.float64)
    return found


def quantile_reducer(wanted: Floats) -> Reducer:
    """The quantile `wanted` [T] of the samples."""
    return lambda values, times, steps: quantile(values, wanted[steps])


def smoothing_reducer(smoothing: Floats, trend: Floats) -> Reducer:
    """Holt's double exponential smoothing with both factors by step. At least two samples."""
    for name, factor in (("smoothing", smoothing), ("trend", trend)):
        bad = ~((factor > 0) & (factor < 1))
        if bad.any():
            raise QueryFailed(f"the {name} factor must be between 0 and 1, not {factor[bad][0]}")

    def reduce(values: Floats, times: Ints, steps: Ints) -> Floats:
        with_smoothing, with_trend = smoothing[steps], trend[steps]
        level_before, level = np.zeros_like(values[:, 0]), values[:, 0]
        slope = values[:, 1] - values[:, 0]
        for place in range(1, values.shape[1]):
            if place > 1:
                slope = with_trend * (level - level_before) + (1 - with_trend) * slope
            level_before, level = (
                level,
                with_smoothing * values[:, place] + (1 - with_smoothing) * (level + slope),
            )
        return level

    return reduce


def slope_reducer() -> Reducer:
    """The slope per second of the least-squares line. At least two samples."""
    return lambda values, times, steps: _regression(values, times, times[..., :1, :])[0]


def prediction_reducer(instants: Ints, ahead: Floats) -> Reducer:
    """What the least-squares line is `ahead` [T] seconds after each instant. At least two samples."""

    def reduce(values: Floats, times: Ints, steps: Ints) -> Floats:
        slope, intercept = _regression(values, times, instants[steps][None])
        return slope * ahead[steps] + intercept

    return reduce


def _regression(values: Floats, times: Ints, origin: Ints) -> tuple[Floats, Floats]:
    """Slope and value at `origin` [1, T] or [S, 1, T]; the deviations from the means are summed, which loses fewest
    digits."""
    count = values.shape[1]
    at = (times - origin) / 1000
    at = at if at.ndim == 3 else at[None]
    middle = compensated_sum(at) / count
    base = values[:, :1]
    moved = values - base
    mean = compensated_sum(moved) / count
    aside = at - middle[:, None]
    slope = compensated_sum(aside * (moved - mean[:, None])) / compensated_sum(aside * aside)
    intercept = base[:, 0] + (mean - slope * middle)
    level = (values == base).all(axis=1)
    flat = np.where(np.isinf(base[:, 0]), np.nan, 0.0)
    return np.where(level, flat, slope), np.where(level, base[:, 0] + flat, intercept)


def integral_reducer(strategy: Floats, remarks: Annotations) -> Reducer:
    """The area under the samples: 0 takes each interval's left value, 1 the right one, 2 their mean. NaN is zero."""
    known = np.isin(strategy, (0.0, 1.0, 2.0))
    for bad in np.unique(strategy[~known]):
        remarks.warn(f"integral strategy must be 0, 1 or 2, got {bad}: taking 2")
    chosen = np.where(known, strategy, 2.0)

    def reduce(values: Floats, times: Ints, steps: Ints) -> Floats:
        values = np.where(np.isnan(values), 0.0, values)
        if values.shape[1] < 2:
            return np.zeros_like(values[:, 0])
        left, right = values[:, :-1], values[:, 1:]
        how = chosen[steps]
        seconds = np.diff(times, axis=-2) / 1000
        # Half of each rather than half of both: the sum of both may be more than a float holds, or lose the smaller.
        shares = [np.where(how == 0, left, np.where(how == 1, 0.0, left / 2)) * seconds,
                  np.where(how == 1, right, np.where(how == 0, 0.0, right / 2)) * seconds]  # fmt: skip
        return compensated_sum(np.concatenate(shares, axis=1))

    return reduce


REDUCERS: dict[str, Reducer] = {
    "sum_over_time": sum_of,
    "avg_over_time": average,
    "min_over_time": smallest,
    "max_over_time": largest,
    "first_over_time": first,
    "last_over_time": last,
    "count_over_time": how_many,
    "present_over_time": one,
    "ts_of_first_over_time": first_time,
    "ts_of_last_over_time": last_time,
    "ts_of_max_over_time": time_of_largest,
    "ts_of_min_over_time": time_of_smallest,
    "stdvar_over_time": variance,
    "stddev_over_time": deviation,
    "mad_over_time": median_deviation,
    "changes": changes,
    "resets": resets,
}
