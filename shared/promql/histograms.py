"""Classic histograms: series by their bucket label `le`, all groups and steps at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shared.promql.annotations import Annotations
from shared.promql.buckets import fraction_of, quantile_of
from shared.promql.series_sets import Ints, Labels, SeriesSet, label_of, with_label, without_labels
from shared.promql.values import Flags, Floats, Scalar, Vector, empty_vector

LE = "le"
Compute = Callable[[Floats, Floats], tuple[Floats, Flags | None]]
"""Counts [H, B, T] and bounds [B] -> results [H, T], and where counts had to be forced to rise."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Histograms with the same bounds: their rows [H, B] in rising order of the bounds [B], and their numbers [H]."""

    histograms: Ints
    rows: Ints
    bounds: Floats


@dataclass(frozen=True, eq=False)
class Buckets:
    """The bucket series of a vector by histogram."""

    series: SeriesSet
    layouts: list[Layout]
    malformed: list[tuple[str, str, int]]
    """Metric name, text of `le` and row of the series that are no bucket."""


def buckets_of(series: SeriesSet) -> Buckets:
    """Sort series into histograms: by all labels but `le`, the metric's name among them."""
    return series.remember(Buckets, lambda: _sorted_out(series))


def _sorted_out(series: SeriesSet) -> Buckets:
    histograms: dict[Labels, list[tuple[float, int]]] = {}
    malformed = []
    for row, labels in enumerate(series):
        text = label_of(labels, LE)
        bound = _bound(text)
        if bound is None:
            malformed.append((label_of(labels, "__name__"), text, row))
        else:
            histograms.setdefault(without_labels(labels, (LE,)), []).append((bound, row))
    together: dict[tuple[float, ...], list[tuple[int, list[int]]]] = {}
    for number, members in enumerate(histograms.values()):
        members.sort(key=lambda one: one[0])
        bounds = tuple(bound for bound, _ in members)
        together.setdefault(bounds, []).append((number, [row for _, row in members]))
    layouts = [
        Layout(
            np.array([number for number, _ in members], np.int64),
            np.array([rows for _, rows in members], np.int64),
            np.array(bounds),
        )
        for bounds, members in together.items()
    ]
    return Buckets(SeriesSet(list(histograms)), layouts, malformed)


def _bound(text: str) -> float | None:
    """The bound as Go reads a float; None if it is none."""
    try:
        bound = float(text) if text.isascii() and text == text.strip() and "_" not in text else math.nan
    except ValueError:
        return None
    return None if math.isnan(bound) else bound


def histogram_quantile(vector: Vector, wanted: Scalar, remarks: Annotations) -> Vector:
    """The quantile by histogram, interpolated within its bucket."""
    _remark_on_quantile(wanted, remarks)
    return _by_histogram(vector, remarks, lambda counts, bounds: quantile_of(counts, bounds, wanted.values))


def histogram_quantiles(vector: Vector, label: str, wanted: list[Scalar], remarks: Annotations) -> Vector:
    """Several quantiles; the label says which. One that changes by step gives a series a value."""
    parts = []
    for one in wanted:
        found = histogram_quantile(vector, one, remarks)
        for value in np.unique(one.values).tolist():
            steps = (one.values == value) | (np.isnan(one.values) & math.isnan(value))
            labels = [with_label(labels, label, _open_metrics(value)) for labels in found.series]
            parts.append(Vector(SeriesSet(labels), found.values, found.present & steps, found.dropped))
    if not parts:
        return empty_vector(vector.values.shape[1])
    return Vector(
        SeriesSet([labels for part in parts for labels in part.series]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.present for part in parts]),
        np.concatenate([part.dropped for part in parts]),
    )


def histogram_fraction(vector: Vector, lower: Scalar, upper: Scalar, remarks: Annotations) -> Vector:
    """The share of observations between two values, by histogram."""
    return _by_histogram(
        vector,
        remarks,
        lambda counts, bounds: (fraction_of(counts, bounds, lower.values, upper.values), None),
    )


def _by_histogram(vector: Vector, remarks: Annotations, compute: Compute) -> Vector:
    buckets = buckets_of(vector.series)
    for name, text, row in buckets.malformed:
        if vector.present[row].any():
            remarks.warn(f'bucket label "le" is missing or has a malformed value of "{text}" for metric name "{name}"')
    height, steps = len(buckets.series), vector.values.shape[1]
    values, present = np.zeros((height, steps)), np.zeros((height, steps), np.bool_)
    with np.errstate(all="ignore"):
        for layout in buckets.layouts:
            there = vector.present[layout.rows]
            present[layout.histograms] = there.any(axis=1)
            if there.all():
                _fill(vector, layout.histograms, layout.rows, layout.bounds, slice(None), compute, values, remarks)
                continue
            # Buckets come and go: each pattern of them is a histogram layout of its own.
            for place, number in enumerate(layout.histograms.tolist()):
                patterns, pattern_of = np.unique(there[place], axis=1, return_inverse=True)
                for which, pattern in enumerate(patterns.T):
                    if pattern.any():
                        at = np.flatnonzero(pattern_of.reshape(-1) == which)
                        rows = layout.rows[place : place + 1, pattern]
                        _fill(vector, np.array([number]), rows, layout.bounds[pattern], at, compute, values, remarks)
    return Vector(buckets.series, values, present, np.ones(height, np.bool_))


def _fill(vector: Vector, numbers: Ints, rows: Ints, bounds: Floats, steps: slice | Ints, compute: Compute,
          out: Floats, remarks: Annotations) -> None:  # fmt: skip
    counts = vector.values[rows][:, :, steps]
    if isinstance(steps, slice):
        found, forced = compute(counts, bounds)
        out[numbers] = found
    else:
        # The parameters are by step, so they are worked out for all of them and the wanted ones taken.
        spread = np.zeros((len(numbers), rows.shape[1], vector.values.shape[1]))
        spread[:, :, steps] = counts
        found, forced = compute(spread, bounds)
        out[numbers[:, None], steps] = found[:, steps]
        forced = None if forced is None else forced[:, steps]
    if forced is not None and forced.any():
        names = {label_of(vector.series[int(rows[place, 0])], "__name__") for place in np.flatnonzero(forced.any(1))}
        for name in sorted(names):
            remarks.inform(f'input to histogram_quantile needed to be fixed for monotonicity for metric name "{name}"')


def _remark_on_quantile(wanted: Scalar, remarks: Annotations) -> None:
    for bad in np.unique(wanted.values[~((wanted.values >= 0) & (wanted.values <= 1))]):
        remarks.warn(f"quantile value should be between 0 and 1, got {bad}")


def _open_metrics(value: float) -> str:
    """A float as OpenMetrics writes it: with a point, or as an exponent, or +Inf, -Inf, NaN."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    return text if "e" not in text else f"{value:.17g}" if float(f"{value:.17g}") != value else text
