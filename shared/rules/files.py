"""Rule files: Prometheus' own (`groups:`), with a few fields of ours, and the specification's small rules (`rules:`).

    groups:
      - name: machine              # interval, query_offset, limit, labels as in Prometheus
        immediate: true            # ours: evaluated on arrival of what its rules select
        rules:
          - alert: high_cpu        # expr, for, keep_firing_for, labels, annotations as in Prometheus
            expr: system_cpu_usage_percent > 80
            severity: warning      # ours, as are message, cooldown and shadow
          - record: cpu_usage      # expr and labels as in Prometheus
            expr: system_cpu_usage_percent
    rules:
      - {name: full, condition: disk_usage > 90, severity: critical, message: Disk is full, cooldown: 10m}

Read strictly: what is unknown, missing or doubled is refused with file, line and reason, all problems at once.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from pydantic import ValidationError

from shared.messages.alerts import SEVERITIES, Severity
from shared.messages.message import describe
from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery
from shared.rules.conditions import check_name, check_recording_rule, check_rule
from shared.rules.errors import BadRule
from shared.rules.small import SmallRule, alerting_rule
from shared.rules.yaml_tree import Tree, read_tree

_FILE_KEYS = ("groups", "rules")
_GROUP_KEYS = ("name", "interval", "query_offset", "limit", "labels", "immediate", "rules")
_ALERT_KEYS = (
    *("alert", "expr", "for", "keep_firing_for", "labels", "annotations"),
    *("severity", "message", "cooldown", "shadow"),
)
_RECORD_KEYS = ("record", "expr", "labels")
_SMALL_KEYS = tuple(SmallRule.model_fields)


@dataclass(frozen=True)
class GroupDraft:
    """A rule group as a file has it: without version and author."""

    name: str
    rules: tuple[AlertingRule | RecordingRule, ...]
    interval_ms: int | None = None
    query_offset_ms: int = 0
    limit: int = 0
    immediate: bool = False

    def group(
        self, version: int, updated_by: str, updated_at_ms: int, origin: Literal["file", "api"] = "file"
    ) -> RuleGroup:
        """The group that goes on the bus."""
        return RuleGroup(
            name=self.name,
            rules=list(self.rules),
            interval_ms=self.interval_ms,
            query_offset_ms=self.query_offset_ms,
            limit=self.limit,
            immediate=self.immediate,
            version=version,
            origin=origin,
            updated_by=updated_by,
            updated_at=updated_at_ms,
        )

    def same_as(self, group: RuleGroup) -> bool:
        """Whether `group`, whoever wrote it and whenever, holds just this."""
        other = self.group(group.version, group.updated_by, group.updated_at, group.origin)
        return other.model_copy(update={"enabled": group.enabled}) == group


class _Problems:
    """What is wrong with a file, gathered so that people see all of it at once."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.found: list[str] = []

    def add(self, at: Tree | int, reason: str) -> None:
        self.found.append(f"{self._place}:{at if isinstance(at, int) else at.line}: {reason}")


def parse_rule_file(text: str, place: str) -> list[GroupDraft]:
    """The groups in a rule file, small rules as groups of their own. BadRule: `place:line: reason`, one a line."""
    root = read_tree(text, place)
    problems = _Problems(place)
    drafts = _file(root, problems) if root is not None else []
    if problems.found:
        raise BadRule("\n".join(problems.found))
    return drafts


def _file(root: Tree, problems: _Problems) -> list[GroupDraft]:
    fields = _fields(root, _FILE_KEYS, "the file", problems)
    drafts: list[GroupDraft] = []
    lines: dict[str, int] = {}
    for key, read in (("groups", _group), ("rules", _small)):
        for item in _items(fields.get(key), key, problems):
            draft = read(item, problems)
            if draft is None:
                continue
            if draft.name in lines:
                problems.add(item, f"group {draft.name!r} is already in line {lines[draft.name]}")
            lines[draft.name] = item.line
            drafts.append(draft)
    return drafts


def _group(item: Tree, problems: _Problems) -> GroupDraft | None:
    before = len(problems.found)
    fields = _fields(item, _GROUP_KEYS, "a group", problems)
    name = _text(fields.get("name"), problems)
    if not name:
        problems.add(item, "a group needs a name")
        return None
    _checked(partial(check_name, name, "group"), item, problems)
    labels = _texts(fields.get("labels"), "labels", problems)
    rules = [_rule(one, labels, problems) for one in _items(fields.get("rules"), "rules", problems)]
    interval = _duration(fields.get("interval"), "interval", problems)
    draft = GroupDraft(
        name=name,
        rules=tuple(rule for rule in rules if rule is not None),
        interval_ms=interval or None,
        query_offset_ms=_duration(fields.get("query_offset"), "query_offset", problems) or 0,
        limit=_count(fields.get("limit"), "limit", problems),
        immediate=_flag(fields.get("immediate"), "immediate", problems),
    )
    return draft if len(problems.found) == before else None


def _rule(item: Tree, group_labels: dict[str, str], problems: _Problems) -> AlertingRule | RecordingRule | None:
    if item.mapping is not None and "record" in item.mapping:
        return _recording(item, group_labels, problems)
    return _alert(item, group_labels, problems)


def _recording(item: Tree, group_labels: dict[str, str], problems: _Problems) -> RecordingRule | None:
    before = len(problems.found)
    fields = _fields(item, _RECORD_KEYS, "a recording rule", problems)
    name, expr = _text(fields.get("record"), problems), _text(fields.get("expr"), problems)
    labels = group_labels | _texts(fields.get("labels"), "labels", problems)
    if not name or not expr:
        problems.add(item, "a recording rule needs 'record' and 'expr'")
    if len(problems.found) > before or not name or not expr:
        return None
    try:
        rule = RecordingRule(name=name, expr=expr.strip(), labels=labels)
    except ValidationError as error:
        problems.add(item, describe(error))
        return None
    _checked(partial(check_recording_rule, rule, f"rule {name!r}"), item, problems)
    return rule


