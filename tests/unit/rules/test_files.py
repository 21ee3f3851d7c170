"""Rule files: Prometheus' form, our fields, and errors that name file and line."""

from pathlib import Path

import pytest

from shared.messages.rules import AlertingRule, RecordingRule
from shared.rules.errors import BadRule
from shared.rules.files import parse_rule_file, read_group, read_rules
from shared.rules.json_tree import read_json_tree

DEFAULT = Path(__file__).parents[3] / "infra" / "rules" / "default.yaml"


def test_a_prometheus_file_loads_with_our_fields() -> None:
    (group,) = parse_rule_file(
        """
groups:
- name: web
  interval: 30s
  query_offset: 1m
  limit: 10
  labels: {team: sre}
  immediate: true
  rules:
  - alert: Slow
    expr: latency_seconds > 2
    for: 5m
    keep_firing_for: 1h30m
    labels: {severity: critical, tier: 1}
    annotations: {summary: It is slow}
    cooldown: 10m
    shadow: true
""",
        "web.yaml",
    )
    (rule,) = group.rules
    assert isinstance(rule, AlertingRule)
    assert (group.interval_ms, group.query_offset_ms, group.limit, group.immediate) == (30_000, 60_000, 10, True)
    assert (rule.for_ms, rule.keep_firing_for_ms, rule.cooldown_ms) == (300_000, 5_400_000, 600_000)
    assert rule.labels == {"team": "sre", "severity": "critical", "tier": "1"}
    assert (rule.severity, rule.message, rule.shadow) == ("critical", "It is slow", True)


def test_small_rules_in_a_file_become_groups_of_their_own() -> None:
    (group,) = parse_rule_file(
        "rules:\n- {name: full, condition: disk_usage > 90, severity: critical, message: Full, cooldown: 10m}", "r.yaml"
    )
    (rule,) = group.rules
    assert isinstance(rule, AlertingRule)
    assert (group.name, group.immediate, rule.cooldown_ms) == ("full", True, 600_000)


def test_a_draft_knows_whether_a_group_holds_just_this() -> None:
    text = "groups: [{name: g, rules: [{alert: A, expr: m > %d}]}]"
    (draft,), (other,) = parse_rule_file(text % 1, "f"), parse_rule_file(text % 2, "f")
    stored = draft.group(7, "someone", 1_700_000_000_000).model_copy(update={"enabled": False})
    assert draft.same_as(stored)
    assert not other.same_as(stored)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("groups: [", 1, "not YAML"),
        ("groups: 5", 1, "is a list"),
        ("other: []", 1, "unknown field 'other'"),
        ("groups:\n- rules: []", 2, "needs a name"),
        ("groups:\n- name: a\n- name: a", 3, "already at f.yaml:2"),
        ("groups:\n- name: a\n  interval: 5", 3, "not a duration"),
        ("groups:\n- name: a\n  limit: -1", 3, "from 0 up"),
        ("groups:\n- name: a\n  rules:\n  - alert: x\n    expr: m >\n", 4, "not PromQL"),
        ("groups:\n- name: a\n  rules:\n  - alert: x\n    expr: rate(m) > 1\n", 4, "not PromQL"),
        ("groups:\n- name: a\n  rules:\n  - alert: x\n    expr: m[5m]\n", 4, "gives a matrix"),
        (
            "groups:\n- name: a\n  rules:\n  - alert: x\n    expr: m\n    annotations: {s: '{{ x }}'}",
            4,
            "'x' not defined",
        ),
        ("groups:\n- name: a\n  rules:\n  - alert: x", 4, "needs 'alert' and 'expr'"),
        ("groups:\n- name: a\n  rules:\n  - record: x y\n    expr: m > 1", 4, "not a metric name"),
        ("groups:\n- name: a\n  rules:\n  - record: x\n    expr: m > 1\n    for: 5m", 6, "unknown field 'for'"),
        ("groups:\n- name: a\n  rules:\n  - record: x", 4, "needs 'record' and 'expr'"),
        ("groups:\n- name: a\n  rules:\n  - alert: x\n    expr: m > 1\n    fro: 5m", 6, "unknown field 'fro'"),
        ("groups:\n- name: a\n  rules:\n  - alert: x\n    expr: m > 1\n    labels: {a-b: c}", 4, "can't be a label"),
        ("groups:\n- name: a\n  rules:\n  - alert: x\n    expr: m > 1\n    severity: page", 6, "none of info"),
        ("groups:\n- name: a\n  rules:\n  - alert: x\n    expr: m > 1\n    expr: m > 2", 6, "given twice"),
        ("rules:\n- {name: x, condition: m > 1, severity: info, message: m, cooldown: 300000}", 2, "not a duration"),
        ("rules:\n- {name: x, condition: a.b > 1, severity: info, message: m}", 2, "a.b"),
        ("rules: &a\n- *a", 1, "without end"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadRule, match=rf"^f\.yaml:{line}: ") as refused:
        parse_rule_file(text, "f.yaml")
    assert reason in str(refused.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(BadRule) as refused:
        parse_rule_file("groups:\n- name: a\n  limit: x\n  interval: y\n- foo: 1", "f.yaml")
    assert len(str(refused.value).splitlines()) == 4


def test_an_empty_file_holds_no_groups() -> None:
    assert parse_rule_file("", "f.yaml") == []
    assert parse_rule_file("# nothing\n", "f.yaml") == []


def test_the_default_rules_are_the_specifications_six() -> None:
    groups = parse_rule_file(DEFAULT.read_text(), "default.yaml")
    rules = {rule.name: rule for group in groups for rule in group.rules if isinstance(rule, AlertingRule)}
    assert {name: (rule.severity, rule.cooldown_ms) for name, rule in rules.items()} == {
        "high_cpu_usage": ("warning", 300_000),
        "database_connection_failed": ("critical", 60_000),
        "mikrotik_api_down": ("critical", 60_000),
        "low_disk_space": ("critical", 600_000),
        "slow_api_response": ("warning", 600_000),
        "whatsapp_queue_full": ("warning", 300_000),
    }
    assert [group.name for group in groups if group.immediate] == ["services"]


def test_recording_rules_load_with_the_groups_labels() -> None:
    (group,) = parse_rule_file(
        "groups: [{name: g, labels: {a: b}, rules: [{record: 'job:up:sum', expr: sum by (job) (up), labels: {c: d}}]}]",
        "f",
    )
    assert group.rules == (RecordingRule(name="job:up:sum", expr="sum by (job) (up)", labels={"a": "b", "c": "d"}),)


def test_our_severity_is_a_label_of_the_alert_unless_the_rule_has_one() -> None:
    text = "groups: [{name: g, rules: [{alert: A, expr: m, severity: critical%s}]}]"
    (plain,), (own,) = parse_rule_file(text % "", "f"), parse_rule_file(text % ", labels: {severity: page}", "f")
    assert plain.rules[0].labels == {"severity": "critical"}
    assert own.rules[0].labels == {"severity": "page"}


# Each mapping merges the one before ten times: a thousand million pairs.
BOMB = "a: &a {k: 1}\n" + "".join(
    f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}' if n else '*a'] * 10)}]}}\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('groups:\n- name: a\n  rules:\n  - {alert: x, expr: m, message: "a\\0b"}', 4, "NUL"),
        ('groups:\n- name: "a\\ud800"', 2, "surrogate"),
        ('groups:\n- "na\\0me": a', 2, "NUL"),
        ("groups:\n- name: 2026-13-45", 2, "not YAML"),
        ("[" * 5_000, 1, "nested too deeply"),
        ("groups:\n- &a\n  <<: *a", 2, "without end"),
        (BOMB, 2, "without end"),
        ("groups:\n- name: a\n  limit: 99999999999", 3, "from 0 up"),
        ("groups:\n- name: a\n  rules:\n" + "  - {record: r, expr: m}\n" * 10_001, 2, "at most 10000"),
    ],
)
def test_what_could_not_be_kept_or_would_never_end_is_refused(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadRule) as refused:
        parse_rule_file(text, "f.yaml")
    place, told = refused.value.problems[0]
    assert reason in told
    assert place == f"f.yaml:{line}" or "without end" in told


