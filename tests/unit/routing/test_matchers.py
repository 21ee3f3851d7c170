"""Label matchers: their text both ways, and what they match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.errors import BadMatcher
from shared.routing.matcher_text import parse_matcher, parse_matchers
from shared.routing.matchers import OPERATORS, Matcher, all_match, checked, in_order, matchers_text
from shared.routing.quoting import quoted, unquoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('severity="critical"', [Matcher("severity", "=", "critical")]),
        ("severity=critical", [Matcher("severity", "=", "critical")]),
        ("  severity  !=  critical ", [Matcher("severity", "!=", "critical")]),
        ('foo=~"a|b"', [Matcher("foo", "=~", "a|b")]),
        ("foo!~a.*", [Matcher("foo", "!~", "a.*")]),
        ('{a="b",c!="d"}', [Matcher("a", "=", "b"), Matcher("c", "!=", "d")]),
        ('{a = "b", c != "d", }', [Matcher("a", "=", "b"), Matcher("c", "!=", "d")]),
        ("a=b, c=~d", [Matcher("a", "=", "b"), Matcher("c", "=~", "d")]),
        ('a="b,c"', [Matcher("a", "=", "b,c")]),
        (r'a="She said: \"Hi, ladies!\""', [Matcher("a", "=", 'She said: "Hi, ladies!"')]),
        (r'a="x\ny\\z"', [Matcher("a", "=", "x\ny\\z")]),
        ("a=", [Matcher("a", "=", "")]),  # the classic grammar alone takes these
        ("a=b c", [Matcher("a", "=", "b c")]),
        (r'a="\d+"', [Matcher("a", "=", r"\d+")]),
        ('{a="b"', [Matcher("a", "=", "b")]),
        ("a=b;c", [Matcher("a", "=", "b;c")]),
        ("a==b", [Matcher("a", "=", "=b")]),
        ("{a=b}}", [Matcher("a", "=", "b}")]),
        ("foo:bar=x", [Matcher("foo:bar", "=", "x")]),
        ('"pppoe user"=~"cust.*"', [Matcher("pppoe user", "=~", "cust.*")]),  # and the newer one these
        ("wilayah.kota=Bandung", [Matcher("wilayah.kota", "=", "Bandung")]),
        ('{"città"="Torino", b=c}', [Matcher("città", "=", "Torino"), Matcher("b", "=", "c")]),
        (r'a="\u00e9"', [Matcher("a", "=", r"\u00e9")]),  # here they disagree: the classic one has it
        ("{}", []),
        ("", []),
    ],
)
def test_texts_of_matchers(text: str, expected: list[Matcher]) -> None:
    assert parse_matchers(text) == expected


@pytest.mark.parametrize(
    "text",
    ["severity", "=x", 'a="b', 'a=b"', 'a="b"c"', '{"x y"=b}}', 'a=~"("', "a~b", '"x y', "1a=~*", ",a=b", '"x y"='],
)
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(BadMatcher):
        parse_matchers(text)


def test_one_matcher_is_one() -> None:
    assert parse_matcher("a=b") == Matcher("a", "=", "b")
    with pytest.raises(BadMatcher, match="2 matchers"):
        parse_matcher("a=b,c=d")


@pytest.mark.parametrize(
    ("matcher", "matching", "others"),
    [
        (Matcher("a", "=", "x"), ["x"], ["", "xx", "X"]),
        (Matcher("a", "=", ""), [""], ["x"]),
        (Matcher("a", "!=", "x"), ["", "y"], ["x"]),
        (Matcher("a", "=~", "x|y"), ["x", "y"], ["xy", "", "ax", "x\n"]),
        (Matcher("a", "=~", ".*"), ["", "x"], ["x\ny"]),
        (Matcher("a", "!~", "x.+"), ["", "x"], ["xy"]),
        (Matcher("a", "=~", "(?i)down"), ["DOWN", "down"], ["up"]),
    ],
)
def test_what_matches(matcher: Matcher, matching: list[str], others: list[str]) -> None:
    assert [text for text in [*matching, *others] if matcher.matches(text)] == matching


def test_a_label_that_is_absent_is_empty() -> None:
    assert all_match([Matcher("a", "=", ""), Matcher("b", "!=", "x")], {"c": "d"})
    assert all_match([], {})
    assert not all_match([Matcher("a", "=~", ".+")], {})


def test_a_bad_expression_is_refused_when_it_is_made() -> None:
    with pytest.raises(BadMatcher, match="regular expression"):
        checked("a", "=~", "(")
    assert checked("a", "=", "(").matches("(")


def test_they_are_written_and_ordered_as_alertmanager_does() -> None:
    matchers = [Matcher("b", "=", "x"), Matcher("a", "!~", "x"), Matcher("a", "=", "x"), Matcher("a", "=", 'w"\n\\')]
    assert matchers_text(in_order(matchers)) == r'{a="w\"\n\\",a="x",a!~"x",b="x"}'
    assert str(Matcher("two words", "=", "\u00e9\t")) == r'"two words"="é\t"'


@given(st.text(min_size=1), st.sampled_from(["=", "!="]), st.text())
def test_what_is_written_is_read_again(name: str, operator: str, value: str) -> None:
    chosen = next(one for one in OPERATORS if one == operator)
    matcher = Matcher(name, chosen, value)
    assert parse_matchers(str(matcher)) == [matcher]


@given(st.text())
def test_quotes_are_undone(text: str) -> None:
    assert unquoted(quoted(text)) == text


def test_quotes_are_gos() -> None:
    assert quoted('a"b\\c\nd\x01\x7fé\u200b😀\U000e0001') == r'"a\"b\\c\nd\x01\x7fé\u200b😀\U000e0001"'
    assert unquoted(r'"\x41\101\u00e9"') == "AAé"
    for bad in ('"', "a", '"a', r'"\q"', r'"\xff"', '"a"b"', '"\n"', r'"\ud800"'):
        with pytest.raises(ValueError):  # noqa: PT011
            unquoted(bad)
