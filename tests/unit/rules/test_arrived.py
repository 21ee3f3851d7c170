"""On arrival: what the samples say something about is decided, and nothing else."""

from collections.abc import Sequence

import numpy as np
import pytest

from shared.messages.series import NAME
from shared.promql.matching import Matcher
from shared.promql.series_sets import Labels, labels_from
from shared.promql.source import FixedSource, Selection
from shared.rules.arrived import Arrived
from shared.rules.derived import STALE_MARKER
from shared.rules.files import parse_rule_file
from shared.rules.group import Evaluation, GroupState, evaluate_arrival, evaluate_group
from shared.rules.identities import LEAST_REMEMBERED, Identities
from shared.rules.plan import GroupPlan, plan_group

AT = 1_700_000_100_000
A = {NAME: "m", "host": "a"}
A_X = {NAME: "m", "host": "a", "job": "x"}
BARE = {NAME: "m"}
OTHER = {NAME: "n", "host": "a"}


class Nothing:
    """A source that must not be asked."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        raise AssertionError(f"{matchers} of all series")


def plan(*rules: str) -> GroupPlan:
    (draft,) = parse_rule_file(f"groups: [{{name: g, immediate: true, rules: [{', '.join(rules)}]}}]", "rules")
    return plan_group(draft)


def source(at_ms: int, *series: tuple[dict[str, str], float]) -> FixedSource:
    return FixedSource({labels_from(one): (np.array([at_ms]), np.array([value])) for one, value in series})


def arrive(
    group: GroupPlan, state: GroupState, at_ms: int, whole: FixedSource | Nothing, *series: tuple[dict[str, str], float]
) -> Evaluation:
    """These series get a sample; there is `whole`."""
    labels: list[Labels] = [labels_from(one) for one, _ in series]
    alone = source(at_ms, *series)
    return evaluate_arrival(group, state, whole, at_ms, Arrived(labels, alone), range(len(group.rules)))


def told(one: Evaluation) -> list[tuple[str, str | None]]:
    return [(found.transition.state, found.transition.alert.labels.get("job")) for found in one.decisions]


@pytest.mark.parametrize("arrived", [A, BARE])
def test_a_series_says_nothing_about_another_that_has_more_labels(arrived: dict[str, str]) -> None:
    group = plan("{alert: High, expr: m > 5}")
    state = evaluate_group(group, GroupState(), source(AT, (A_X, 9.0), (A, 9.0)), AT).state
    one = arrive(group, state, AT + 1, Nothing(), (arrived, 1.0))
    assert told(one) == ([("resolved", None)] if arrived == A else [])
    assert len(one.state.rules[0].alerts) == 2 - len(one.decisions)


def test_a_series_of_another_metric_says_nothing_either() -> None:
    group = plan("{alert: High, expr: m > 5}", "{alert: Other, expr: n > 5}")
    state = evaluate_group(group, GroupState(), source(AT, (A, 9.0), (OTHER, 9.0)), AT).state
    one = arrive(group, state, AT + 1, Nothing(), (OTHER, 1.0), (BARE, 1.0))
    assert [found.rule.name for found in one.decisions] == ["Other"]


def test_series_of_several_metrics_are_looked_at_together() -> None:
    """Their elements have the same labels: what one has no more, the other may have still."""
    group = plan("{alert: High, expr: '{__name__=~\"m|n\"} > 5'}")
    state = evaluate_group(group, GroupState(), source(AT, (OTHER, 9.0)), AT).state
    whole = source(AT + 1, (A, 1.0), (OTHER, 9.0))
    assert told(arrive(group, state, AT + 1, whole, (A, 1.0))) == []


def test_templates_may_ask_for_what_has_not_arrived() -> None:
    group = plan("{alert: High, expr: m > 5, annotations: {n: '{{ query \"n\" | first | value }}'}}")
    one = arrive(group, GroupState(), AT, source(AT, (A, 9.0), (OTHER, 3.0)), (A, 9.0))
    assert [found.annotations for found in one.decisions] == [{"n": "3"}]


def test_labels_that_are_templates_conclude_the_alert_that_they_made() -> None:
    group = plan("{alert: High, expr: m > 5, labels: {size: '{{ if gt $value 8.0 }}big{{ else }}small{{ end }}'}}")
    state = evaluate_group(group, GroupState(), source(AT, (A, 9.0), (A_X, 9.0)), AT).state
    one = arrive(group, state, AT + 1, Nothing(), (A, 7.0))
    found = {(one.transition.state, one.transition.alert.labels["size"]) for one in one.decisions}
    assert found == {("firing", "small"), ("resolved", "big")}


def test_alert_series_follow_the_alerts_that_change() -> None:
    group = plan("{alert: High, expr: m > 5, for: 1ms}")
    state = evaluate_group(group, GroupState(), source(AT, (A, 9.0), (A_X, 9.0)), AT).state
    fired = arrive(group, state, AT + 1, Nothing(), (A, 9.0))
    values = {(dict(one.labels)[NAME], dict(one.labels).get("alertstate")): one.value for one in fired.recorded}
    assert values.pop(("ALERTS", "pending")) != 1.0
    assert values == {("ALERTS", "firing"): 1.0, ("ALERTS_FOR_STATE", None): AT // 1000}
    over = arrive(group, fired.state, AT + 2, Nothing(), (A, 1.0))
    assert [dict(one.labels)[NAME] for one in over.recorded] == ["ALERTS", "ALERTS_FOR_STATE"]
    assert np.array([one.value for one in over.recorded]).tobytes() == np.array([STALE_MARKER] * 2).tobytes()
    assert {dict(labels).get("job") for labels in over.state.rules[0].made} == {"x"}


def test_what_is_remembered_of_alerts_is_bounded_and_changes_nothing() -> None:
    found = Identities("R", {"team": "sre"})
    elements = [labels_from({NAME: "m", "host": f"h{number}"}) for number in range(3 * LEAST_REMEMBERED)]
    first = [found.of("g", one, 1) for one in elements]
    assert found.remembered < 2 * LEAST_REMEMBERED
    assert [found.of("g", one, 1) for one in elements] == first
    assert len({one.id for one in first}) == len(elements)
    assert found.of("h", elements[0], 1).id != first[0].id
