"""Rule groups as the API shows them, and when two have the same content."""

from services.api.core.bodies import RuleBody, RuleGroupBody, SmallRuleBody
from shared.messages.message import content_id
from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup
from shared.rules.small import SmallRule

BOOKKEEPING = {"version", "origin", "updated_by", "updated_at"}


def content_hash(group: RuleGroup) -> str:
    """The same for groups that are evaluated the same, whoever wrote them and when."""
    return content_id(group.model_dump_json(exclude=BOOKKEEPING))


def group_body(group: RuleGroup) -> RuleGroupBody:
    """A group as the API shows it."""
    return RuleGroupBody(
        name=group.name,
        version=group.version,
        origin=group.origin,
        immediate=group.immediate,
        enabled=group.enabled,
        interval_seconds=None if group.interval_ms is None else group.interval_ms / 1000,
        updated_by=group.updated_by,
        updated_at=group.updated_at,
        rules=[_rule_body(rule) for rule in group.rules],
    )


def small_body(rule: SmallRule, group: RuleGroup, *, published: bool) -> SmallRuleBody:
    """The answer to whoever posted `rule`, which `group` now holds."""
    return SmallRuleBody(
        name=rule.name,
        group=group.name,
        version=group.version,
        condition=rule.condition,
        expr=group.rules[0].expr,
        severity=rule.severity,
        message=rule.message,
        cooldown=rule.cooldown,
        immediate=group.immediate,
        updated_by=group.updated_by,
        updated_at=group.updated_at,
        published=published,
    )


def _rule_body(rule: AlertingRule | RecordingRule) -> RuleBody:
    if isinstance(rule, RecordingRule):
        return RuleBody(kind="record", name=rule.name, expr=rule.expr, labels=rule.labels)
    return RuleBody(
        kind="alert",
        name=rule.name,
        expr=rule.expr,
        for_seconds=rule.for_ms / 1000,
        severity=rule.severity,
        message=rule.message,
        cooldown=rule.cooldown_ms,
        labels=rule.labels,
        annotations=rule.annotations,
    )
