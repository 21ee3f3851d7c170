"""Random series and random expressions over them."""

import math

import numpy as np
from hypothesis import strategies as st

from shared.promql.series_sets import Labels, labels_from
from shared.promql.source import STALE_BITS
from shared.promql.values import Floats, Ints

STALE = float(np.uint64(STALE_BITS).view(np.float64))
Data = dict[Labels, tuple[Ints, Floats]]
STEP_MS = 15_000
LAST_MS = 40 * STEP_MS

_NUMBERS = st.one_of(
    st.integers(-3, 12).map(float),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3)),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e100, -1e100]),
)


@st.composite
def samples(draw: st.DrawFn) -> tuple[Ints, Floats]:
    """A series: on a grid with gaps, or at odd times; sometimes with staleness markers, resets, NaN and infinities."""
    if draw(st.booleans()):
        places = draw(st.lists(st.integers(0, 40), unique=True, max_size=41))
        times = sorted(place * STEP_MS for place in places)
    elif draw(st.booleans()):
        times = [place * STEP_MS for place in range(41)]
    else:
        times = sorted(draw(st.lists(st.integers(0, LAST_MS), unique=True, max_size=20)))
    kind = draw(st.sampled_from(["counter", "any"]))
    if kind == "counter":
        steps = draw(st.lists(st.integers(0, 5), min_size=len(times), max_size=len(times)))
        values = np.cumsum(np.array(steps, np.float64))
        if len(times) > 3 and draw(st.booleans()):
            at = draw(st.integers(1, len(times) - 1))
            values[at:] -= values[at]
    else:
        values = np.array(draw(st.lists(_NUMBERS, min_size=len(times), max_size=len(times))), np.float64)
    if len(times) and draw(st.integers(0, 4)) == 0:
        values[draw(st.integers(0, len(times) - 1))] = STALE
    return np.array(times, np.int64), values


@st.composite
def data(draw: st.DrawFn) -> Data:
    """Some series of two counters, a gauge and a classic histogram."""
    found: Data = {}
    for metric in ("a_total", "b", "c"):
        for instance in draw(st.lists(st.sampled_from(["x", "y", "z"]), unique=True, max_size=3)):
            for job in draw(st.lists(st.sampled_from(["one", "two", ""]), unique=True, max_size=2)):
                labels = labels_from({"__name__": metric, "instance": instance, "job": job})
                found[labels] = draw(samples())
    for bound in draw(st.sampled_from([(), ("0.1", "1", "+Inf"), ("1", "5")])):
        found[labels_from({"__name__": "h_bucket", "le": bound, "instance": "x"})] = draw(samples())
    return found


_SELECTORS = st.sampled_from(
    ["a_total", "b", "c", 'b{job="one"}', 'a_total{instance=~"x|y"}', '{__name__=~"a_total|b"}', 'c{job!=""}', "h_bucket",
     "nothing", 'b{job="one" or instance="y"}']
)  # fmt: skip
_MODIFIERS = st.sampled_from(["", "", "", " offset 1m", " offset -45s", " @ 200", " @ end() offset 10s", " @ start()"])
_RANGES = st.sampled_from(["15s", "1m", "70s", "5m", "step() + 30s"])
_OVER_TIME = st.sampled_from(
    "rate increase delta irate idelta changes resets deriv avg_over_time sum_over_time min_over_time max_over_time "
    "count_over_time last_over_time first_over_time present_over_time stddev_over_time stdvar_over_time mad_over_time "
    "ts_of_max_over_time ts_of_min_over_time ts_of_first_over_time ts_of_last_over_time integral absent_over_time".split()
)
_SIMPLE = st.sampled_from(
    "abs ceil floor exp sqrt ln log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh rad deg sgn round "
    "timestamp absent sort sort_desc year month day_of_month day_of_week day_of_year days_in_month hour minute "
    "histogram_count histogram_avg".split()
)
_AGGREGATIONS = st.sampled_from("sum avg min max count group stddev stdvar".split())
_CLAUSES = st.sampled_from(["", "", " by (job)", " by (instance, job)", " without (instance)", " by (le)"])
_OPERATORS = st.sampled_from("+ - * / % ^ atan2 == != > < >= <=".split())
_MATCHINGS = st.sampled_from(
    ["", "", " on (instance)", " ignoring (job)", " on (instance) group_left ()", " on (instance, job) group_right ()",
     " on (job) fill (0)", " on (instance) group_left () fill_right (1)"]
)  # fmt: skip
NUMBERS = st.sampled_from(["0", "1", "2.5", "-1", "0.5", "NaN", "Inf", "time()", "step()", "60"])


def _ranges(vector: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    extended = st.sampled_from(["", "", "", " anchored", " smoothed"])
    plain = st.builds("{}[{}]{}{}".format, _SELECTORS, _RANGES, _MODIFIERS, extended)
    sub = st.builds("({})[{}:{}]{}".format, vector, _RANGES, st.sampled_from(["", "10s", "25s"]), _MODIFIERS)
    return plain | sub


def _compound(vector: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    ranges = _ranges(vector)
    scalar = st.one_of(NUMBERS, st.builds("scalar({})".format, vector))
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
EXPRESSIONS = st.one_of(VECTORS, VECTORS, NUMBERS, st.builds("scalar({})".format, VECTORS))