def test_merged_mappings_are_read_as_before() -> None:
    text = "groups:\n- name: g\n  rules:\n  - &a {alert: A, expr: m > 1, severity: info}\n  - {<<: *a, alert: B}\n"
    (group,) = parse_rule_file(text, "f.yaml")
    assert [(one.name, one.expr) for one in group.rules] == [("A", "m > 1"), ("B", "m > 1")]


def test_json_is_read_by_the_same_rules_and_told_by_path() -> None:
    rule = '{"alert":"A","expr":"m > 1","labels":{"t":1.50},"shadow":true}'
    text = f'{{"groups":[{{"name":"g","interval":"30s","limit":5,"rules":[{rule}]}}]}}'
    assert read_rules(read_json_tree(text, "body"), "body") == parse_rule_file(text, "f")
    with pytest.raises(BadRule) as refused:
        read_rules(
            read_json_tree('{"groups":[{"name":"g","interval":5},{"name":"h","rules":[{"alert":"A"},{}]}]}', "body"),
            "body",
        )
    assert [place for place, _ in refused.value.problems] == [
        "body.groups[0].interval",
        "body.groups[1].rules[0]",
        "body.groups[1].rules[1]",
    ]


def test_null_is_the_same_as_nothing() -> None:
    """Programs often write all fields of a kind."""
    rules = '{"alert":null,"record":"r","expr":"m","for":null},{"alert":"A","record":null,"expr":"m","severity":null}'
    text = f'{{"name":"g","interval":null,"labels":null,"limit":null,"immediate":null,"rules":[{rules}]}}'
    draft = read_group(read_json_tree(text, "body"), "body")
    assert draft == read_group(
        read_json_tree('{"name":"g","rules":[{"record":"r","expr":"m"},{"alert":"A","expr":"m"}]}', ""), ""
    )


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ('{"name":"g","name":"h"}', "body.name", "given twice"),
        ('{"name":"a\\u0000b"}', "body.name", "NUL"),
        ('{"name":"\\ud83d"}', "body.name", "surrogate"),
        ('{"name":"g","limit":1e9999}', "body.limit", "from 0 up"),
        ('{"name":"g","limit":' + "9" * 6_000 + "}", "body.limit", "from 0 up"),
        ('{"name":"g","immediate":"yes"}', "body.immediate", "true or false"),
        ('{"name":"g","rules":{}}', "body.rules", "is a list"),
        ("[]", "body", "a group is a mapping"),
        ('{"name":', "body, line 1, column 9", "not JSON"),
        ("[" * 100_000, "body", "nested too deeply"),
    ],
)
def test_bad_json_is_told_by_path(text: str, place: str, reason: str) -> None:
    with pytest.raises(BadRule) as refused:
        read_group(read_json_tree(text, "body"), "body")
    where, told = refused.value.problems[0]
    assert where == place
    assert reason in told
