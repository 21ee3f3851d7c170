"""Backtests: the same transitions as one evaluation after the other, whatever the rules and however they are sliced."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messages.samples import STALE
from shared.messages.series import NAME
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource
from shared.rules.backtest import backtest
from shared.rules.dependencies import GroupCycle
from shared.rules.derived import DerivedSeries, Overlay
from shared.rules.files import parse_rule_file
from shared.rules.group import GroupState, evaluate_group
from shared.rules.plan import GroupPlan, plan_group
from shared.rules.rule import Decision

STEP = 15_000
START = 1_700_000_100_000

FORWARD = """
groups:
- name: recorded
  rules:
  - {record: m:rate, expr: 'rate(m[1m])'}
  - {record: m:sum, expr: sum by (job) (m), labels: {level: job}}
  - alert: High
    expr: m:sum > 5
    for: 30s
    keep_firing_for: 45s
    annotations: {summary: '{{ $labels.job }} {{ $value }}'}
- name: direct
  interval: 30s
  rules:
  - {alert: Low, expr: m < 3, labels: {size: '{{ if lt $value 1.0 }}tiny{{ else }}small{{ end }}'}}
  - {alert: Gone, expr: 'absent(m{host="a"})', for: 15s}
  - {alert: Quick, expr: 'm:rate > 0.1 and on (host) m > 2', annotations: {q: '{{ query "m" | len }}'}}
  - {alert: Wrong, expr: 'm / on (job) m > 1'}
- name: late
  limit: 1
  query_offset: 15s
  rules:
  - {alert: Many, expr: 'm > 4', keep_firing_for: 30s}
  - {alert: Sum, expr: 'delta(m:sum[1m]) != 0', for: 15s}
"""
CHAINED = """
groups:
- name: chained
  rules:
  - {alert: Many, expr: 'm > 4', keep_firing_for: 30s}
  - {record: alerts:count, expr: 'count(ALERTS{alertstate="firing"})'}
  - {alert: Storm, expr: 'alerts:count >= 2', for: 15s}
"""
BACKWARD = """
groups:
- name: counts
  rules:
  - {alert: Rising, expr: 'ticks > 4', for: 30s, annotations: {n: '{{ query "ticks" | first | value }}'}}
  - {record: ticks, expr: '(ticks or vector(0)) + on () group_left () (count(m > 3) or vector(0))'}
  - {alert: Ahead, expr: 'm offset -15s > 5'}
