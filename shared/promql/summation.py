"""Sums whose rounding errors are carried along, as Prometheus' Kahan summation does it.

The order of additions depends on nothing but the position within what is summed, so a range query and the instant
queries of its steps come to the same bits.
"""

import numpy as np

from shared.promql.values import Floats

_LANES = 64


def compensated_sum(values: Floats) -> Floats:
    """The sum along axis 1 of [A, n, B], [A, B]. Infinities and NaN as in plain addition. At least one term."""
    total, error = _summed(values)
    return np.where(np.isfinite(total), total + error, total)


def compensated_mean(values: Floats, counts: Floats | int) -> Floats:
    """The sum along axis 1 divided by `counts` (one, or [A, B]).

    Right also where the sum of finite values is more than a float holds.
    """
    total, error = _summed(values)
    mean = np.where(np.isfinite(total), total / counts + error / counts, total)
    beyond = ~np.isfinite(total)
    if beyond.any():
        beyond &= np.isfinite(values).all(axis=1)
        if beyond.any():
            scaled = values / (counts if isinstance(counts, int) else counts[:, None, :])
            mean = np.where(beyond, compensated_sum(scaled), mean)
    return mean


def _summed(values: Floats) -> tuple[Floats, Floats]:
    """Sum and what it lost, [A, B] each (Knuth's two-sum: the error of an addition is itself a float)."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = values[:, :_LANES]
        error: Floats | None = None
        for begin in range(_LANES, values.shape[1], _LANES):
            more = values[:, begin : begin + _LANES]
            if begin == _LANES:
                total = total.copy()
                error = np.zeros_like(total)
            assert error is not None
            count = more.shape[1]
            added, lost = _two_sum(total[:, :count], more)
            total[:, :count] = added
            error[:, :count] += lost
        count = total.shape[1]
        while count > 1:
            half = 1 << ((count - 1).bit_length() - 1)  # the next power of two, halved: independent of what is missing
            added, lost = _two_sum(total[:, : count - half], total[:, half:])
            if error is not None:
                lost += error[:, : count - half]
                lost += error[:, half:]
            if count - half < half:
                added = np.concatenate([added, total[:, count - half : half]], axis=1)
                rest = np.zeros_like(total[:, count - half : half]) if error is None else error[:, count - half : half]
                lost = np.concatenate([lost, rest], axis=1)
            total, error, count = added, lost, half
        return total[:, 0], np.zeros_like(total[:, 0]) if error is None else error[:, 0]


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    total = a + b
    part = total - a
    lost = total - part
    np.subtract(a, lost, out=lost)
    np.subtract(b, part, out=part)
    lost += part
    return total, lost
