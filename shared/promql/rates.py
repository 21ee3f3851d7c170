"""rate, increase, delta, irate, idelta: how counters and gauges move within a window."""

import numpy as np

from shared.promql.selecting import Window
from shared.promql.series_sets import Ints
from shared.promql.values import Flags, Floats

_CELLS_AT_ONCE = 1 << 16
"""Rows are worked on in groups of about so many results, which stay in the processor's cache."""


def extrapolated(window: Window, counter: bool, per_second: bool) -> tuple[Floats, Flags]:
    """The increase over each window, extrapolated to its bounds as Prometheus does: [S, T] and who has one, [T].

    Between the first and the last sample the increase is known. Where a sample is missing at a bound, the series is
    taken to go on to the bound if that is less than 1.1 average intervals away, else for half an interval; a counter
    not beyond the instant where it would have been zero. After a reset a counter is taken to start from zero.
    """
    enough = window.counts >= 2
    steps = np.flatnonzero(enough)
    out = np.zeros((len(window.rows), len(enough)))
    if not len(steps):
        return out, enough
    first, last = window.lo[steps], window.hi[steps] - 1
    first_ms, last_ms = window.times[..., first], window.times[..., last]
    sampled = (last_ms - first_ms) / 1000
    average = sampled / (last - first)
    to_start = (first_ms - window.start[steps]) / 1000
    to_end = (window.end[steps] - last_ms) / 1000
    to_start = np.where(to_start >= average * 1.1, average / 2, to_start)
    to_end = np.where(to_end >= average * 1.1, average / 2, to_end)
    seconds = (window.end[steps] - window.start[steps]) / 1000 if per_second else 1.0
    every_step = len(steps) == len(enough)
    at_once = max(1, _CELLS_AT_ONCE // max(len(steps), 1))
    with np.errstate(all="ignore"):
        for begin in range(0, len(window.rows), at_once):
            window.check()
            part = slice(begin, begin + at_once)
            values = window.values[part]
            before = values.take(first, axis=1)
            result = values.take(last, axis=1)
            result -= before
            known, limit, after = _of_rows(sampled, part), _of_rows(to_start, part), _of_rows(to_end, part)
            reach: Floats = limit
            if counter:
                _add_resets(values, first, last, result)
                to_zero = before / result
                to_zero *= known
                reach = np.where((result > 0) & (before >= 0) & (to_zero < limit), to_zero, limit)
            factor = reach + known
            factor += after
            factor /= known
            factor /= seconds
            result *= factor
            if every_step:
                out[part] = result
            else:
                out[part, steps] = result
    return out, enough


def _of_rows(figures: Floats, part: slice) -> Floats:
    """Figures of some rows, where each series has its own."""
    return figures[part] if figures.ndim == 2 else figures


def _add_resets(values: Floats, first: Ints, last: Ints, result: Floats) -> None:
    """Add what a counter held before each fall that a window sees.

    In order of time, so that the bits are the same however many windows are looked through at once.
    """
    begin, end = int(first[0]), int(last[-1]) + 1
    seen = values[:, begin:end]
    falls = seen[:, 1:] < seen[:, :-1]
    if not falls.any():
        return
    rows, places = np.nonzero(falls)
    places += begin
    longest = int((last - first).max())
    if len(rows) * 8 < longest * max(result.size // 512, 8):
        from_step = np.searchsorted(last, places + 1, "left")
        to_step = np.searchsorted(first, places, "right")
        for row, place, low, high in zip(rows.tolist(), places.tolist(), from_step.tolist(), to_step.tolist(),
                                         strict=True):  # fmt: skip
            result[row, low:high] += values[row, place]
        return
    some = np.unique(rows)
    for offset in range(longest):
        at = first + offset
        inside = at < last
        before = values[some[:, None], np.where(inside, at, 0)[None, :]]
        after = values[some[:, None], np.where(inside, at + 1, 0)[None, :]]
        result[some] += np.where(inside & (after < before), before, 0.0)


def instant(window: Window, counter: bool) -> tuple[Floats, Flags]:
    """The change from the last but one sample to the last; of a counter per second, from zero after a reset."""
    enough = window.counts >= 2
    if not window.times.shape[-1]:
        return np.zeros((len(window.rows), len(enough))), enough
    last = np.where(enough, window.hi - 1, 0)
    before = np.where(enough, window.hi - 2, 0)
    with np.errstate(all="ignore"):
        newer, older = window.values.take(last, axis=1), window.values.take(before, axis=1)
        result = newer - older
        if counter:
            seconds = (window.times[..., last] - window.times[..., before]) / 1000
            result = np.where(newer < older, newer, result) / seconds
    return result, enough
