"""The specification's small rules, as `POST /api/monitoring/alerts/rules` takes them."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.messages.alerts import Severity
from shared.messages.rules import AlertingRule, RuleGroup
from shared.rules.conditions import check_comparison, check_name, check_rule, rewrite
from shared.rules.errors import BadRule

LONGEST_COOLDOWN_MS = 366 * 24 * 3_600_000


class SmallRule(BaseModel):
    """`{name, condition, severity, message, cooldown?, immediate?}`; also its `threshold` and `metric`."""

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
    threshold: float | None = None
    """If given, the number in the condition."""
    metric: str | None = None
    """If given, the metric in the condition."""


def alerting_rule(rule: SmallRule, place: str = "rule") -> AlertingRule:
    """The rule in the form that alerting evaluates. BadRule, naming `place`, if it can't be taken."""
    try:
        expr = rewrite(rule.condition)
    except BadRule as error:
        raise BadRule(f"{place}: {error}") from error
    query = check_comparison(expr, f"{place}: condition")
    if rule.threshold is not None and not _same(rule.threshold, query.number):
        raise BadRule(f"{place}: threshold is {rule.threshold:g}, but the condition compares with {query.number:g}")
    if rule.metric is not None and rule.metric != query.selector.metric:
        raise BadRule(f"{place}: metric is {rule.metric[:80]!r}, but the condition is about {query.selector.metric!r}")
    alerting = AlertingRule(
        name=rule.name,
        expr=expr,
        labels={"severity": rule.severity},
        severity=rule.severity,
        message=rule.message,
        cooldown_ms=rule.cooldown,
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


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
