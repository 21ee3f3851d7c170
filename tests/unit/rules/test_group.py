"""One evaluation of a group after the other: alerts, what is recorded, limits, darkness and evidence."""

import numpy as np
import pytest

from shared.messages.series import NAME
from shared.promql.series_sets import Labels, labels_from
from shared.promql.source import STALE_BITS, FixedSource
from shared.rules.derived import Recorded
from shared.rules.expansion import Outside
from shared.rules.files import parse_rule_file
from shared.rules.group import Evaluation, GroupState, evaluate_group
from shared.rules.plan import GroupPlan, plan_group

STEP, START = 15_000, 1_700_000_100_000


def plan(rules: str, more: str = "") -> GroupPlan:
    (draft,) = parse_rule_file(f"groups:\n- name: g\n  rules: [{rules}]\n{more}", "f")
    return plan_group(draft)


def source(**hosts: list[float]) -> FixedSource:
    return FixedSource(
        {
            labels_from({NAME: "m", "host": host}): (START + np.arange(len(values)) * STEP, np.array(values, float))
            for host, values in hosts.items()
        }
    )


def run(group: GroupPlan, data: FixedSource, steps: int, dark: tuple[int, ...] = ()) -> list[Evaluation]:
    state, found = GroupState(), []
    for number in range(steps):
        found.append(evaluate_group(group, state, data, START + number * STEP, number not in dark))
        state = found[-1].state
    return found


def told(found: list[Evaluation]) -> list[str]:
    return [f"{number} {one.transition.state}" for number, each in enumerate(found) for one in each.decisions]


def named(one: Recorded) -> str:
    return dict(one.labels)[NAME]


def is_marker(one: Recorded) -> bool:
    return int(np.float64(one.value).view(np.uint64)) == STALE_BITS


def test_for_and_keep_firing_for() -> None:
    group = plan("{alert: A, expr: m > 5, for: 30s, keep_firing_for: 30s}")
    found = run(group, source(a=[9, 9, 9, 0, 9, 0, 0, 0, 0]), 9)
    assert told(found) == ["0 pending", "2 firing", "7 resolved"]


def test_alerts_are_series_that_end_with_a_marker() -> None:
    found = run(plan("{alert: A, expr: m > 5, for: 15s, labels: {x: y}}"), source(a=[9, 9, 0]), 3)
    labels: list[list[tuple[Labels, bool]]] = [
        [(one.labels, is_marker(one)) for one in each.recorded] for each in found
    ]
    own = {"alertname": "A", "host": "a", "x": "y"}
    pending = labels_from(own | {NAME: "ALERTS", "alertstate": "pending"})
    firing = labels_from(own | {NAME: "ALERTS", "alertstate": "firing"})
    since = labels_from(own | {NAME: "ALERTS_FOR_STATE"})
    assert labels[0] == [(pending, False), (since, False)]
    assert labels[1] == [(firing, False), (since, False), (pending, True)]
    assert labels[2] == [(firing, True), (since, True)]
    assert found[1].recorded[1].value == START // 1000


def test_rules_see_what_those_before_them_made_at_the_same_instant() -> None:
    group = plan(
        "{record: twice, expr: m * 2}, {alert: A, expr: twice > 10}, {alert: B, expr: 'ALERTS{alertname=\"A\"}'}"
    )
    found = run(group, source(a=[6]), 1)
    assert [one.rule.name for one in found[0].decisions] == ["A", "B"]


def test_labels_and_annotations_are_expanded_on_the_element() -> None:
    labels = "{size: '{{ if gt $value 7.0 }}big{{ end }}'}"
    annotations = "{now: '{{ $value }} in {{ $externalLabels.site }}', bad: '{{ query \"m{\" }}'}"
    group = plan(
        f"{{alert: A, expr: m > 5, labels: {labels}, message: 'at {{{{ $labels.host }}}}', annotations: {annotations}}}"
    )
    outside = Outside((("site", "jkt"),), "http://pantau.example")
    (decision,) = evaluate_group(group, GroupState(), source(a=[9]), START, outside=outside).decisions
    assert decision.transition.alert.labels == {"alertname": "A", "host": "a", "size": "big"}
    assert decision.annotations["now"] == "9 in jkt"
    assert decision.annotations["bad"].startswith("<error expanding template: 1:4: error calling query")
    assert decision.message == "at a"


