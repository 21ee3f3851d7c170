"""Two runs compared: each case is what fired when, and what that makes of each firing."""

import pytest

from shared.messages.alerts import Evidence
from shared.messages.rules import AlertingRule
from shared.rules.comparison import Comparison, compare
from shared.rules.rule import Decision
from shared.rules.sendings import sendings
from shared.rules.state import Alert, Transition

END = 100
Spans = dict[str, list[tuple[int, int | None]]]
"""When which host's alert fires; None: until the end."""


def run(spans: Spans, name: str = "Down", group: str = "g", cooldown_ms: int = 0) -> list[Decision]:
    """The decisions of a run, in the order of time."""
    rule = AlertingRule(name=name, expr="x", labels={}, severity="warning", message="", cooldown_ms=cooldown_ms)
    found = []
    for host, times in spans.items():
        labels = {"alertname": name, "host": host}
        for start, end in times:
            for at, state, before in ((start, "firing", "inactive"), (end, "resolved", "firing")):
                if at is not None:
                    alert = Alert(
                        id=f"{group}/{host}", labels=labels, state="firing", episode_ms=start, transition=1,
                        since_ms=at, evaluated_ms=at, value=1.0, dark_ms=0,
                    )  # fmt: skip
                    transition = Transition(alert, state, before)  # type: ignore[arg-type]
                    found.append(Decision(group, rule, transition, {}, "", Evidence()))
    return sorted(found, key=lambda one: one.transition.alert.since_ms)


def compared(current: list[Decision], changed: list[Decision]) -> Comparison:
    return compare(current, changed, sendings(current), sendings(changed), END)


def told(found: Comparison) -> list[tuple[str, str, int | None, int | None]]:
    """(host, kind, starts by, lasts by)"""
    return [
        (dict(one.labels)["host"], one.kind, one.starts_by_ms, one.lasts_by_ms(END))
        for one in found.changes
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("current", "changed", "expected"),
    [
        ({"a": [(10, 20)]}, {"a": [(10, 20)]}, [("a", "unchanged", 0, 0)]),
        ({"a": [(10, None)]}, {"a": [(10, None)]}, [("a", "unchanged", 0, 0)]),
        ({}, {"a": [(10, 20)]}, [("a", "new", None, None)]),
        ({"a": [(10, 20)]}, {}, [("a", "gone", None, None)]),
        ({"a": [(10, 20)]}, {"b": [(10, 20)]}, [("a", "gone", None, None), ("b", "new", None, None)]),
        ({"a": [(10, 20)]}, {"a": [(15, 20)]}, [("a", "changed", 5, -5)]),
        ({"a": [(10, 20)]}, {"a": [(5, 30)]}, [("a", "changed", -5, 15)]),
        ({"a": [(10, 20)]}, {"a": [(10, None)]}, [("a", "changed", 0, 80)]),
        ({"a": [(10, 20)]}, {"a": [(20, 30)]}, [("a", "gone", None, None), ("a", "new", None, None)]),
        ({"a": [(END, None)]}, {"a": [(90, None)]}, [("a", "changed", -10, 10)]),
        (
            {"a": [(10, 20), (30, 40), (50, 60)]},
            {"a": [(10, 45)]},
            [("a", "changed", 0, 25), ("a", "merged", -20, 25), ("a", "gone", None, None)],
        ),
        (
            {"a": [(10, 45)]},
            {"a": [(5, 8), (10, 20), (30, 40), (50, None)]},
            [("a", "new", None, None), ("a", "changed", 0, -25), ("a", "split", 20, -25), ("a", "new", None, None)],
        ),
        (
            {"a": [(10, 20), (22, 30)]},
            {"a": [(15, 25), (28, 40)]},
            [("a", "changed", 5, 0), ("a", "merged", -7, 2), ("a", "split", 6, 4)],
        ),
    ],
)  # fmt: skip
def test_firings_are_matched(current: Spans, changed: Spans, expected: list[object]) -> None:
    found = compared(run(current), run(changed))
    assert sorted(told(found), key=repr) == sorted(expected, key=repr)
    assert len(told(found)) == len(expected)


def test_the_order_is_that_of_time_over_all_alerts() -> None:
    found = compared(run({"b": [(10, 20)], "a": [(50, 60)]}), run({"a": [(30, 35)]}))
    assert [(host, kind) for host, kind, _, _ in told(found)] == [("b", "gone"), ("a", "new"), ("a", "gone")]


def test_groups_and_versions_are_not_minded_and_counts_are_of_firings() -> None:
    current = run({"a": [(10, 20)], "b": [(10, 20)], "c": [(30, 40), (50, 60)]}, group="old", cooldown_ms=1)
    changed = run({"a": [(12, 20)], "b": [(10, 20)], "c": [(30, 60)], "d": [(1, 2)]}, group="new", cooldown_ms=1)
    found = compared(current, changed)
    assert found.counts == {
        "new": 1, "gone": 0, "merged": 1, "split": 0,
        "earlier": 0, "later": 1, "longer": 1, "shorter": 1, "unchanged": 1,
    }  # fmt: skip
    assert (found.current.firing, found.current.resolved) == (4, 4)
    assert (found.changed.firing, found.changed.resolved) == (4, 4)


def test_a_firing_that_waits_for_its_cooldown_is_counted() -> None:
    spans: Spans = {"a": [(10, 20), (30, None)]}
    found = compared(run(spans), run(spans, cooldown_ms=50))
    assert (found.current.firing, found.current.deferred) == (2, 0)
    assert (found.changed.firing, found.changed.deferred) == (2, 1)


def test_a_rule_of_another_name_is_compared_as_if_it_had_been_renamed() -> None:
    assert told(compared(run({"a": [(10, 20)]}), run({"a": [(11, 20)]}, name="Away"))) == [("a", "changed", 1, -1)]


def test_of_several_rules_each_has_its_own_alerts() -> None:
    both = run({"a": [(10, 20)]}) + run({"a": [(10, 20)]}, name="Away")
    found = compared(run({"a": [(10, 20)]}), both)
    assert sorted(kind for _, kind, _, _ in told(found)) == ["new", "unchanged"]
