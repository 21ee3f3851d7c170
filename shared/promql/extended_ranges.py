"""`anchored` and `smoothed` ranges: windows whose bounds have values of their own.

An anchored window begins with the newest sample at or before its start (within the lookback), a smoothed one has values
at both bounds, interpolated between the samples around them. Nothing is extrapolated.
"""

from dataclasses import replace

import numpy as np

from shared.promql.selecting import Window
from shared.promql.series_sets import Ints
from shared.promql.values import Flags, Floats


def extended_increase(window: Window, smoothed: bool, counter: bool, per_second: bool) -> tuple[Floats, Flags]:
    """rate, increase or delta. `window.lo` and `hi` reach a lookback beyond the bounds; [S, T] and [T]."""
    found = np.zeros(len(window.instants), np.bool_)
    out = np.zeros((len(window.rows), len(found)))
    with np.errstate(all="ignore"):
        for step in range(len(found)):
            window.check()
            bounds = _bounds(window, step, smoothed)
            if bounds is None:
                continue
            first, last, start, end = bounds
            found[step] = True
            left = _at(window, first, start, counter) if smoothed else window.values[:, first]
            between = smoothed and window.times[last] > end and last > window.lo[step]
            right = _at(window, last - 1, end, counter) if between else window.values[:, last]
            result = right - left
            if counter:
                inner = range(first + (window.times[first] <= start), last + 1 - (window.times[last] >= end))
                before = left
                for place in inner:
                    result = result + np.where(window.values[:, place] < before, before, 0.0)
                    before = window.values[:, place]
                result = result + np.where(right < before, before, 0.0)
            out[:, step] = result / ((end - start) / 1000) if per_second else result
    return out, found


def extended_samples(window: Window, smoothed: bool) -> tuple[Ints, Floats] | None:
    """Times [N] and values [S, N] of the first step's window, with the values at both bounds, None for none."""
    bounds = _bounds(window, 0, smoothed)
    if bounds is None:
        return None
    first, last, start, end = bounds
    left = _at(window, first, start, counter=False) if smoothed else window.values[:, first]
    between = smoothed and window.times[last] > end and last > window.lo[0]
    right = _at(window, last - 1, end, counter=False) if between else window.values[:, last]
    inner = slice(first + (window.times[first] <= start), last + 1 - (window.times[last] >= end))
    times = np.concatenate([[start], window.times[inner], [end]])
    return times, np.column_stack([left, window.values[:, inner], right])


def anchored(window: Window) -> Window:
    """The window of changes and resets: from the anchor on; empty where nothing lies after the start."""
    newest_before = np.searchsorted(window.times, window.start, "right") - 1
    lo = np.maximum(window.lo, newest_before)
    nothing = window.hi <= newest_before + 1
    return replace(window, lo=np.where(nothing, window.hi, lo))


def smoothed_values(window: Window) -> tuple[Floats, Flags]:
    """The value of a smoothed selector at each `end`: interpolated, or the last one where none follows."""
    found = np.zeros(len(window.instants), np.bool_)
    out = np.zeros((len(window.rows), len(found)))
    for step, instant in enumerate(window.end.tolist()):
        window.check()
        lo, hi = int(window.lo[step]), int(window.hi[step])
        after = lo + int(np.searchsorted(window.times[lo:hi], instant, "left"))
        if after < hi and window.times[after] == instant:
            out[:, step] = window.values[:, after]
        elif after == lo:
            continue
        elif after == hi:
            out[:, step] = window.values[:, hi - 1]
        else:
            out[:, step] = _at(window, after - 1, instant, counter=False)
        found[step] = True
    return out, found


def _bounds(window: Window, step: int, smoothed: bool) -> tuple[int, int, int, int] | None:
    lo, hi = int(window.lo[step]), int(window.hi[step])
    if lo == hi:
        return None
    start, end = int(window.start[step]), int(window.end[step])
    times = window.times[lo : hi - 1]
    first = lo + max(0, int(np.searchsorted(times, start, "right")) - 1)
    last = lo + int(np.searchsorted(times, end, "left")) if smoothed else hi - 1
    if window.times[last] <= start or (smoothed and window.times[first] > end):
        return None
    return first, last, start, end


def _at(window: Window, place: int, instant: int, counter: bool) -> Floats:
    """The value at an instant on the line from the sample at `place` to the next."""
    older, time = window.values[:, place], int(window.times[place])
    if time >= instant:
        return older
    newer, next_time = window.values[:, place + 1], int(window.times[place + 1])
    base = np.where(newer < older, 0.0, older) if counter else older
    return base + (newer - base) * (instant - time) / (next_time - time)
