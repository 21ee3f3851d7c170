"""The specification's small rules."""

import pytest
from pydantic import ValidationError

from shared.messages.rules import AlertingRule
from shared.rules.conditions import rewrite
from shared.rules.errors import BadRule
from shared.rules.small import SmallRule, small_group

GOOD = {"name": "custom", "condition": "custom_metric > 100", "severity": "warning", "message": "Too many"}


@pytest.mark.parametrize(
    ("condition", "expr"),
    [
        ('database.status == "unhealthy"', 'health_check_status{service="database",status="unhealthy"} == 1'),
        ("  mikrotik.status=='degraded' ", 'health_check_status{service="mikrotik",status="degraded"} == 1'),
        ('disk_space.status != "healthy"', 'health_check_status{service="disk_space",status="healthy"} == 0'),
        ("cpu_usage > 80", "cpu_usage > 80"),
        ('m{host="web.example"} > 1.5', 'm{host="web.example"} > 1.5'),
    ],
)
def test_conditions_become_promql(condition: str, expr: str) -> None:
    assert rewrite(condition) == expr


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ('database.status == "broken"', "none of healthy"),
        ('database.state == "unhealthy"', "database.state"),
        ('database.status == "unhealthy" and cpu > 1', "database.status"),
        ("a.b > 1", "a.b"),
    ],
)
def test_other_dotted_conditions_are_refused(condition: str, named: str) -> None:
    with pytest.raises(BadRule, match=named):
        rewrite(condition)


def test_a_small_rule_is_a_group_of_its_own_evaluated_on_arrival() -> None:
    rule = SmallRule.model_validate(GOOD | {"cooldown": 300000, "immediate": True, "threshold": 100})
    group = small_group(rule, version=3, updated_by="admin", updated_at_ms=1_700_000_000_000)
    assert (group.name, group.immediate, group.version, group.origin) == ("custom", True, 3, "api")
    assert [(one.name, one.expr) for one in group.rules] == [("custom", "custom_metric > 100")]
    assert group.rules[0].kind == "alert"
    assert group.rules[0].cooldown_ms == 300_000


@pytest.mark.parametrize(
    "change",
    [
        {"condition": "custom_metric > 100", "threshold": 100, "metric": "custom_metric"},
        {"condition": "-5 >= custom_metric", "threshold": -5, "metric": "custom_metric"},
        {"condition": "rate(errors_total[5m]) > 1", "threshold": 1, "metric": "errors_total"},
        {"condition": "sum(a) / sum(a offset 1h) > 2", "threshold": 2, "metric": "a"},
        {"condition": "absent(heartbeat)", "metric": "heartbeat"},
        {"condition": "vector(time() % 3600) < 60", "threshold": 60},
    ],
)
def test_any_condition_that_the_engine_takes(change: dict[str, object]) -> None:
    (rule,) = small_group(SmallRule.model_validate(GOOD | change), 1, "admin", 0).rules
    assert rule.expr == change["condition"]


def test_a_small_rule_may_be_tried_without_telling_anybody() -> None:
    (rule,) = small_group(SmallRule.model_validate(GOOD | {"shadow": True}), 1, "admin", 0).rules
    assert isinstance(rule, AlertingRule)
    assert rule.shadow


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"condition": "custom_metric >"}, "not PromQL"),
        ({"condition": "rate(a[5m])[5m:1m]"}, "gives a matrix"),
        ({"condition": "'text'"}, "gives a string"),
        ({"threshold": 80}, "threshold is 80"),
        ({"condition": "a > b", "threshold": 80}, "not a comparison with a number"),
        ({"condition": "sum(a > 80)", "threshold": 80}, "not a comparison with a number"),
        ({"condition": "80 < bool 90", "threshold": 80}, "not a comparison with a number"),
        ({"metric": "other"}, "metric is 'other'"),
        ({"condition": "a / b > 100", "metric": "a"}, "exactly one metric"),
        ({"condition": '{job="a"} > 100', "metric": "a"}, "exactly one metric"),
        ({"name": "a\nb"}, "printable"),
    ],
)
def test_a_bad_small_rule_says_what_and_where(change: dict[str, object], named: str) -> None:
    with pytest.raises(BadRule, match=named):
        small_group(SmallRule.model_validate(GOOD | change), 1, "admin", 0)


@pytest.mark.parametrize(
    "change", [{"severity": "page"}, {"cooldown": -1}, {"unknown": 1}, {"name": ""}, {"message": None}]
)
def test_unknown_fields_and_bad_values_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SmallRule.model_validate(GOOD | change)
