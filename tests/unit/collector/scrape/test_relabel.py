import pytest

from services.collector.core.scrape.relabel import Relabelling, Rule
from shared.promql.errors import BadQuery

LABELS = {"a": "foo", "b": "bar", "c": "baz", "__meta_x": "X"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (
            [Rule("replace", ("a",), regex="f(.*)", target_label="d", replacement="ch$1-ch$1")],
            LABELS | {"d": "choo-choo"},
        ),
        (
            [Rule("replace", ("a", "b"), regex="f(.*);(.*)r", target_label="a", replacement="b${1}${2}m")],
            LABELS | {"a": "boobam"},
        ),
        ([Rule("replace", ("a",), regex="o", target_label="d", replacement="anchored")], LABELS),
        (
            [Rule("replace", ("a",), regex="(?P<rest>.*)o", target_label="d", replacement="$rest$$")],
            LABELS | {"d": "fo$"},
        ),
        ([Rule("replace", ("a",), regex="(f).*", target_label="d", replacement="$1x")], LABELS),  # a group called 1x
        ([Rule("replace", ("a",), regex="f(o)o", target_label="${1}_d", replacement="y")], LABELS | {"o_d": "y"}),
        ([Rule("replace", ("a",), regex="f(o)o", target_label="${1}-d", replacement="y")], LABELS),
        ([Rule("replace", ("b",), target_label="a", replacement="")], {k: v for k, v in LABELS.items() if k != "a"}),
        ([Rule("replace", ("none",), target_label="d", replacement="as$1")], LABELS | {"d": "as"}),
        ([Rule("keep", ("a",), regex="foo|bar")], LABELS),
        ([Rule("keep", ("a",), regex="fo")], None),
        ([Rule("drop", ("a", "b"), separator="-", regex="foo-bar")], None),
        ([Rule("drop", ("none",), regex="x?")], None),
        ([Rule("drop", ("a",), regex="foo"), Rule(target_label="d", replacement="never")], None),
        ([Rule("keepequal", ("a",), target_label="b")], None),
        ([Rule("keepequal", ("a",), target_label="a")], LABELS),
        ([Rule("dropequal", ("a",), target_label="a")], None),
        ([Rule("labelmap", regex="__meta_(x)", replacement="m_${1}")], LABELS | {"m_x": "X"}),
        ([Rule("labeldrop", regex="[ab]|__meta_.*")], {"c": "baz"}),
        ([Rule("labelkeep", regex="a|b")], {"a": "foo", "b": "bar"}),
        ([Rule("labelkeep", regex="nothing")], None),
        ([Rule("uppercase", ("a", "b"), target_label="d")], LABELS | {"d": "FOO;BAR"}),
        ([Rule("lowercase", ("__meta_x",), target_label="d")], LABELS | {"d": "x"}),
        ([Rule("hashmod", ("c",), target_label="d", modulus=1000)], LABELS | {"d": "976"}),
    ],
)
def test_rules(rules: list[Rule], expected: dict[str, str] | None) -> None:
    assert all(rule.problem() is None for rule in rules)
    given = dict(LABELS)
    assert Relabelling(rules).apply(given) == expected
    assert given == LABELS


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Rule("replace"), "needs a target_label"),
        (Rule("hashmod", target_label="a"), "needs a modulus"),
        (Rule("lowercase", target_label="$1"), "no label name"),
        (Rule("labeldrop", ("a",), regex="b"), "takes a regex only"),
        (Rule("keepequal", ("a",), regex="b", target_label="c"), "takes source_labels and target_label only"),
    ],
)
def test_rules_that_can_not_be(rule: Rule, told: str) -> None:
    assert told in (rule.problem() or "")


def test_a_regular_expression_that_is_none() -> None:
    with pytest.raises(BadQuery, match="missing"):
        Rule("keep", regex="(").problem()
