"""What the language takes in this version, and how it refuses the rest."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.promql.durations import duration_text, parse_duration
from shared.promql.errors import BadQuery
from shared.promql.matching import Matcher, Selector
from shared.promql.syntax import Comparison, parse

CUSTOM = Selector((Matcher("__name__", "=", "custom_metric"), Matcher("type", "=", "x")))


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ('custom_metric{type="x"} > 100', Comparison(CUSTOM, ">", 100.0)),
        ('100 < custom_metric{type="x"}', Comparison(CUSTOM, ">", 100.0)),
        ('100 >= custom_metric{type="x"}', Comparison(CUSTOM, "<=", 100.0)),
        ('(custom_metric{type="x"}) == ((1e3))', Comparison(CUSTOM, "==", 1000.0)),
        ('custom_metric{type="x"} != -Inf', Comparison(CUSTOM, "!=", -math.inf)),
        ('{__name__="custom_metric", type="x"} <= 0x1F', Comparison(CUSTOM, "<=", 31.0)),
        ('custom_metric{type="x"} > 5m # seconds', Comparison(CUSTOM, ">", 300.0)),
    ],
)
def test_a_selector_compared_with_a_number(expr: str, expected: Comparison) -> None:
    assert parse(expr) == expected


@pytest.mark.parametrize(
    ("expr", "named"),
    [
        ("rate(a[5m]) > 1", "function 'rate'"),
        ("sum(a) > 1", "aggregation 'sum'"),
        ("a + 1", "operator '+'"),
        ("a > 1 + 2", "operator '+'"),
        ("a > 1 and b", "operator 'and'"),
        ("a > bool 1", "'bool'"),
        ("a > b", "two selectors"),
        ("-a > 1", "unary minus"),
        ("a offset 5m > 1", "'offset'"),
        ("a @ 5 > 1", "'@'"),
        ('a{b="c" or d="e"} > 1', "'or'"),
        ("a[5m]", "range selector"),
        ("max_over_time(a[5m:1m]) > 1", "max_over_time"),
        ("a", "without a comparison"),
        ("1 > bool 2", "'bool'"),
        ('"text"', "a string"),
        ("1", "numbers alone"),
    ],
)
def test_other_promql_is_refused_by_name(expr: str, named: str) -> None:
    with pytest.raises(BadQuery, match="not supported by this version") as refused:
        parse(expr)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    "expr", ["", "a >", "a b", "{} > 1", 'a{x=""', "a.b > 1", 'a{x=~"("} > 1', "a" * 9000, "(" * 300 + "a" + ")" * 300]
)
def test_what_is_no_promql_is_refused(expr: str) -> None:
    with pytest.raises(BadQuery):
        parse(expr)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='ab_{}()[]"=~!<>0159.,:@ +-\n', max_size=60))
def test_any_text_is_answered_or_refused(expr: str) -> None:
    try:
        query = parse(expr)
    except BadQuery:
        return
    assert query.selectors


@pytest.mark.parametrize(
    ("op", "value", "text", "expected"),
    [
        ("=", "a", "a", True),
        ("=", "", "", True),
        ("!=", "a", "", True),
        ("=~", "a.*", "ab\nc", True),
        ("=~", "a", "ab", False),
        ("=~", "a|b", "b", True),
        ("!~", "a|b", "b", False),
        ("!~", "a", "ab", True),
    ],
)
def test_matchers_are_anchored(op: str, value: str, text: str, expected: bool) -> None:
    assert Matcher("label", op, value).matches(text) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("90s", 90_000),
        ("1h30m", 5_400_000),
        ("500ms", 500),
        ("1d", 86_400_000),
        ("1w", 604_800_000),
    ],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds
    assert parse_duration(duration_text(milliseconds)) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "m", "1m1h", "1m1m", "1.5h", "-5m", "5 m", "200y"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadQuery):
        parse_duration(text)
