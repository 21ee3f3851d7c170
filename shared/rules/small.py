"""The specification's small rules, as `POST /api/monitoring/alerts/rules` takes them."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.messages.alerts import Severity
from shared.messages.rules import AlertingRule, RuleGroup
from shared.rules.conditions import check_expression, check_name, check_rule, metric_of, rewrite, threshold_of
from shared.rules.errors import BadRule

LONGEST_COOLDOWN_MS = 366 * 24 * 3_600_000


class SmallRule(BaseModel):
    """`{name, condition, severity, message, cooldown?, immediate?}`, its `threshold` and `metric`, and our `shadow`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    condition: Annotated[str, Field(min_length=1, max_length=8_192)]
    """PromQL, or `NAME.status == "STATE"`."""
    severity: Severity
    message: Annotated[str, Field(max_length=4_096)]
    cooldown: Annotated[int, Field(ge=0, le=LONGEST_COOLDOWN_MS)] = 0
    """Milliseconds; an alert that fires again within it is sent at its end, if it still fires."""
    immediate: bool = False
    """Accepted as the specification has it; small rules are evaluated on arrival in any case."""
    shadow: bool = False
    """Evaluated and kept, never sent, until it is promoted."""
    threshold: float | None = None
    """If given, the number that the condition, as a whole, compares with."""
    metric: str | None = None
    """If given, the one metric that the condition is about."""


def alerting_rule(rule: SmallRule, place: str = "rule") -> AlertingRule:
    """The rule in the form that alerting evaluates. BadRule, naming `place`, if it can't be taken."""
    try:
        expr = rewrite(rule.condition)
    except BadRule as error:
        raise BadRule(f"{place}: {error}") from error
    query = check_expression(expr, f"{place}: condition")
    _check_stated(rule, threshold_of(query), metric_of(query), place)
    alerting = AlertingRule(
        name=rule.name,
        expr=expr,
        labels={"severity": rule.severity},
        severity=rule.severity,
        message=rule.message,
        cooldown_ms=rule.cooldown,
        shadow=rule.shadow,
    )
    check_rule(alerting, place)
    return alerting


def small_group(
    rule: SmallRule, version: int, updated_by: str, updated_at_ms: int, origin: Literal["file", "api"] = "api"
) -> RuleGroup:
    """The group of this one rule, named after it and evaluated on arrival. BadRule if the rule can't be taken."""
    check_name(rule.name, "rule: name")
    return RuleGroup(
        name=rule.name,
        rules=[alerting_rule(rule)],
        immediate=True,
        version=version,
        origin=origin,
        updated_by=updated_by,
        updated_at=updated_at_ms,
    )


def _check_stated(rule: SmallRule, threshold: float | None, metric: str | None, place: str) -> None:
    """BadRule where what the rule says beside its condition is not in the condition: one of both is a mistake."""
    if rule.threshold is not None and threshold is None:
        raise BadRule(f"{place}: threshold: the condition is not a comparison with a number: leave it out")
    if rule.threshold is not None and threshold is not None and not _same(rule.threshold, threshold):
        raise BadRule(f"{place}: threshold is {rule.threshold:g}, but the condition compares with {threshold:g}")
    if rule.metric is not None and metric is None:
        raise BadRule(f"{place}: metric: the condition does not name exactly one metric: leave it out")
    if rule.metric is not None and rule.metric != metric:
        raise BadRule(f"{place}: metric is {rule.metric[:80]!r}, but the condition is about {metric!r}")


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
