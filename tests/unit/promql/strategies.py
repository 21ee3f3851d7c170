"""Random series and random expressions over them."""

import math

import numpy as np
from hypothesis import strategies as st

from shared.promql.series_sets import Ints, Labels, labels_from
from shared.promql.source import STALE_BITS
from shared.promql.values import Floats

STALE = float(np.uint64(STALE_BITS).view(np.float64))
STEP_MS = 15_000
LAST_MS = 40 * STEP_MS

_ODD = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e100, -1e100)


def _times(random: np.random.Generator) -> Ints:
    """On a grid, on a grid with gaps, or odd."""
    kind = random.integers(4)
    grid = np.arange(41, dtype=np.int64) * STEP_MS
    if kind == 0:
        return np.sort(random.choice(LAST_MS, size=random.integers(0, 30), replace=False)).astype(np.int64)
    return grid[random.random(41) < 0.7] if kind == 1 else grid


def _values(random: np.random.Generator, count: int, counter: bool) -> Floats:
    """A counter with resets, or anything; sometimes with NaN, infinities and staleness markers."""
    if counter:
        values = np.cumsum(random.integers(0, 6, count)).astype(np.float64)
        for at in random.integers(0, 41, random.integers(0, 4)):
            values[at:] -= values[at] if at < count else 0
    else:
        values = np.round(random.normal(2, 10.0 ** random.integers(0, 5), count), random.integers(0, 4))
    if random.random() < 0.3:
        values = np.where(random.random(count) < 0.2, random.choice(_ODD, count), values)
    if random.random() < 0.3:
        values = np.where(random.random(count) < 0.1, STALE, values)
    return values