def test_a_resolved_alert_has_the_texts_of_when_it_last_held() -> None:
    found = run(plan("{alert: A, expr: m > 5, annotations: {v: '{{ $value }}'}}"), source(a=[8, 9, 0]), 3)
    assert [one.annotations["v"] for each in found for one in each.decisions] == ["8", "9"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("{record: r, expr: m, labels: {host: ''}}", "after applying rule labels"),
        ("{alert: A, expr: m > 5, labels: {host: x}}", "after applying alert labels"),
        ("{alert: A, expr: m * on () m}", "many"),
    ],
)
def test_a_failing_rule_is_told_and_the_others_go_on(rule: str, reason: str) -> None:
    (one,) = run(plan(rule + ", {record: fine, expr: sum(m)}"), source(a=[9], b=[9]), 1)
    assert [failure.reason for failure in one.failures if reason in failure.reason]
    assert [named(sample) for sample in one.recorded] == ["fine"]


@pytest.mark.parametrize(("rule", "kind"), [("{record: r, expr: m}", "series"), ("{alert: A, expr: m > 5}", "alerts")])
def test_a_rule_over_its_groups_limit_fails_and_keeps_its_state(rule: str, kind: str) -> None:
    found = run(plan(rule, "  limit: 1"), source(a=[9, 9], b=[0, 9] if kind == "alerts" else [9, 9]), 2)
    assert found[-1].failures[0].reason == f"exceeded limit of 1 with 2 {kind}"
    assert found[-1].state.rules == found[0].state.rules


def test_two_recording_rules_do_not_make_the_same_series() -> None:
    group = plan(
        "{record: r, expr: 'm{host=\"a\"}'}, {record: r, expr: m * 2}, {record: r, expr: 'm{host=\"b\"}'}, "
        "{alert: A, expr: r > 0}"
    )
    (found,) = run(group, source(a=[1], b=[2]), 1)
    assert [(dict(one.labels)["host"], one.value) for one in found.recorded if named(one) == "r"] == [
        ("a", 1),
        ("b", 2),
    ]
    (failure,) = found.failures
    assert (failure.place, failure.reason.split(" is ")[0]) == (1, 'r{host="a"}')
    assert len(found.decisions) == 2, "the rules after it go on"


def test_a_series_may_go_over_from_one_recording_rule_to_another() -> None:
    group = plan("{record: r, expr: sum(m) > 5}, {record: r, expr: sum(m) <= 5}, {record: seen, expr: r + 0}")
    found = run(group, source(a=[9, 1, 9, 1]), 4)
    assert not [one for each in found for one in each.failures]
    values = [[(named(one), one.value) for one in each.recorded] for each in found]
    assert values[:2] == [[("r", 9), ("seen", 9)], [("r", 1), ("seen", 1)]], "without an end in between"


def test_nothing_is_concluded_from_what_is_missing_in_the_dark() -> None:
    rules = "{alert: Held, expr: m > 5, for: 45s}, {alert: Gone, expr: absent(n)}, {record: r, expr: sum(m)}"
    found = run(plan(rules), source(a=[9, 9, 0, 9, 9, 9]), 6, dark=(1, 2))
    assert told(found) == ["0 pending", "0 firing", "5 firing"]
    assert not [one for each in found[1:3] for one in each.recorded if named(one) == "r" or is_marker(one)]


def test_evidence_is_what_the_selectors_saw_of_the_alerts_series_bounded() -> None:
    hosts = {f"h{number}": [float(number)] * 80 for number in range(30)}
    group = plan("{alert: One, expr: 'avg_over_time(m[20m]) > 28'}, {alert: All, expr: sum(m) > 5}")
    decisions = evaluate_group(group, GroupState(), source(**hosts), START + 79 * STEP).decisions
    one, every = (each.evidence for each in decisions)
    assert [(each.series, len(each.samples), each.total_samples) for each in one.series] == [('m{host="h29"}', 50, 80)]
    assert (len(every.series), every.total_series) == (20, 30)
    assert one.series[0].samples[-1].time == START + 79 * STEP
