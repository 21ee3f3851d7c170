"""The functions by name: what their arguments are, and which code they go to."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from shared.promql import histograms, over_time
from shared.promql.errors import BadQuery
from shared.promql.expressions import Call, Expr, RangeSelector, Subquery, Text, VectorSelector
from shared.promql.extended_ranges import anchored, extended_increase
from shared.promql.functions_labels import absent_vector, label_join, label_replace
from shared.promql.functions_math import CALENDAR, SIMPLE, calendar, clamped, rounded
from shared.promql.info_call import call_info
from shared.promql.over_time import REDUCERS, Reducer, reduced
from shared.promql.rates import extrapolated, instant
from shared.promql.select_few import sorted_by_labels
from shared.promql.selecting import Window, scattered
from shared.promql.series_sets import Ints, SeriesSet, label_of
from shared.promql.values import Flags, Floats, Scalar, Value, Vector, empty_vector

if TYPE_CHECKING:
    from shared.promql.engine import Engine, Ranges

_KEEP_NAME = frozenset({"last_over_time", "first_over_time"})
_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")
OverWindow = Callable[[Window], tuple[Floats, Flags]]


def call(engine: "Engine", expr: Call, times: Ints) -> Value:
    """The value of a function call at each step."""
    name = expr.name
    if name in SIMPLE:
        return _mapped(engine.vector(expr.args[0], times), SIMPLE[name])
    if name in CALENDAR:
        return _calendar(engine, expr, times)
    special = _SPECIAL.get(name)
    if special is not None:
        return special(engine, expr, times)
    if expr.args and any(isinstance(arg, RangeSelector | Subquery) for arg in expr.args):
        return _over_range(engine, expr, times)
    if name in _NATIVE_ONLY:
        # They speak of native histograms, and here are none: no element of the vector has a result.
        engine.vector(expr.args[0], times)
        return empty_vector(len(times))
    raise BadQuery(f"the function {name!r} is not supported")


_NATIVE_ONLY = frozenset({"histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"})


def _mapped(vector: Vector, function: Callable[[Floats], Floats]) -> Vector:
    with np.errstate(all="ignore"):
        return Vector(vector.series, function(vector.values), vector.present, np.ones(len(vector), np.bool_))


def _calendar(engine: "Engine", expr: Call, times: Ints) -> Vector:
    if not expr.args:
        return _only(calendar(expr.name, (times // 1000).astype(np.float64)))
    return _mapped(engine.vector(expr.args[0], times), lambda values: calendar(expr.name, values))


def _only(values: Floats) -> Vector:
    """One element without labels."""
    return Vector(SeriesSet([()]), values[None, :], np.ones((1, len(values)), np.bool_), np.zeros(1, np.bool_))


def _over_range(engine: "Engine", expr: Call, times: Ints) -> Vector:
    place = next(at for at, arg in enumerate(expr.args) if isinstance(arg, RangeSelector | Subquery))
    scalars = [engine.scalar(arg, times).values for at, arg in enumerate(expr.args) if at != place]
    asked = expr.args[place]
    pinned = isinstance(asked, RangeSelector) and asked.selector.modifiers.at is not None and not scalars
    # Pinned by `@`, every step looks through the same window: once is enough.
    looked = times[:1] if pinned else times
    ranges = engine.ranges(asked, looked, own_times=True)
    function = _window_function(engine, expr.name, asked, scalars, looked)
    parts = [(window.rows, *function(window)) for window in ranges.windows]
    values, present = scattered(len(ranges.series), len(looked), parts)
    if pinned:
        shape = (len(ranges.series), len(times))
        values, present = np.broadcast_to(values, shape), np.broadcast_to(present, shape)
    if expr.name == "absent_over_time":
        return absent_vector(asked, present)
    if expr.name in ("rate", "increase"):
        _remark_on_counters(engine, ranges, present)
    dropped = ranges.dropped if expr.name in _KEEP_NAME else np.ones(len(ranges.series), np.bool_)
    return Vector(ranges.series, values, present, dropped)


def _window_function(engine: "Engine", name: str, asked: Expr, scalars: list[Floats], times: Ints) -> OverWindow:
    modifiers = asked.selector.modifiers if isinstance(asked, RangeSelector) else None
    if name in ("rate", "increase", "delta"):
        counter, per_second = name != "delta", name == "rate"
        if modifiers is not None and (modifiers.anchored or modifiers.smoothed):
            smoothed = modifiers.smoothed
            return lambda window: extended_increase(window, smoothed, counter, per_second)
        return lambda window: extrapolated(window, counter, per_second)
    if name in ("irate", "idelta"):
        return lambda window: instant(window, name == "irate")
    if name == "absent_over_time":
        return lambda window: reduced(window, over_time.one)
    if name in ("changes", "resets") and modifiers is not None and modifiers.anchored:
        return lambda window: reduced(anchored(window), REDUCERS[name])
    reducer, least = _reducer(engine, name, scalars, times)
    return lambda window: reduced(window, reducer, least)


def _reducer(engine: "Engine", name: str, scalars: list[Floats], times: Ints) -> tuple[Reducer, int]:
    if name in REDUCERS:
        return REDUCERS[name], 1
    match name:
        case "quantile_over_time":
            for bad in np.unique(scalars[0][~((scalars[0] >= 0) & (scalars[0] <= 1))]):
                engine.remarks.warn(f"quantile value should be between 0 and 1, got {bad}")
            return over_time.quantile_reducer(scalars[0]), 1
        case "deriv":
            return over_time.slope_reducer(), 2
        case "predict_linear":
            return over_time.prediction_reducer(times, scalars[0]), 2
        case "double_exponential_smoothing":
            return over_time.smoothing_reducer(scalars[0], scalars[1]), 2
        case "integral":
            strategy = scalars[0] if scalars else np.full(len(times), 2.0)
            return over_time.integral_reducer(strategy, engine.remarks), 1
    raise BadQuery(f"the function {name!r} is not supported")


def _remark_on_counters(engine: "Engine", ranges: "Ranges", present: Flags) -> None:
    suspects = ranges.series.remember("no counters", lambda: _suspects(ranges.series))
    for name, rows in suspects.items():
        if present[rows].any():
            engine.remarks.inform(
                f"metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name!r}"
            )


def _suspects(series: SeriesSet) -> dict[str, Ints]:
    rows: dict[str, list[int]] = {}
    for row, labels in enumerate(series):
        name = label_of(labels, "__name__")
        if name and not name.endswith(_COUNTER_SUFFIXES):
            rows.setdefault(name, []).append(row)
    return {name: np.array(some, np.int64) for name, some in rows.items()}


def _text(expr: Expr) -> str:
    if not isinstance(expr, Text):
        raise BadQuery("a string literal is needed here")
    return expr.value


def _round(engine: "Engine", expr: Call, times: Ints) -> Vector:
    nearest = engine.scalar(expr.args[1], times).values if len(expr.args) > 1 else np.ones(len(times))
    return _mapped(engine.vector(expr.args[0], times), lambda values: rounded(values, nearest))


def _clamp(engine: "Engine", expr: Call, times: Ints) -> Vector:
    vector = engine.vector(expr.args[0], times)
    bounds = [engine.scalar(arg, times).values for arg in expr.args[1:]]
    none = np.full(len(times), np.inf)
    lowest = bounds[0] if expr.name != "clamp_max" else -none
    highest = bounds[-1] if expr.name != "clamp_min" else none
    clamp = _mapped(vector, lambda values: clamped(values, lowest, highest))
    return Vector(clamp.series, clamp.values, clamp.present & ~(highest < lowest), clamp.dropped)


def _scalar_of(engine: "Engine", expr: Call, times: Ints) -> Scalar:
    """The value of the only element, NaN unless there is exactly one."""
    vector = engine.vector(expr.args[0], times)
    alone = np.count_nonzero(vector.present, axis=0) == 1
    return Scalar(np.where(alone, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan))


def _timestamp(engine: "Engine", expr: Call, times: Ints) -> Vector:
    if isinstance(expr.args[0], VectorSelector):
        return _mapped(engine.sample_times(expr.args[0], times), lambda values: values)
    return _mapped(engine.vector(expr.args[0], times), lambda values: np.broadcast_to(times / 1000, values.shape))


def _sort(engine: "Engine", expr: Call, times: Ints) -> Vector:
    vector = engine.vector(expr.args[0], times)
    if len(times) > 1:
        engine.remarks.warn(f"{expr.name} is ineffective for range queries since results are ordered by labels")
        return vector
    vector = vector.take(np.flatnonzero(vector.present[:, 0]))
    if expr.name.startswith("sort_by_label"):
        return sorted_by_labels(vector, tuple(_text(arg) for arg in expr.args[1:]), expr.name.endswith("desc"))
    values = vector.values[:, 0]
    key = np.where(np.isnan(values), 0.0, -values if expr.name == "sort_desc" else values)
    return vector.take(np.lexsort((key, np.isnan(values))))


def _histogram(engine: "Engine", expr: Call, times: Ints) -> Vector:
    args = expr.args
    if expr.name == "histogram_quantile":
        wanted = engine.scalar(args[0], times)
        return histograms.histogram_quantile(engine.vector(args[1], times), wanted, engine.remarks)
    if expr.name == "histogram_quantiles":
        several = [engine.scalar(arg, times) for arg in args[2:]]
        return histograms.histogram_quantiles(engine.vector(args[0], times), _text(args[1]), several, engine.remarks)
    lower, upper = engine.scalar(args[0], times), engine.scalar(args[1], times)
    return histograms.histogram_fraction(engine.vector(args[2], times), lower, upper, engine.remarks)


def _absent(engine: "Engine", expr: Call, times: Ints) -> Vector:
    return absent_vector(expr.args[0], engine.vector(expr.args[0], times).present)


def _label_replace(engine: "Engine", expr: Call, times: Ints) -> Vector:
    target, replacement, source, pattern = (_text(arg) for arg in expr.args[1:])
    return label_replace(engine.vector(expr.args[0], times), target, replacement, source, pattern)


def _label_join(engine: "Engine", expr: Call, times: Ints) -> Vector:
    target, separator, *sources = (_text(arg) for arg in expr.args[1:])
    return label_join(engine.vector(expr.args[0], times), target, separator, sources)


def _constant(value: Callable[["Engine"], float]) -> Callable[["Engine", Call, Ints], Scalar]:
    return lambda engine, expr, times: Scalar(np.full(len(times), value(engine)))


def _of_two(function: Callable[[Floats, Floats], Floats]) -> Callable[["Engine", Call, Ints], Scalar]:
    return lambda engine, expr, times: Scalar(
        function(engine.scalar(expr.args[0], times).values, engine.scalar(expr.args[1], times).values)
    )


_SPECIAL: dict[str, Callable[["Engine", Call, Ints], Value]] = {
    "time": lambda engine, expr, times: Scalar(times / 1000),
    "pi": _constant(lambda engine: float(np.pi)),
    "start": _constant(lambda engine: engine.start / 1000),
    "end": _constant(lambda engine: engine.end / 1000),
    "step": _constant(lambda engine: engine.step / 1000),
    "range": _constant(lambda engine: (engine.end - engine.start) / 1000),
    "min_of": _of_two(np.minimum),
    "max_of": _of_two(np.maximum),
    "vector": lambda engine, expr, times: _only(engine.scalar(expr.args[0], times).values),
    "scalar": _scalar_of,
    "round": _round,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": _clamp,
    "timestamp": _timestamp,
    "sort": _sort,
    "sort_desc": _sort,
    "sort_by_label": _sort,
    "sort_by_label_desc": _sort,
    "absent": _absent,
    "label_replace": _label_replace,
    "label_join": _label_join,
    "histogram_quantile": _histogram,
    "histogram_quantiles": _histogram,
    "histogram_fraction": _histogram,
    "info": call_info,
}
