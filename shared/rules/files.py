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

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from pydantic import ValidationError

from shared.messages.message import describe
from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup
from shared.rules.conditions import check_name, check_recording_rule, check_rule
from shared.rules.errors import BadRule
from shared.rules.fields import FieldReader
from shared.rules.small import SmallRule, alerting_rule
from shared.rules.tree import Tree
from shared.rules.yaml_tree import read_tree

_FILE_KEYS = ("groups", "rules")
_GROUP_KEYS = ("name", "interval", "query_offset", "limit", "labels", "immediate", "rules")
_ALERT_KEYS = (
    *("alert", "expr", "for", "keep_firing_for", "labels", "annotations"),
    *("severity", "message", "cooldown", "shadow"),
)
_RECORD_KEYS = ("record", "expr", "labels")
_RULE_KEYS = frozenset(_ALERT_KEYS) | frozenset(_RECORD_KEYS)
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


def parse_rule_file(text: str, place: str) -> list[GroupDraft]:
    """The groups in a rule file, small rules as groups of their own. BadRule: `place:line: reason`, one a line."""
    root = read_tree(text, place)
    return read_rules(root, place) if root is not None else []


def read_rules(root: Tree, place: str) -> list[GroupDraft]:
    """The groups in the tree of a rule file. BadRule with all that is wrong and where."""
    reading = FieldReader(place)
    drafts = _file(root, reading)
    reading.done()
    return drafts


def read_group(root: Tree, place: str) -> GroupDraft:
    """The one group that the tree is. BadRule with all that is wrong and where."""
    reading = FieldReader(place)
    draft = _group(root, reading)
    reading.done()
    assert draft is not None  # else there is a problem
    return draft


def _file(root: Tree, reading: FieldReader) -> list[GroupDraft]:
    fields = reading.fields(root, _FILE_KEYS, "the file")
    drafts: list[GroupDraft] = []
    first: dict[str, Tree] = {}
    for key, read in (("groups", _group), ("rules", _small)):
        for item in reading.items(fields.get(key), key):
            draft = read(item, reading)
            if draft is None:
                continue
            if draft.name in first:
                reading.add(item, f"group {draft.name!r} is already at {reading.place(first[draft.name])}")
            first[draft.name] = item
            drafts.append(draft)
    return drafts


def _group(item: Tree, reading: FieldReader) -> GroupDraft | None:
    before = len(reading.problems)
    fields = reading.fields(item, _GROUP_KEYS, "a group")
    name = reading.text(fields.get("name"))
    if not name:
        reading.add(item, "a group needs a name")
        return None
    reading.checked(partial(check_name, name, "group"), item)
    labels = reading.texts(fields.get("labels"), "labels")
    rules = [_rule(one, labels, reading) for one in reading.items(fields.get("rules"), "rules")]
    interval = reading.duration(fields.get("interval"), "interval")
    draft = GroupDraft(
        name=name,
        rules=tuple(rule for rule in rules if rule is not None),
        interval_ms=interval or None,
        query_offset_ms=reading.duration(fields.get("query_offset"), "query_offset") or 0,
        limit=reading.count(fields.get("limit"), "limit"),
        immediate=reading.flag(fields.get("immediate"), "immediate"),
    )
    if len(reading.problems) > before:
        return None
    try:
        draft.group(version=1, updated_by="", updated_at_ms=0)
    except ValidationError as error:
        reading.add(item, describe(error))
        return None
    return draft


def _rule(item: Tree, group_labels: dict[str, str], reading: FieldReader) -> AlertingRule | RecordingRule | None:
    if item.mapping is not None:
        given = {key: tree for key, tree in item.mapping.items() if not (tree.is_null and key in _RULE_KEYS)}
        item = replace(item, mapping=given)
        if "record" in given:
            return _recording(item, group_labels, reading)
    return _alert(item, group_labels, reading)


def _recording(item: Tree, group_labels: dict[str, str], reading: FieldReader) -> RecordingRule | None:
    before = len(reading.problems)
    fields = reading.fields(item, _RECORD_KEYS, "a recording rule")
    name, expr = reading.text(fields.get("record")), reading.text(fields.get("expr"))
    labels = group_labels | reading.texts(fields.get("labels"), "labels")
    if not name or not expr:
        reading.add(item, "a recording rule needs 'record' and 'expr'")
    if len(reading.problems) > before or not name or not expr:
        return None
    try:
        rule = RecordingRule(name=name, expr=expr.strip(), labels=labels)
    except ValidationError as error:
        reading.add(item, describe(error))
        return None
    reading.checked(partial(check_recording_rule, rule, f"rule {name!r}"), item)
    return rule


def _alert(item: Tree, group_labels: dict[str, str], reading: FieldReader) -> AlertingRule | None:
    if item.mapping is not None and "immediate" in item.mapping:
        reading.add(item.mapping["immediate"], "'immediate' belongs to the group")
        return None
    before = len(reading.problems)
    fields = reading.fields(item, _ALERT_KEYS, "an alerting rule")
    name, expr = reading.text(fields.get("alert")), reading.text(fields.get("expr"))
    if not name or not expr:
        reading.add(item, "an alerting rule needs 'alert' and 'expr'")
        return None
    labels = group_labels | reading.texts(fields.get("labels"), "labels")
    annotations = reading.texts(fields.get("annotations"), "annotations")
    severity = reading.severity(fields.get("severity"), labels)
    if "severity" in fields:
        labels = {"severity": severity} | labels  # our field is a label of the alert, too
    times = {key: reading.duration(fields.get(key), key) or 0 for key in ("for", "keep_firing_for", "cooldown")}
    message = (
        reading.text(fields.get("message")) or annotations.get("summary") or annotations.get("description") or name
    )
    shadow = reading.flag(fields.get("shadow"), "shadow")
    if len(reading.problems) > before:
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
        reading.add(item, describe(error))
        return None
    reading.checked(partial(check_rule, rule, f"rule {name!r}"), item)
    return rule


def _small(item: Tree, reading: FieldReader) -> GroupDraft | None:
    before = len(reading.problems)
    fields = reading.fields(item, _SMALL_KEYS, "a small rule")
    values: dict[str, object] = {
        key: tree.value for key, tree in fields.items() if key != "cooldown" and tree.value is not None
    }
    values["cooldown"] = reading.duration(fields.get("cooldown"), "cooldown") or 0
    if len(reading.problems) > before:
        return None
    try:
        rule = SmallRule.model_validate(values)
        check_name(rule.name, "rule: name")
        return GroupDraft(name=rule.name, rules=(alerting_rule(rule, f"rule {rule.name!r}"),), immediate=True)
    except ValidationError as error:
        reading.add(item, describe(error))
    except BadRule as error:
        reading.add(item, str(error))
    return None