class Data(dict[Labels, tuple[Ints, Floats]]):
    """Times and values of series."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __repr__(self) -> str:
        return f"series_of({self.seed})"


def series_of(seed: int) -> Data:
    """The same series for the same seed."""
    random = np.random.default_rng(seed)
    found = Data(seed)
    for metric in ("a_total", "b", "c"):
        for instance in ("x", "y", "z"):
            for job in ("one", "two", ""):
                if random.random() < 0.5:
                    times = _times(random)
                    labels = labels_from({"__name__": metric, "instance": instance, "job": job})
                    found[labels] = (times, _values(random, len(times), metric == "a_total"))
    times = _times(random)
    for bound in (("0.1", "1", "+Inf"), ("1", "5"), ("-1", "0", "1", "1.0", "+Inf"))[random.integers(3)]:
        labels = labels_from({"__name__": "h_bucket", "le": bound, "instance": "x"})
        found[labels] = (times, _values(random, len(times), counter=True))
    return found


def data() -> st.SearchStrategy[Data]:
    """Some series of two gauges, a counter and a classic histogram."""
    return st.integers(0, 2**32 - 1).map(series_of)


_SELECTORS = st.sampled_from(
    [
        "a_total",
        "b",
        "c",
        'b{job="one"}',
        'a_total{instance=~"x|y"}',
        '{__name__=~"a_total|b"}',
        'c{job!=""}',
        "h_bucket",
        'b{job="one" or instance="y"}',
    ]
)
_MODIFIERS = st.sampled_from(["", "", "", " offset 1m", " offset -45s", " @ 200", " @ end() offset 10s", " @ start()"])
_RANGES = st.sampled_from(["15s", "1m", "70s", "5m", "step() + 30s"])
_OVER_TIME = st.sampled_from(
    [
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "changes",
        "resets",
        "deriv",
        "avg_over_time",
        "sum_over_time",
        "min_over_time",
        "max_over_time",
        "count_over_time",
        "last_over_time",
        "first_over_time",
        "present_over_time",
        "stddev_over_time",
        "stdvar_over_time",
        "mad_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "integral",
        "absent_over_time",
    ]
)
_SIMPLE = st.sampled_from(
    [
        "abs",
        "ceil",
        "floor",
        "exp",
        "sqrt",
        "ln",
        "log2",
        "log10",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "rad",
        "deg",
        "sgn",
        "round",
        "timestamp",
        "absent",
        "sort",
        "sort_desc",
        "year",
        "month",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "hour",
        "minute",
        "histogram_count",
        "histogram_avg",
    ]
)
_AGGREGATIONS = st.sampled_from(["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"])
_CLAUSES = st.sampled_from(["", "", " by (job)", " by (instance, job)", " without (instance)", " by (le)"])
_OPERATORS = st.sampled_from(["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<="])
_MATCHINGS = st.sampled_from(
    ["", "", " on (instance)", " ignoring (job)", " on (instance) group_left ()", " on (instance, job) group_right ()",
     " on (job) fill (0)", " on (instance) group_left () fill_right (1)"]
)  # fmt: skip
NUMBERS = st.sampled_from(["0", "1", "2.5", "-1", "0.5", "0.9", "2", "3", "NaN", "Inf", "time()", "step()", "60"])


def _ranges(vector: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    extended = st.sampled_from(["", "", "", "", "", " anchored", " smoothed"])
    plain = st.builds("{}[{}]{}{}".format, _SELECTORS, _RANGES, _MODIFIERS, extended)
    sub = st.builds("({})[{}:{}]{}".format, vector, _RANGES, st.sampled_from(["", "10s", "25s"]), _MODIFIERS)
    return plain | sub


def _compound(vector: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    ranges = _ranges(vector)
    scalar = st.one_of(NUMBERS, NUMBERS, NUMBERS, st.builds("scalar({})".format, vector))
    return st.one_of(
        st.builds("{}({})".format, _OVER_TIME, ranges),
        st.builds("{}({}, {})".format, st.just("predict_linear"), ranges, scalar),
        st.builds("quantile_over_time({}, {})".format, scalar, ranges),
        st.builds("double_exponential_smoothing({}, 0.3, 0.6)".format, ranges),
        st.builds("{}({})".format, _SIMPLE, vector),
        st.builds("{}{}({})".format, _AGGREGATIONS, _CLAUSES, vector),
        st.builds(
            "{}{}({}, {})".format, st.sampled_from(["topk", "bottomk", "limitk", "quantile", "limit_ratio"]), _CLAUSES,
            scalar, vector,
        ),
        st.builds('count_values{}("v", {})'.format, _CLAUSES, vector),
        st.builds("({}) {}{} ({})".format, vector, _OPERATORS, _MATCHINGS, vector),
        st.builds("({}) {} bool ({})".format, vector, st.sampled_from(["==", ">", "<="]), vector),
        st.builds("({}) {}{} ({})".format, vector, st.sampled_from(["and", "or", "unless"]),
                  st.sampled_from(["", " on (job)", " ignoring (instance)"]), vector),
        st.builds("({}) {} ({})".format, vector, _OPERATORS, scalar),
        st.builds("({}) {} ({})".format, scalar, _OPERATORS, vector),
        st.builds("-({})".format, vector),
        st.builds('label_replace({}, "{}", "$1-r", "{}", "(.*)")'.format, vector,
                  st.sampled_from(["job", "new", "__name__"]), st.sampled_from(["instance", "job", "__name__"])),
        st.builds('label_join({}, "new", "/", "job", "instance")'.format, vector),
        st.builds("clamp({}, {}, {})".format, vector, scalar, scalar),
        st.builds("histogram_quantile({}, {})".format, scalar, vector),
        st.builds("histogram_fraction(0, {}, {})".format, scalar, vector),
        st.builds("info({}, {{__name__=~\"b|c\"}})".format, vector),
        st.builds("vector({})".format, scalar),
    )  # fmt: skip


VECTORS: st.SearchStrategy[str] = st.recursive(
    st.builds("{}{}".format, _SELECTORS, _MODIFIERS), _compound, max_leaves=5
)
EXPRESSIONS = st.one_of(
    _compound(VECTORS), _compound(VECTORS), _compound(VECTORS), st.builds("scalar({})".format, VECTORS)
)
