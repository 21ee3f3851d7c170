"""A query that would cost too much is refused by the name of the limit."""

import itertools

import numpy as np
import pytest

from shared.promql.errors import QueryRefused
from shared.promql.limits import Limits
from shared.promql.query import Options, compile_query
from shared.promql.source import FixedSource

SERIES = FixedSource(
    {
        (("__name__", "m"), ("n", str(number))): (np.arange(100, dtype=np.int64) * 1000, np.arange(100.0))
        for number in range(10)
    }
)


@pytest.mark.parametrize(
    ("limits", "expr", "named"),
    [
        (Limits(series=9), "m", "series"),
        (Limits(series=19), "m + m", "series"),
        (Limits(samples=100), "rate(m[1m])", "samples"),
        (Limits(cells=100), "m * 2", "samples"),
        (Limits(steps=10), "m", "steps"),
        (Limits(steps=99), "sum_over_time(m[1h:1s])", "steps"),
        (Limits(cells=1000), "max_over_time(m[100y:1ms])", "steps"),
    ],
)
def test_the_refusal_names_the_limit(limits: Limits, expr: str, named: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        compile_query(expr).range(SERIES, 0, 99_000, 1000, Options(limits=limits))
    assert refused.value.limit == named
    assert named in str(refused.value)


def test_a_query_ends_at_its_deadline() -> None:
    ticks = itertools.count()
    limits = Limits(clock=lambda: float(next(ticks)), deadline=3.0)
    with pytest.raises(QueryRefused, match="deadline"):
        compile_query("sum(sum(sum(sum(m))))").instant(SERIES, 50_000, Options(limits=limits))


def test_within_its_limits_a_query_answers() -> None:
    limits = Limits(samples=10, series=10, steps=1, cells=20)
    assert compile_query("m * 2").instant(SERIES, 0, Options(limits=limits)).samples == 10


@pytest.mark.parametrize("limits", [Limits(samples=9), Limits(series=9), Limits(cells=19), Limits(steps=0)])
def test_one_less_than_needed_is_too_little(limits: Limits) -> None:
    with pytest.raises(QueryRefused):
        compile_query("m * 2").range(SERIES, 0, 0, 1000, Options(limits=limits))
