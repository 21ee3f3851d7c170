"""Quantiles and fractions of cumulative bucket counts. Prometheus' rules for classic histograms."""

import numpy as np

from shared.promql.values import Flags, Floats

_TOLERANCE = 1e-12
"""Counts that differ by no more, relative to their size, differ by rounding alone."""


def quantile_of(counts: Floats, bounds: Floats, wanted: Floats) -> tuple[Floats, Flags]:
    """The quantile `wanted` [T] of counts [H, B, T] with rising bounds [B]; and where counts fell and were forced up.

    NaN without observations, with fewer than two buckets or without a bucket for +Inf. In the highest bucket the bound
    below it, in a lowest bucket of bound <= 0 that bound; else linear within the bucket, the lowest from 0 on.
    """
    shape = (counts.shape[0], counts.shape[2])
    forced = np.zeros(shape, np.bool_)
    limits = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, np.nan))
    usable = (wanted >= 0) & (wanted <= 1)
    if bounds[-1] != np.inf or not usable.any():
        return np.broadcast_to(limits, shape), forced
    counts, bounds = _coalesced(counts, bounds)
    counts, forced = _rising(counts)
    forced &= usable
    if len(bounds) < 2:
        return np.broadcast_to(limits, shape), forced
    top = len(bounds) - 1
    observations = counts[:, top]
    rank = np.where(usable, wanted, 0.0) * observations
    place = np.minimum(np.count_nonzero(~(counts[:, :top] >= rank[:, None]), axis=1), top)
    below = np.maximum(place - 1, 0)
    count = np.take_along_axis(counts, place[:, None], axis=1)[:, 0]
    before = np.where(place > 0, np.take_along_axis(counts, below[:, None], axis=1)[:, 0], 0.0)
    start = np.where(place > 0, bounds[below], 0.0)
    value = start + (bounds[place] - start) * ((rank - before) / (count - before))
    if bounds[0] <= 0:
        value = np.where(place == 0, bounds[0], value)
    value = np.where(place == top, bounds[top - 1], value)
    value = np.where(observations == 0, np.nan, value)
    return np.where(usable, value, limits), forced


def fraction_of(counts: Floats, bounds: Floats, lower: Floats, upper: Floats) -> Floats:
    """The share of observations between `lower` and `upper` [T], [H, T]."""
    shape = (counts.shape[0], counts.shape[2])
    if bounds[-1] != np.inf:
        return np.full(shape, np.nan)
    counts, bounds = _coalesced(counts, bounds)
    total = counts[:, -1]
    share = (np.minimum(_rank(counts, bounds, upper), total) - np.minimum(_rank(counts, bounds, lower), total)) / total
    share = np.where(lower >= upper, 0.0, share)
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, share)


def _rank(counts: Floats, bounds: Floats, value: Floats) -> Floats:
    """How many observations lie below a value [T]: linear within a bucket, none of them in one without a bound."""
    starts = np.concatenate([[0.0 if bounds[0] > 0 else -np.inf], bounds[:-1]])
    before = np.concatenate([np.zeros_like(counts[:, :1]), counts[:, :-1]], axis=1)
    result = np.full((counts.shape[0], counts.shape[2]), np.inf)
    settled = np.zeros(value.shape, np.bool_)
    for place, (start, end) in enumerate(zip(starts, bounds, strict=True)):
        at_start = ~settled & (start >= value)
        result = np.where(at_start, before[:, place], result)
        inside = ~settled & (start < value) & (end > value)
        if np.isinf(start):
            within = counts[:, place]
        else:
            within = before[:, place] + (counts[:, place] - before[:, place]) * (value - start) / (end - start)
        result = np.where(inside, within, result)
        settled |= at_start | inside
    return result


def _coalesced(counts: Floats, bounds: Floats) -> tuple[Floats, Floats]:
    """Buckets with the same bound are one."""
    different, starts = np.unique(bounds, return_index=True)
    if len(different) == len(bounds):
        return counts, bounds
    return np.add.reduceat(counts, starts, axis=1), different


def _rising(counts: Floats) -> tuple[Floats, Flags]:
    """Counts that never fall, and where one fell by more than rounding explains."""
    falls = counts[:, 1:] < counts[:, :-1]
    near = np.abs(np.diff(counts, axis=1)) < _TOLERANCE * (np.abs(counts[:, 1:]) + np.abs(counts[:, :-1]))
    if not ((falls | near) & (counts[:, 1:] != counts[:, :-1])).any():
        return counts, np.zeros((counts.shape[0], counts.shape[2]), np.bool_)
    counts = counts.copy()
    forced = np.zeros((counts.shape[0], counts.shape[2]), np.bool_)
    before = counts[:, 0].copy()
    for place in range(1, counts.shape[1]):
        now = counts[:, place]
        near = np.abs(now - before) < _TOLERANCE * (np.abs(now) + np.abs(before))
        fell = ~near & (now < before)
        forced |= fell
        kept = near | fell
        now[kept] = before[kept]
        before = now.copy()
    return counts, forced
