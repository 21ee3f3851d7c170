"""What must hold for every query: a range is the instants of its steps, and every query answers or is refused."""

import warnings
from contextlib import suppress

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.promql.errors import BadQuery, QueryFailed, QueryRefused
from shared.promql.limits import Limits
from shared.promql.parsing import parse_expression
from shared.promql.printing import write_expression
from shared.promql.query import Answer, Options, compile_query
from shared.promql.series_sets import Labels
from shared.promql.source import FixedSource
from shared.promql.values import Scalar, Vector
from tests.unit.promql.strategies import EXPRESSIONS, LAST_MS, VECTORS, Data, data

SLOW = settings(deadline=None, max_examples=250, suppress_health_check=list(HealthCheck))
STEPS = st.sampled_from(
    [(0, LAST_MS, 60_000), (100_000, 400_000, 20_000), (7, 300_007, 33_333), (60_000, 60_000, 1000)]
)
# What an answer at one step can't know: the ends and the step of the range, and what else happens in it.
NOT_BY_STEP = ("start()", "end()", "step()")


def elements(answer: Answer, step: int) -> dict[Labels, float] | float:
    """The elements of an answer at one of its steps."""
    if isinstance(answer.value, Scalar):
        return float(answer.value.values[step])
    assert isinstance(answer.value, Vector)
    value = answer.value
    return {
        labels: float(value.values[row, step]) for row, labels in enumerate(value.series) if value.present[row, step]
    }


@SLOW
@given(data(), EXPRESSIONS.filter(lambda text: not any(word in text for word in NOT_BY_STEP)), STEPS)
def test_a_range_query_is_the_instant_queries_of_its_steps(
    series: Data, text: str, steps: tuple[int, int, int]
) -> None:
    source, query = FixedSource(series), compile_query_or_none(text)
    if query is None:
        return
    try:
        whole = query.range(source, *steps)
    except (QueryFailed, BadQuery):
        return  # one bad step spoils a range
    for number, at in enumerate(whole.times.tolist()):
        assert_same(elements(query.instant(FixedSource(series), at), 0), elements(whole, number), f"{text} at {at}")


def compile_query_or_none(text: str):  # type: ignore[no-untyped-def]
    try:
        return compile_query(text)
    except BadQuery:
        return None


def assert_same(one: dict[Labels, float] | float, other: dict[Labels, float] | float, where: str) -> None:
    if isinstance(one, float) or isinstance(other, float):
        np.testing.assert_array_equal(one, other, where)
        return
    assert one.keys() == other.keys(), where
    for labels, value in one.items():
        np.testing.assert_array_equal(value, other[labels], f"{where} {labels}")


@SLOW
@given(data(), EXPRESSIONS, STEPS)
def test_every_query_answers_or_is_refused(series: Data, text: str, steps: tuple[int, int, int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            answer = compile_query(text).range(FixedSource(series), *steps)
        except (BadQuery, QueryFailed, QueryRefused):
            return
    assert len(answer.times) >= 1


WORDS = """
sum rate ( ) [ ] { } , : 5m 1 0x1f a b{c="d"} by without on group_left offset @ - + * ^ and or unless
bool == =~ ' " ` \\ $
# anchored smoothed start() end() topk quantile "x" '\\xff' inf nan step() 1e400 😀 é [5m] [1m:] info fill (0)
label_replace 99999999999999999999 .5 5. _
"""
PIECES = st.lists(st.sampled_from(WORDS.split()) | st.text(max_size=4), max_size=25)


@SLOW
@given(PIECES)
@example(["(" * 3000])
@example(["-" * 5000, "1"])
@example(["a" + " ^ a" * 2000])
@example(["a[" + "(" * 500 + "5m"])
@example(["{" * 400])
@example(['a{b=~"' + "(" * 5000 + '"}'])
@example(["a{b=~'(a{1000}){1000}'}"])
@example(["99999999999999999999[99999999999999999999y]"])
@example(["a @ 1e300"])
@example(["a offset 1e300"])
@example(["a[1e300]"])
def test_any_text_is_a_query_or_refused(pieces: list[str]) -> None:
    for text in ("".join(pieces), " ".join(pieces)):
        try:
            query = compile_query(text)
        except BadQuery:
            continue
        with suppress(BadQuery, QueryFailed, QueryRefused):
            query.instant(FixedSource({}), 0)


@SLOW
@given(EXPRESSIONS | VECTORS)
def test_what_is_written_reads_back_as_the_same(text: str) -> None:
    try:
        expr = parse_expression(text)
    except BadQuery:
        return
    written = write_expression(expr)
    assert write_expression(parse_expression(written)) == written
    if "NaN" not in written:
        assert parse_expression(written) == expr


@SLOW
@given(data(), EXPRESSIONS, st.integers(1, 300))
def test_no_query_exceeds_its_limits(series: Data, text: str, samples: int) -> None:
    limits = Limits(samples=samples, series=3, steps=10_000, cells=50)
    try:
        answer = compile_query(text).range(FixedSource(series), 0, 600_000, 60_000, Options(limits=limits))
    except (BadQuery, QueryFailed, QueryRefused):
        return
    assert answer.samples <= samples
    if isinstance(answer.value, Vector):
        assert answer.value.values.size <= 50
