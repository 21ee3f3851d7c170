"""What is written of a group is read again as the same group."""

import json
from pathlib import Path

import pytest
import yaml

from shared.messages.rules import AlertingRule
from shared.rules.files import GroupDraft, parse_rule_file, read_group
from shared.rules.json_tree import read_json_tree
from shared.rules.small import SmallRule, small_group
from shared.rules.writing import group_as_file

DEFAULT = Path(__file__).parents[3] / "infra" / "rules" / "default.yaml"

EVERYTHING = """
groups:
- name: a / b
  interval: 1m30s
  query_offset: 500ms
  limit: 7
  immediate: true
  labels: {team: sre, tier: 1}
  rules:
  - record: job:x:sum
    expr: |
      sum by (job) (x)
  - {alert: Plain, expr: x > 1}
  - alert: Full
    expr: x{a="b"} > 0.5
    for: 5m
    keep_firing_for: 1d
    severity: critical
    message: "{{ $labels.job }}: \\"high\\""
    labels: {a: b, empty: ''}
    annotations: {summary: s, description: d}
    cooldown: 10m
    shadow: true
  - {alert: Own, expr: x > 1, severity: critical, labels: {severity: page}}
  - {alert: OwnWarning, expr: x > 1, severity: warning, labels: {severity: page}}
  - {alert: OwnOther, expr: x > 1, severity: warning, labels: {severity: critical}}
  - {alert: Label, expr: x > 1, labels: {severity: info}}
  - {alert: Strange, expr: x > 1, labels: {severity: page}}
  - {alert: Described, expr: x > 1, annotations: {description: what it is}}
"""


@pytest.mark.parametrize("text", [EVERYTHING, DEFAULT.read_text(encoding="utf-8")], ids=["everything", "default"])
def test_what_is_written_is_read_as_the_same(text: str) -> None:
    for draft in parse_rule_file(text, "f"):
        group = draft.group(3, "someone", 5, "api")
        written = group_as_file(group)
        again = read_group(read_json_tree(json.dumps(written), "body"), "body")
        assert again.group(3, "someone", 5, "api") == group
        (from_yaml,) = parse_rule_file(yaml.safe_dump({"groups": [written]}, sort_keys=False), "f")
        assert from_yaml == again


def test_nothing_is_written_that_goes_without_saying() -> None:
    (draft,) = parse_rule_file("groups: [{name: g, rules: [{alert: A, expr: m > 1}]}]", "f")
    assert group_as_file(draft.group(1, "a", 1)) == {"name": "g", "rules": [{"alert": "A", "expr": "m > 1"}]}


def test_a_small_rule_is_written_as_a_group() -> None:
    rule = SmallRule(name="full", condition="disk > 90", severity="critical", message="Full", cooldown=60_000)
    group = small_group(rule, 1, "a", 1)
    written = group_as_file(group)
    assert written["rules"] == [
        {"alert": "full", "expr": "disk > 90", "severity": "critical", "message": "Full", "cooldown": "1m"}
    ]
    again: GroupDraft = read_group(read_json_tree(json.dumps(written), "body"), "body")
    assert again.same_as(group)
    assert isinstance(again.rules[0], AlertingRule)
