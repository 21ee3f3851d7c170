"""What is read before the parser package sees the text."""

import pytest

from shared.promql.errors import BadQuery
from shared.promql.expressions import Call, Modifiers, Number, RangeSelector, Subquery, Text, VectorSelector
from shared.promql.matching import Matcher
from shared.promql.parsing import parse_expression


def _range(text: str) -> RangeSelector:
    found = parse_expression(text)
    assert isinstance(found, RangeSelector)
    return found


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("5m", 300_000),
        ("600", 600_000),
        ("0.5", 500),
        ("5m+1m", 360_000),
        ("1h - 10m * 3", 1_800_000),
        ("(1h - 10m) / 2", 1_500_000),
        ("2 ^ 3 ^ 2", 512_000),
        ("-5m + 35m", 1_800_000),
        ("1h30m % 1h", 1_800_000),
        ("max_of(1m, 90s)", 90_000),
        ("1_000", 1_000_000),
        ("1001ms", 1001),
    ],
)
def test_a_range_may_be_computed(text: str, milliseconds: int) -> None:
    assert _range(f"a[{text}]").range == milliseconds


@pytest.mark.parametrize(
    ("text", "modifiers"),
    [
        ("a offset 5m", Modifiers(300_000)),
        ("a offset -5m @ 10", Modifiers(-300_000, 10_000)),
        ("a @ -1.5 offset (1m + 30s)", Modifiers(90_000, -1500)),
        ("a @ start()", Modifiers(0, "start")),
        ("a smoothed @ end()", Modifiers(0, "end", smoothed=True)),
    ],
)
def test_modifiers_stand_in_any_order(text: str, modifiers: Modifiers) -> None:
    found = parse_expression(text)
    assert isinstance(found, VectorSelector)
    assert found.modifiers == modifiers


def test_words_that_are_modifiers_elsewhere_are_names_here() -> None:
    assert parse_expression("offset") == VectorSelector((Matcher("__name__", "=", "offset"),))
    found = parse_expression('a{offset="x", anchored="y"}')
    assert isinstance(found, VectorSelector)
    assert [one.label for one in found.matchers] == ["__name__", "offset", "anchored"]


def test_a_subquery_keeps_its_step() -> None:
    found = parse_expression("a[1h:30s] offset 1m")
    assert isinstance(found, Subquery)
    assert (found.range, found.step, found.modifiers.offset) == (3_600_000, 30_000, 60_000)
    without = parse_expression("a[1h:]")
    assert isinstance(without, Subquery)
    assert without.step is None


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (r'"a\tb\x41\u00e9\101"', "a\tbAéA"),
        (r"'it\'s'", "it's"),
        ("`raw\\n`", "raw\\n"),
        (r'"\xc3\xa9"', "é"),
        ('"a # no comment"', "a # no comment"),
    ],
)
def test_strings_are_read_as_go_reads_them(literal: str, text: str) -> None:
    assert parse_expression(literal) == Text(text)


def test_values_of_matchers_are_kept_as_they_are() -> None:
    found = parse_expression(r'a{b="x\n{1}", "c d"=~"\\d{2,3}|\\Qa\\E"}')
    assert isinstance(found, VectorSelector)
    assert found.matchers[1:] == (Matcher("b", "=", "x\n{1}"), Matcher("c d", "=~", r"\d{2,3}|\Qa\E"))


def test_a_duration_is_a_number_outside_of_brackets() -> None:
    assert parse_expression("1h30m # an hour and a half") == Number(5400.0)


def test_info_takes_matchers_that_nothing_satisfies() -> None:
    found = parse_expression('info(a, {b=~".*"})')
    assert isinstance(found, Call)
    assert found.args[1] == VectorSelector((Matcher("b", "=~", ".*"),))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a[0s]", "greater than 0"),
        ("a[1m - 5m]", "greater than 0"),
        ("a[5m / 0]", "can't be computed"),
        ("a[(5m]", "stands where"),
        ("a[5m", "stands where"),
        ("a offset", "ends where"),
        ("a offset 1m offset 2m", "stands twice"),
        ("a @ 1 @ 2", "stands twice"),
        ("a[5m] anchored smoothed", "both"),
        ("deriv(a[5m] anchored)", "not with deriv"),
        ("resets(a[5m] smoothed)", "not with resets"),
        (r'"\xff"', "not UTF-8"),
        (r'"\q"', "unknown escape"),
        ('a{b=~"("}', "missing"),
        ("{}", "at least one matcher"),
        ('{a=~".*"}', "at least one matcher"),
        ("a </ 5", "native histograms"),
        ("my.metric", "not PromQL"),
        ("température", "unexpected 'é"),
        ("a + " * 600 + "a", "nested"),
    ],
)
def test_what_is_no_query_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(BadQuery, match=reason.replace("(", r"\(")):
        parse_expression(text)
