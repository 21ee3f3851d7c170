"""When immediate groups are evaluated on history, and what of history their trial must not see."""

import numpy as np
import pytest

from shared.messages.samples import STALE
from shared.messages.series import NAME
from shared.promql.matching import Matcher
from shared.promql.series_sets import Ints, labels_from
from shared.promql.source import FixedSource, is_stale
from shared.rules import arrivals as module
from shared.rules.arrivals import TooManyInstants, arrivals
from shared.rules.dependencies import outputs_of
from shared.rules.files import parse_rule_file
from shared.rules.plan import GroupPlan, plan_group
from shared.rules.stored_outputs import WithoutOutputs

START = 1_700_000_100_000
RULES = """
groups:
- name: g
  interval: 1m
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


def seconds(instants: Ints) -> list[float]:
    return [one / 1000 for one in (instants - START).tolist()]


def test_a_group_is_evaluated_on_its_grid_and_on_each_sample_that_it_selects() -> None:
    held = source(m_a=[-5, 0, 7.5, 20, 61], n_x=[20, 30], m_b=[8], other_a=[9])
    found = seconds(arrivals(plan(), held, START, START + 61_000, 100))
    # m_b is selected by the recording rule; other is selected by none, and what came before the start is over.
    assert found == [0, 7.5, 8, 20, 30, 60, 61]


def test_a_staleness_marker_is_an_arrival() -> None:
    labels = labels_from({NAME: "m", "host": "a"})
    held = FixedSource({labels: (np.array([START + 1_000]), np.array([STALE]))})
    assert is_stale(held.select((), START, START).blocks[0].values).all()
    assert 1.0 in seconds(arrivals(plan(), held, START, START + 2_000, 100))


def test_it_does_not_matter_in_which_stretches_samples_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    held = source(m_a=list(range(0, 200, 7)), n_x=list(range(0, 200, 11)))
    whole = seconds(arrivals(plan(), held, START, START + 200_000, 1_000))
    for length in (1, 999, 7_000, 10_000):
        monkeypatch.setattr(module, "STRETCH_MS", length)
        assert seconds(arrivals(plan(), held, START, START + 200_000, 1_000)) == whole


def test_too_many_are_refused_and_just_enough_are_not() -> None:
    held = source(m_a=[1, 2, 3, 4])
    count = len(arrivals(plan(), held, START, START + 10_000, 100))
    assert len(arrivals(plan(), held, START, START + 10_000, count)) == count
    with pytest.raises(TooManyInstants, match=f"'g' would be evaluated more than {count - 1} times"):
        arrivals(plan(), held, START, START + 10_000, count - 1)


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
