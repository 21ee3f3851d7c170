"""Rule groups as the API shows them, and when two have the same content."""

from typing import Any

from services.api.core.alerts import finite
from services.api.core.rule_bodies import (
    GroupDefinition,
    GroupDetailBody,
    GroupStatusBody,
    RuleBody,
    RuleGroupBody,
    RuleProblemBody,
    SmallRuleBody,
)
from shared.messages.message import content_id, instant_to_text
from shared.messages.rules import AlertingRule, GroupStatus, RecordingRule, RuleGroup
from shared.rules.small import SmallRule
from shared.rules.writing import group_as_file

BOOKKEEPING = {"version", "origin", "updated_by", "updated_at"}
# Alerting says how each group goes every half minute.
SILENT_MS = 120_000


def content_hash(group: RuleGroup) -> str:
    """The same for groups that are evaluated the same, whoever wrote them and when."""
    return content_id(canonical(group).model_dump_json(exclude=BOOKKEEPING))


def canonical(group: RuleGroup) -> RuleGroup:
    """The group with its mappings in one order, for the database keeps none: else a rule that comes back from there
    would look like another."""
    return group.model_copy(update={"rules": [_ordered(rule) for rule in group.rules]})


class NoSuchRule(LookupError):
    """The group has no such rule; the text says which and what there is."""


def promoted(group: RuleGroup, rule: str | None) -> RuleGroup:
    """The group with `shadow` off, for all its rules or those of that name. NoSuchRule."""
    if rule is not None and not any(isinstance(one, AlertingRule) and one.name == rule for one in group.rules):
        raise NoSuchRule(f"Group {group.name!r} has no alerting rule {rule!r}.")
    rules = [
        one.model_copy(update={"shadow": False}) if isinstance(one, AlertingRule) and rule in (None, one.name) else one
        for one in group.rules
    ]
    return group.model_copy(update={"rules": rules})


def group_body(group: RuleGroup, status: GroupStatus | None, now_ms: int) -> RuleGroupBody:
    """A group as the API shows it."""
    return RuleGroupBody(**_shown(group, status, now_ms))


def detail_body(
    group: RuleGroup, status: GroupStatus | None, now_ms: int, *, published: bool = True
) -> GroupDetailBody:
    """A group as the API shows it, with what is needed to change it."""
    return GroupDetailBody(**_shown(group, status, now_ms), definition=definition_of(group), published=published)


def definition_of(group: RuleGroup) -> GroupDefinition:
    """The group as a rule file has it."""
    return GroupDefinition.model_validate(group_as_file(group))


def status_body(group: RuleGroup, status: GroupStatus | None, now_ms: int) -> GroupStatusBody:
    """How the evaluation of a group goes, by alerting's last word about it."""
    if not group.enabled:
        return GroupStatusBody(state="disabled")
    if status is None:
        return GroupStatusBody(state="unknown", reason="alerting has not said anything about it yet")
    reason, state = status.reason, status.state
    unknown = None
    if status.version != group.version:
        unknown = f"alerting has not taken up version {group.version} yet; this is about version {status.version}"
    elif now_ms - status.told_at > SILENT_MS:
        unknown = f"alerting has said nothing about it since {instant_to_text(status.told_at)}"
    return GroupStatusBody(
        state=state if unknown is None else "unknown",
        reason=reason if unknown is None else unknown,
        version=status.version,
        last_instant=status.last_instant,
        evaluation_seconds=finite(status.evaluation_seconds),
        pending=status.pending,
        firing=status.firing,
        series=status.series,
        unknown_instants=status.unknown_instants,
        late_samples=status.late_samples,
        reads=status.reads,
        problems=[RuleProblemBody(place=one.place, rule=one.rule, reason=one.reason) for one in status.problems],
        problem_count=status.problem_count,
        told_at=status.told_at,
        worker=status.worker,
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
        shadow=rule.shadow,
        updated_by=group.updated_by,
        updated_at=group.updated_at,
        published=published,
    )


def _shown(group: RuleGroup, status: GroupStatus | None, now_ms: int) -> dict[str, Any]:
    told = status_body(group, status, now_ms)
    # What was wrong with another version says nothing about the rules of this one.
    problems = {one.place: one.reason for one in told.problems} if told.version == group.version else {}
    return {
        "name": group.name,
        "version": group.version,
        "origin": group.origin,
        "immediate": group.immediate,
        "enabled": group.enabled,
        "interval_seconds": None if group.interval_ms is None else group.interval_ms / 1000,
        "query_offset_seconds": group.query_offset_ms / 1000,
        "limit": group.limit,
        "updated_by": group.updated_by,
        "updated_at": group.updated_at,
        "rules": [_rule_body(rule, problems.get(place)) for place, rule in enumerate(group.rules)],
        "status": told,
    }


def _rule_body(rule: AlertingRule | RecordingRule, problem: str | None) -> RuleBody:
    if isinstance(rule, RecordingRule):
        return RuleBody(kind="record", name=rule.name, expr=rule.expr, labels=rule.labels, problem=problem)
    return RuleBody(
        kind="alert",
        name=rule.name,
        expr=rule.expr,
        for_seconds=rule.for_ms / 1000,
        keep_firing_for_seconds=rule.keep_firing_for_ms / 1000,
        severity=rule.severity,
        message=rule.message,
        cooldown=rule.cooldown_ms,
        shadow=rule.shadow,
        labels=rule.labels,
        annotations=rule.annotations,
        problem=problem,
    )


def _ordered(rule: AlertingRule | RecordingRule) -> AlertingRule | RecordingRule:
    labels = dict(sorted(rule.labels.items()))
    if isinstance(rule, RecordingRule):
        return rule.model_copy(update={"labels": labels})
    return rule.model_copy(update={"labels": labels, "annotations": dict(sorted(rule.annotations.items()))})
