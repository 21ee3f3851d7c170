"""Percentiles of a handful of measurements, by nearest rank: always a value that was measured."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` of them don't exceed. ValueError if there are none."""
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)]
