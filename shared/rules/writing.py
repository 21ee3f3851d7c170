"""Rule groups written as rule files have them: what `read_group` reads again as the same group."""

from typing import Any

from shared.messages.alerts import SEVERITIES
from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup
from shared.promql.durations import duration_text


def group_as_file(group: RuleGroup) -> dict[str, Any]:
    """The group as a rule file has it, without what goes without saying."""
    fields = {
        "name": group.name,
        "interval": _duration(group.interval_ms or 0),
        "query_offset": _duration(group.query_offset_ms),
        "limit": group.limit,
        "immediate": group.immediate,
    }
    return _said(fields) | {"rules": [_rule(rule) for rule in group.rules]}


def _rule(rule: AlertingRule | RecordingRule) -> dict[str, Any]:
    if isinstance(rule, RecordingRule):
        return _said({"record": rule.name, "expr": rule.expr, "labels": rule.labels})
    labels = dict(rule.labels)
    severity: str | None = rule.severity
    if labels.get("severity") == severity:
        del labels["severity"]  # the field brings its label with it
    elif severity == "warning" and labels.get("severity") not in SEVERITIES:
        severity = None  # what a rule has that does not say it
    return _said(
        {
            "alert": rule.name,
            "expr": rule.expr,
            "for": _duration(rule.for_ms),
            "keep_firing_for": _duration(rule.keep_firing_for_ms),
            "severity": severity,
            "message": "" if rule.message == _usual_message(rule) else rule.message,
            "labels": labels,
            "annotations": rule.annotations,
            "cooldown": _duration(rule.cooldown_ms),
            "shadow": rule.shadow,
        }
    )


def _usual_message(rule: AlertingRule) -> str:
    return rule.annotations.get("summary") or rule.annotations.get("description") or rule.name


def _duration(milliseconds: int) -> str:
    return duration_text(milliseconds) if milliseconds else ""


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