"""


def plans(text: str) -> list[GroupPlan]:
    return [plan_group(draft) for draft in parse_rule_file(text, "rules")]


def step_by_step(groups: list[GroupPlan], source: FixedSource, end: int, dark: frozenset[int]) -> list[Decision]:
    """The reference: instant by instant, group by group, what is recorded put beside the samples."""
    derived, states = DerivedSeries(), [GroupState() for _ in groups]
    decisions = []
    for instant in range(START, end + 1, STEP):
        for place, group in enumerate(groups):
            if instant % group.interval_ms == 0:
                seen = Overlay(source, derived)
                one = evaluate_group(group, states[place], seen, instant, instant not in dark)
                states[place] = one.state
                derived.append(one.recorded)
                decisions += one.decisions
    return decisions


@st.composite
def sources(draw: st.DrawFn) -> tuple[FixedSource, int]:
    steps = draw(st.integers(4, 24))
    series = {}
    for host in ("a", "b", "c"):
        values = draw(st.lists(st.sampled_from([None, STALE, 0, 1, 2, 4, 6, 8]), min_size=steps, max_size=steps))
        known = [(START - 60_000 + place * STEP + draw(st.sampled_from([0, -4_000])), value)
                 for place, value in enumerate(values) if value is not None]  # fmt: skip
        labels = labels_from({NAME: "m", "host": host, "job": "x" if host == "c" else "y"})
        series[labels] = (np.array([at for at, _ in known], np.int64), np.array([float(one) for _, one in known]))
    return FixedSource(series), START + (steps + 26) * STEP


@settings(max_examples=60, deadline=None)
@given(
    sources(),
    st.sampled_from([FORWARD, FORWARD, CHAINED, BACKWARD]),
    st.integers(1, 40),
    st.sets(st.integers(0, 40), max_size=12),
)
def test_live_step_by_step_is_the_backtest(
    made: tuple[FixedSource, int], text: str, width: int, dark: set[int]
) -> None:
    source, end = made
    groups = plans(text)
    unknown = frozenset(START + place * STEP for place in dark)
    found = backtest(groups, source, START, end, known=lambda at, _: at not in unknown, slice_steps=width)
    assert found.decisions == step_by_step(groups, source, end, unknown)


def test_rules_that_see_only_what_is_before_them_are_taken_in_slices() -> None:
    source = FixedSource({})
    assert not backtest(plans(FORWARD), source, START, START).step_by_step
    assert backtest(plans(BACKWARD), source, START, START).step_by_step


def firing(values: list[float], rule: str) -> tuple[list[GroupPlan], FixedSource]:
    times = START + np.arange(len(values)) * STEP
    labels = labels_from({NAME: "m", "host": "a"})
    return plans(f"groups: [{{name: g, rules: [{rule}]}}]"), FixedSource({labels: (times, np.array(values))})


def test_what_would_have_been_sent_minds_cooldown_and_shadow() -> None:
    values = [9.0, 0, 9, 9, 9, 9, 9, 0]
    groups, source = firing(values, "{alert: A, expr: m > 5, cooldown: 1m}")
    found = backtest(groups, source, START, START + 8 * STEP)
    told = [((one.at_ms - START) // 1000, one.kind, one.deferred) for one in found.sent]
    assert told == [(0, "firing", False), (15, "resolved", False), (60, "firing", True), (105, "resolved", False)]
    groups, source = firing(values, "{alert: A, expr: m > 5, shadow: true}")
    assert backtest(groups, source, START, START + 8 * STEP).sent == []


def test_a_firing_that_ends_within_the_cooldown_is_not_sent() -> None:
    groups, source = firing([9.0, 0, 9, 0, 0, 0, 0, 0], "{alert: A, expr: m > 5, cooldown: 1m}")
    assert [one.kind for one in backtest(groups, source, START, START + 8 * STEP).sent] == ["firing", "resolved"]


def test_transitions_carry_texts_and_evidence_and_progress_is_told() -> None:
    groups, source = firing(
        [1.0, 9, 9], "{alert: A, expr: 'avg_over_time(m[30s]) > 4', annotations: {s: '{{ $value }}'}}"
    )
    told: list[tuple[int, int]] = []
    found = backtest(
        groups, source, START, START + 2 * STEP, slice_steps=1, progress=lambda done, whole: told.append((done, whole))
    )
    (decision,) = found.decisions
    (shown,) = decision.evidence.series
    assert decision.annotations == {"s": "5"}
    assert (shown.series, [one.value for one in shown.samples]) == ('m{host="a"}', [1.0, 9.0])
    assert told[-1] == (2 * STEP, 2 * STEP)
    assert len(told) == 3


def test_a_rule_that_fails_hinders_no_other_and_is_counted() -> None:
    rules = "{alert: Bad, expr: 'm * on () m'}, {alert: Good, expr: m > 5}"
    groups, _ = firing([9.0], rules)
    times = START + np.arange(3) * STEP
    hosts = {labels_from({NAME: "m", "host": host}): (times, np.full(3, 9.0)) for host in "ab"}
    found = backtest(groups, FixedSource(hosts), START, START + 2 * STEP)
    assert found.failures["g", "Bad"].count == 3
    assert {one.rule.name for one in found.decisions} == {"Good"}


def test_groups_that_read_each_other_are_refused_as_they_are_live() -> None:
    text = """
groups:
- name: one
  rules: [{record: a, expr: b + 1}]
- name: two
  rules: [{record: b, expr: a + 1}]
"""
    with pytest.raises(GroupCycle, match="two -> one -> two"):
        backtest(plans(text), FixedSource({}), START, START)


def test_groups_are_taken_after_those_that_they_read_and_told_in_their_own_order() -> None:
    text = """
groups:
- name: reader
  rules: [{alert: Seen, expr: made > 5}]
- name: maker
  rules: [{record: made, expr: m}, {alert: High, expr: m > 5}]
"""
    labels = labels_from({NAME: "m", "host": "a"})
    source = FixedSource({labels: (np.array([START, START + STEP]), np.array([1.0, 9.0]))})
    found = backtest(plans(text), source, START, START + STEP)
    assert not found.step_by_step
    assert [(one.rule.name, one.transition.alert.since_ms) for one in found.decisions] == [
        ("Seen", START + STEP),
        ("High", START + STEP),
    ]


def test_decisions_are_told_slice_by_slice() -> None:
    groups, source = firing([9.0, 0, 9, 0], "{alert: A, expr: m > 5}")
    told: list[list[str]] = []
    found = backtest(
        groups, source, START, START + 3 * STEP, slice_steps=2,
        told=lambda some: told.append([one.transition.state for one in some]),
    )  # fmt: skip
    assert told == [["firing", "resolved"]] * 2
    assert len(found.decisions) == 4


def test_without_a_sign_for_its_range_a_group_concludes_nothing() -> None:
    rules = "{alert: Gone, expr: 'absent_over_time(m[30s])'}"
    groups, source = firing([9.0], rules)
    signs = [START]

    def known(instant: int, within: int) -> bool:
        return any(instant - within < sign <= instant for sign in signs)

    end = START + 20 * STEP
    found = backtest(groups, source, START, end, known=known, dark_after_ms=120_000)
    assert (found.decisions, found.unknown_instants) == ([], 19)
    assert [one.transition.state for one in backtest(groups, source, START, end).decisions] == ["firing"]
