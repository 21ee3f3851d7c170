"""Quantiles of samples: linear between the two nearest ranks; NaN counts as the smallest value."""

import numpy as np

from shared.promql.series_sets import Ints
from shared.promql.values import Flags, Floats


def quantile(values: Floats, wanted: Floats, present: Flags | None = None) -> Floats:
    """The quantile `wanted` (one, or [T]) along axis 1 of [A, n, T]; where `present` is given, of those alone.

    -Inf below 0, +Inf above 1, NaN for NaN; meaningless where nothing is present.
    """
    if present is None:
        counts = np.full((values.shape[0], values.shape[2]), values.shape[1])
        ranked = values
    else:
        counts = np.count_nonzero(present, axis=1)
        ranked = np.where(present, values, np.inf)
    nans = np.count_nonzero(np.isnan(ranked), axis=1)
    ranked = np.sort(ranked, axis=1)  # numbers, +Inf for the absent, NaN
    with np.errstate(all="ignore"):
        inside = np.where((wanted >= 0) & (wanted <= 1), wanted, 0.0)
        rank = inside * (counts - 1)
        lower = np.maximum(np.floor(rank), 0).astype(np.int64)
        upper = np.minimum(lower + 1, np.maximum(counts - 1, 0))
        weight = rank - np.floor(rank)
        low = _at_rank(ranked, lower, nans)
        result = np.where(weight == 0, low, low * (1 - weight) + _at_rank(ranked, upper, nans) * weight)
        result = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, result))
    return np.where(np.isnan(wanted), np.nan, result)


def _at_rank(ranked: Floats, rank: Ints, nans: Ints) -> Floats:
    place = np.maximum(rank - nans, 0)
    found: Floats = np.take_along_axis(ranked, place[:, None], axis=1)[:, 0]
    return np.where(rank < nans, np.nan, found)