def _alert(item: Tree, group_labels: dict[str, str], problems: _Problems) -> AlertingRule | None:
    if item.mapping is not None and "immediate" in item.mapping:
        problems.add(item.mapping["immediate"], "'immediate' belongs to the group")
        return None
    before = len(problems.found)
    fields = _fields(item, _ALERT_KEYS, "an alerting rule", problems)
    name, expr = _text(fields.get("alert"), problems), _text(fields.get("expr"), problems)
    if not name or not expr:
        problems.add(item, "an alerting rule needs 'alert' and 'expr'")
        return None
    labels = group_labels | _texts(fields.get("labels"), "labels", problems)
    annotations = _texts(fields.get("annotations"), "annotations", problems)
    severity = _severity(fields.get("severity"), labels, problems)
    if "severity" in fields:
        labels = {"severity": severity} | labels  # our field is a label of the alert, too
    times = {key: _duration(fields.get(key), key, problems) or 0 for key in ("for", "keep_firing_for", "cooldown")}
    message = (
        _text(fields.get("message"), problems) or annotations.get("summary") or annotations.get("description") or name
    )
    shadow = _flag(fields.get("shadow"), "shadow", problems)
    if len(problems.found) > before:
        return None
    try:
        rule = AlertingRule(
            name=name,
            expr=expr.strip(),
            for_ms=times["for"],
            keep_firing_for_ms=times["keep_firing_for"],
            labels=labels,
            annotations=annotations,
            severity=severity,
            message=message,
            cooldown_ms=times["cooldown"],
            shadow=shadow,
        )
    except ValidationError as error:
        problems.add(item, describe(error))
        return None
    _checked(partial(check_rule, rule, f"rule {name!r}"), item, problems)
    return rule


def _small(item: Tree, problems: _Problems) -> GroupDraft | None:
    before = len(problems.found)
    fields = _fields(item, _SMALL_KEYS, "a small rule", problems)
    values: dict[str, object] = {
        key: tree.value for key, tree in fields.items() if key != "cooldown" and tree.value is not None
    }
    values["cooldown"] = _duration(fields.get("cooldown"), "cooldown", problems) or 0
    if len(problems.found) > before:
        return None
    try:
        rule = SmallRule.model_validate(values)
        check_name(rule.name, "rule: name")
        return GroupDraft(name=rule.name, rules=(alerting_rule(rule, f"rule {rule.name!r}"),), immediate=True)
    except ValidationError as error:
        problems.add(item, describe(error))
    except BadRule as error:
        problems.add(item, str(error))
    return None


def _fields(item: Tree, known: tuple[str, ...], what: str, problems: _Problems) -> dict[str, Tree]:
    """The fields of a mapping that are known; the others are problems."""
    if item.mapping is None:
        problems.add(item, f"{what} is a mapping with {', '.join(known)}")
        return {}
    for key, line in item.doubled:
        problems.add(line, f"{key!r} is given twice")
    for key, tree in item.mapping.items():
        if key not in known:
            problems.add(tree, f"unknown field {key[:80]!r}: {what} has {', '.join(known)}")
    return {key: tree for key, tree in item.mapping.items() if key in known}


def _items(tree: Tree | None, what: str, problems: _Problems) -> list[Tree]:
    if tree is None or tree.is_null:
        return []
    if tree.sequence is None:
        problems.add(tree, f"{what!r} is a list")
        return []
    return tree.sequence


def _text(tree: Tree | None, problems: _Problems) -> str | None:
    if tree is None or tree.is_null:
        return None
    if tree.text is None:
        problems.add(tree, "a text is expected here")
    return tree.text


def _texts(tree: Tree | None, what: str, problems: _Problems) -> dict[str, str]:
    if tree is None or tree.is_null:
        return {}
    if tree.mapping is None:
        problems.add(tree, f"{what!r} is a mapping of texts")
        return {}
    return {key: _text(value, problems) or "" for key, value in tree.mapping.items()}


def _duration(tree: Tree | None, what: str, problems: _Problems) -> int | None:
    if tree is None or tree.is_null:
        return None
    try:
        return parse_duration(tree.text or "")
    except BadQuery as error:
        problems.add(tree, f"{what}: {error}")
        return None


def _count(tree: Tree | None, what: str, problems: _Problems) -> int:
    if tree is None or tree.is_null:
        return 0
    if isinstance(tree.value, bool) or not isinstance(tree.value, int) or tree.value < 0:
        problems.add(tree, f"{what!r} is a number from 0 up")
        return 0
    return tree.value


def _flag(tree: Tree | None, what: str, problems: _Problems) -> bool:
    if tree is None or tree.is_null:
        return False
    if not isinstance(tree.value, bool):
        problems.add(tree, f"{what!r} is true or false")
        return False
    return tree.value


def _severity(tree: Tree | None, labels: dict[str, str], problems: _Problems) -> Severity:
    """Ours if given, else the label `severity` where that is one of ours, else warning."""
    text = _text(tree, problems) if tree is not None else labels.get("severity")
    for severity in SEVERITIES:
        if text == severity:
            return severity
    if tree is not None:
        problems.add(tree, f"severity {str(text)[:40]!r} is none of {', '.join(SEVERITIES)}")
    return "warning"


def _checked(check: partial[None], item: Tree, problems: _Problems) -> None:
    try:
        check()
    except BadRule as error:
        problems.add(item, str(error))
