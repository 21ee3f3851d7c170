"""Tests of rules as promtool carries them out: when rules are evaluated, what is seen, and how answers are compared."""

from textwrap import indent

import pytest

from shared.rules.errors import BadRule
from shared.rules.files import parse_rule_file
from shared.rules.testing.files import parse_test_file
from shared.rules.testing.notation import read_duration, read_labels, read_values
from shared.rules.testing.run import run_test

RULES = """
groups:
- name: alerts
  rules:
  - alert: Down
    expr: up == 0
    for: 5m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.instance }} of {{ $externalLabels.site }}, {{ externalURL }}'}
  - {alert: Always, expr: 1}
- name: records
  rules:
  - {record: 'job:m:count', expr: 'sum without (instance) (count_over_time(m[1m]))'}
  - {record: points, expr: 'count_over_time(up[5m:])'}
"""


def problems(test: str, head: str = "", rules: str = RULES) -> list[str]:
    file = parse_test_file(f"{head}\ntests:\n- {indent(test.strip(), '  ').strip()}\n", "t.yaml")
    groups = parse_rule_file(rules, "r.yaml")
    return [problem for one in file.tests for problem in run_test(one, file, groups)]


def test_alerts_by_their_time_with_what_the_test_says_of_the_installation() -> None:
    assert not problems("""
interval: 1m
external_labels: {site: jkt}
external_url: http://pantau.example
input_series: [{series: 'up{job="x", instance="i:1"}', values: 0x600}]
promql_expr_test:
- expr: count(ALERTS) by (alertname, alertstate)
  eval_time: 4m
  exp_samples:
  - {labels: '{alertname="Always",alertstate="firing"}', value: 1}
  - {labels: '{alertname="Down",alertstate="pending"}', value: 1}
- expr: ALERTS_FOR_STATE{alertname="Down"}
  eval_time: 10m
  exp_samples: [{labels: 'ALERTS_FOR_STATE{alertname="Down",instance="i:1",job="x",severity="page"}', value: 0}]
alert_rule_test:
- {eval_time: 0, alertname: Always, exp_alerts: [{}]}
- {eval_time: 4m59s, alertname: Down, exp_alerts: []}
- eval_time: 10h
  alertname: Down
  exp_alerts:
  - exp_labels: {severity: page, instance: 'i:1', job: x}
    exp_annotations: {summary: 'i:1 of jkt, http://pantau.example'}
""")


def test_rules_are_evaluated_at_the_evaluation_interval_whatever_the_series_interval() -> None:
    assert not problems("""
interval: 1s
input_series: [{series: 'm{job="x", instance="i"}', values: 0+1x120}]
promql_expr_test:
- {expr: 'job:m:count', eval_time: 0m, exp_samples: [{labels: 'job:m:count{job="x"}', value: 1}]}
- {expr: 'timestamp(job:m:count)', eval_time: 59s, exp_samples: [{labels: '{job="x"}', value: 0}]}
- {expr: 'job:m:count', eval_time: 1m, exp_samples: [{labels: 'job:m:count{job="x"}', value: 60}]}
- {expr: 'timestamp(job:m:count)', eval_time: 119s, exp_samples: [{labels: '{job="x"}', value: 60}]}
""")


def test_samples_are_loaded_up_to_the_last_evaluation() -> None:
    test = "interval: 1s\ninput_series: [{series: m, values: 0+1x120}]\npromql_expr_test:\n"
    case = "- {expr: m, eval_time: 90s, exp_samples: [{labels: m, value: %d}]}"
    assert not problems(test + case % 60)
    assert not problems(test + case % 90, "evaluation_interval: 30s")


def test_subqueries_without_a_step_take_the_evaluation_interval() -> None:
    test = "input_series: [{series: up, values: 0x20}]\npromql_expr_test:\n- {expr: points, eval_time: 5m,"
    assert not problems(test + " exp_samples: [{labels: points, value: 5}]}")
    assert not problems(test + " exp_samples: [{labels: points, value: 20}]}", "evaluation_interval: 15s")


def test_groups_are_evaluated_in_the_order_that_the_file_says() -> None:
    rules = "groups: [{name: a, rules: [{record: x, expr: y}]}, {name: b, rules: [{record: y, expr: '1'}]}]"
    test = "promql_expr_test: [{expr: x, eval_time: 0, exp_samples: %s}]"
    assert not problems(test % "[]", rules=rules)
    assert not problems(test % "[{labels: x, value: 1}]", "group_eval_order: [b, a]", rules)


@pytest.mark.parametrize("start", ["1700000000", "2023-11-14T22:13:20Z"])
def test_time_may_start_elsewhere(start: str) -> None:
    assert not problems(f"""
start_timestamp: {start}
input_series: [{{series: m, values: 1 2}}]
promql_expr_test: [{{expr: timestamp(m), eval_time: 1m, exp_samples: [{{value: 1700000060}}]}}]
""")


@pytest.mark.parametrize(
    ("value", "head", "passes"),
    [
        ("0.3", "", False),
        ("0.3", "fuzzy_compare: true", True),
        ("0.300001", "fuzzy_compare: true", False),
        ("0.30000000000000004", "", True),
    ],
)
def test_numbers_are_equal_or_neighbours_where_the_file_says_so(value: str, head: str, passes: bool) -> None:
    test = (
        f"promql_expr_test: [{{expr: vector(0.1 + 0.2), eval_time: 0, exp_samples: [{{labels: '', value: {value}}}]}}]"
    )
    assert bool(problems(test, head)) is not passes


def test_not_a_number_is_equal_to_itself_and_an_error_is_told() -> None:
    assert not problems("promql_expr_test: [{expr: vector(NaN), eval_time: 0, exp_samples: [{value: NaN}]}]")
    assert not problems("promql_expr_test: [{expr: vector(Inf), eval_time: 0, exp_samples: [{value: +Inf}]}]")
    (told,) = problems("promql_expr_test: [{expr: 'm +', eval_time: 0, exp_samples: []}]")
    assert "err: 'm +' is not PromQL" in told


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 -2 3.5e1", [1, -2, 35]),
        ("1+2x2 5-1x2 7x1", [1, 3, 5, 5, 4, 3, 7, 7]),
        ("_ 1 _x2", [None, 1, None, None]),
        ("-1-1x1 0x10", [-1, -2, *[0] * 11]),
    ],
)
def test_values_are_read_as_promtool_does(text: str, values: list[float | None]) -> None:
    assert read_values(text) == values


def test_endless_values_and_wrong_series_are_refused() -> None:
    for text in ("1x99999999", "1x999999 1x999999"):
        with pytest.raises(BadRule, match="more than"):
            read_values(text)
    for text in ("m offset 5m", 'm{a=~"b"}', "sum(m)"):
        with pytest.raises(BadRule, match="is not a series"):
            read_labels(text)
    assert read_duration("106700d") == 106_700 * 86_400_000
    with pytest.raises(BadRule, match="longer"):
        read_duration("300y")
