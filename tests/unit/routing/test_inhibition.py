"""Inhibition: what mutes what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.routing.inhibition import Inhibition, InhibitRule, inhibited_by
from shared.routing.matcher_text import parse_matchers
from shared.routing.matchers import all_match


def rule(source: str, target: str, *equal: str) -> InhibitRule:
    return InhibitRule(tuple(parse_matchers(source)), tuple(parse_matchers(target)), equal)


DOWN = {"alertname": "RouterDown", "severity": "critical", "site": "jkt"}
SLOW = {"alertname": "RouterSlow", "severity": "warning", "site": "jkt"}
BY_SEVERITY = rule("severity=critical", "severity=warning", "site")
ITSELF = rule("alertname=~Router.*", "alertname=~Router.*", "site")


@pytest.mark.parametrize(
    ("rules", "labels", "firing", "expected"),
    [
        ([BY_SEVERITY], SLOW, [DOWN], "0"),
        ([BY_SEVERITY], SLOW, [SLOW], None),
        ([BY_SEVERITY], SLOW, [{**DOWN, "site": "sby"}], None),
        ([BY_SEVERITY], SLOW, [{**DOWN, "site": "sby"}, DOWN], "1"),
        ([BY_SEVERITY], DOWN, [SLOW], None),
        # A label that both lack is the same in both.
        ([BY_SEVERITY], {"severity": "warning"}, [{"severity": "critical"}], "0"),
        ([BY_SEVERITY], {"severity": "warning", "site": ""}, [{"severity": "critical"}], "0"),
        # What matches both sides mutes neither itself nor its like, but others.
        ([ITSELF], DOWN, [DOWN, SLOW], None),
        ([rule("site=jkt", "severity=warning")], SLOW, [SLOW], None),
        ([rule("site=jkt", "severity=warning")], SLOW, [SLOW, DOWN], "1"),
        ([rule("site=jkt", "severity=warning")], {"severity": "warning"}, [SLOW], "0"),
        # The second rule mutes where the first doesn't.
        ([ITSELF, BY_SEVERITY], SLOW, [SLOW, DOWN], "1"),
        ([], SLOW, [DOWN], None),
        ([BY_SEVERITY], SLOW, [], None),
    ],
)
def test_what_is_muted(
    rules: list[InhibitRule], labels: dict[str, str], firing: list[dict[str, str]], expected: str | None
) -> None:
    assert inhibited_by(rules, labels, [(str(number), one) for number, one in enumerate(firing)]) == expected


labels_of = st.fixed_dictionaries({}, optional={name: st.sampled_from(["", "x", "y"]) for name in "abc"})
sides = st.lists(st.builds(lambda n, v: f"{n}={v}", st.sampled_from("abc"), st.sampled_from("xy")), max_size=2)


@given(
    st.lists(
        st.builds(lambda s, t, e: rule(",".join(s), ",".join(t), *e), sides, sides, st.sets(st.sampled_from("abc")))
    ),
    labels_of,
    st.lists(labels_of),
)
def test_it_is_alertmanagers_definition(
    rules: list[InhibitRule], labels: dict[str, str], firing: list[dict[str, str]]
) -> None:
    muting = {
        str(number)
        for number, source in enumerate(firing)
        for one in rules
        if all_match(one.target, labels) and all_match(one.source, source)
        and all(labels.get(name, "") == source.get(name, "") for name in one.equal)
        and not (all_match(one.source, labels) and all_match(one.target, source))
    }  # fmt: skip
    found = Inhibition(rules, [(str(number), one) for number, one in enumerate(firing)]).by(labels)
    assert found in muting if muting else found is None


@given(
    st.lists(
        st.builds(lambda s, t, e: rule(",".join(s), ",".join(t), *e), sides, sides, st.sets(st.sampled_from("abc")))
    ),
    labels_of,
    st.lists(st.tuples(st.integers(0, 4), st.none() | labels_of), max_size=30),
)
def test_it_makes_no_difference_in_what_steps_it_came_about(
    rules: list[InhibitRule], labels: dict[str, str], steps: list[tuple[int, dict[str, str] | None]]
) -> None:
    stepwise, firing = Inhibition(rules), dict[str, dict[str, str]]()
    for number, fires in steps:
        firing.pop(str(number), None)
        if fires is None:
            stepwise.drop(str(number))
        else:
            firing[str(number)] = fires
            stepwise.put(str(number), fires)
    assert stepwise.by(labels) == Inhibition(rules, firing.items()).by(labels)
