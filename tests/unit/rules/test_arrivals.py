"""When immediate groups are evaluated on history, and what of history their trial must not see."""

import numpy as np
import pytest

from shared.messages.samples import STALE
from shared.messages.series import NAME
from shared.promql.matching import Matcher
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource, Source, is_stale
from shared.rules.arrivals import Alone, Arrivals, TooManyInstants
from shared.rules.backtest import Backtest, backtest
from shared.rules.dependencies import outputs_of
from shared.rules.derived import Recorded
from shared.rules.files import parse_rule_file
from shared.rules.plan import GroupPlan, plan_group
from shared.rules.stored_outputs import WithoutOutputs

START = 1_700_000_100_000
RULES = """
groups:
- name: g
  interval: 1m
  immediate: true
  rules:
  - {alert: A, expr: 'm{host="a"} > 1 and on () n'}
  - {record: made, expr: m, labels: {level: host}}
"""


def source(**series: list[float]) -> FixedSource:
    """Series by key `metric_host`, sampled at these seconds after the start; the value is the second."""
    samples = {}
    for key, seconds in series.items():
        metric, host = key.split("_")
        times = START + (np.array(seconds) * 1000).astype(np.int64)
        samples[labels_from({NAME: metric, "host": host})] = (times, np.array(seconds, float))
    return FixedSource(samples)


def plan() -> GroupPlan:
    (draft,) = parse_rule_file(RULES, "rules")
    return plan_group(draft)


def came(found: Arrivals, held: Source, first: float, last: float) -> list[tuple[float, str]]:
    """Seconds after the start, and the series in short."""
    return [
        ((one.came_ms - START) / 1000, " ".join(sorted(f"{dict(key)[NAME]}_{dict(key)['host']}" for key in one.series)))
        for one in found.between(held, START + round(first * 1000), START + round(last * 1000))
    ]


def test_each_sample_that_a_rule_selects_arrives_at_its_own_time() -> None:
    held = source(m_a=[-5, 0, 7.5, 20, 61], n_x=[20, 30], m_b=[8], other_a=[9])
    # m_b is selected by the recording rule; other is selected by none, and what came before the start is over.
    assert came(Arrivals(plan()), held, 0, 60) == [
        (0, "m_a"), (7.5, "m_a"), (8, "m_b"), (20, "m_a n_x"), (30, "n_x"),
    ]  # fmt: skip


def test_a_staleness_marker_is_an_arrival() -> None:
    labels = labels_from({NAME: "m", "host": "a"})
    held = FixedSource({labels: (np.array([START + 1_000]), np.array([STALE]))})
    assert is_stale(held.select((), START, START).blocks[0].values).all()
    assert came(Arrivals(plan()), held, 0, 2) == [(1, "m_a")]


@pytest.mark.parametrize("length", [0.001, 0.999, 7, 10])
def test_it_does_not_matter_in_which_stretches_samples_are_looked_at(length: float) -> None:
    held = source(m_a=list(range(0, 50, 7)), n_x=list(range(0, 50, 11)), m_b=list(range(0, 50, 7)))
    found, pieces, first = Arrivals(plan()), list[tuple[float, str]](), 0.0
    while first <= 50 and (length > 0.01 or first < 0.05):
        pieces += came(found, held, first, min(first + length - 0.001, 50))
        first = round(first + length, 3)
    whole = came(Arrivals(plan()), held, 0, 50)
    assert pieces == (whole if length > 0.01 else whole[:1])


def test_what_another_group_makes_comes_when_it_is_made() -> None:
    found = Arrivals(plan())
    made = [Recorded(labels_from({NAME: name, "host": "a"}), START + 5_000, 1.0) for name in ("m", "other", "n")]
    found.note_made(made, 10_000)
    found.note_made(made[:1], 0)
    held = source(m_a=[5, 20])
    assert came(found, held, 0, 30) == [(5, "m_a"), (5, "m_a"), (15, "m_a n_a"), (20, "m_a")]
    assert came(found, held, 30, 60) == []


def test_the_series_that_arrived_are_seen_alone_and_as_the_source_has_them() -> None:
    held = source(m_a=[1, 2, 3], m_b=[1, 2, 3], m_c=[2.5], n_x=[1])
    labels = {host: labels_from({NAME: "m", "host": host}) for host in "abc"}
    matchers = (Matcher(NAME, "=", "m"),)
    alone = Alone(held, START + 10_000)
    asked: list[tuple[float, str]] = [(2, "a"), (2.5, "bc"), (3, "abc"), (1, "c"), (9, "")]
    for instant, hosts in asked:
        at = START + round(instant * 1000)
        seen = alone.arrive(at, [labels[host] for host in hosts]).select(matchers, at - 1_000, at)
        values = {
            dict(seen.series[row])["host"]: (block.times.tolist(), block.values[place].tolist())
            for block in seen.blocks
            for place, row in enumerate(block.rows.tolist())
        }
        whole: dict[str, list[float]] = {"a": [1, 2, 3], "b": [1, 2, 3], "c": [2.5]}
        expected = {host: [one for one in whole[host] if instant - 1 < one <= instant] for host in hosts}
        assert {host: [(one - START) / 1000 for one in times] for host, (times, _) in values.items()} == expected
        assert {host: found for host, (_, found) in values.items()} == expected


def tried(most: int | None) -> Backtest:
    return backtest([plan()], source(m_a=[1, 2, 3, 4]), START, START + 10_000, most_instants=most)


def test_too_many_are_refused_and_just_enough_are_not() -> None:
    assert tried(None).evaluations == tried(5).evaluations
    with pytest.raises(TooManyInstants, match="'g' would be evaluated more than 4 times"):
        tried(4)


def test_what_rules_made_live_is_seen_only_as_it_was_before_the_trial() -> None:
    (draft,) = parse_rule_file(RULES, "rules")
    times = np.array([START - 1_000, START, START + 1_000])
    values = np.array([1.0, 2.0, 3.0])
    series = {
        "made": {NAME: "made", "host": "a", "level": "host"},
        "another rule's": {NAME: "made", "host": "a", "level": "rack"},
        "its alert": {NAME: "ALERTS", "alertname": "A", "alertstate": "firing", "host": "a"},
        "another alert": {NAME: "ALERTS", "alertname": "B", "alertstate": "firing", "host": "a"},
        "from the world": {NAME: "m", "host": "a"},
    }
    held = FixedSource({labels_from(one): (times, values) for one in series.values()})
    seen = WithoutOutputs(held, outputs_of(draft.group(1, "me", 1)), START)
    found = seen.select((Matcher(NAME, "=~", ".+"),), START - 10_000, START + 10_000)
    left = {found.series[row]: block.values[place].tolist()
            for block in found.blocks for place, row in enumerate(block.rows.tolist())}  # fmt: skip
    assert {name: left[labels_from(one)] for name, one in series.items()} == {
        "made": [1.0],
        "another rule's": [1.0, 2.0, 3.0],
        "its alert": [1.0],
        "another alert": [1.0, 2.0, 3.0],
        "from the world": [1.0, 2.0, 3.0],
    }


def test_a_source_in_which_rules_made_nothing_is_passed_through() -> None:
    (draft,) = parse_rule_file(RULES, "rules")
    held = source(m_a=[1, 2])
    seen = WithoutOutputs(held, outputs_of(draft.group(1, "me", 1)), START)
    matchers = (Matcher(NAME, "=", "m"),)
    assert seen.select(matchers, START, START) is held.select(matchers, START, START)
