"""Relabelling: rules that change, keep or drop labels, after Prometheus' `model/relabel`."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.messages.series import LABEL_NAME
from shared.promql.matching import Captures, check_pattern

Action = Literal[
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
]


@dataclass(frozen=True)
class Rule:
    """One entry of `relabel_configs`. The regular expression is anchored at both ends."""

    action: Action = "replace"
    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    regex: str = "(.*)"
    target_label: str = ""
    replacement: str = "$1"
    modulus: int = 0

    def problem(self) -> str | None:
        """What is wrong with the rule, for people. BadQuery if its regular expression is none."""
        check_pattern(self.regex)
        needs_target = ("replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal")
        if self.action in needs_target and not self.target_label:
            return f"the action {self.action} needs a target_label"
        is_name = LABEL_NAME.fullmatch(self.target_label) is not None
        if self.action in needs_target and not is_name and not (self.action == "replace" and "$" in self.target_label):
            return f"target_label {self.target_label[:80]!r} is no label name"
        if self.action == "hashmod" and not self.modulus:
            return "the action hashmod needs a modulus"
        if self.action in ("keepequal", "dropequal") and (self.regex, self.separator) != ("(.*)", ";"):
            return f"the action {self.action} takes source_labels and target_label only"
        only_regex = (self.source_labels, self.target_label, self.modulus) == ((), "", 0)
        if self.action in ("labeldrop", "labelkeep") and not only_regex:
            return f"the action {self.action} takes a regex only"
        return None


Step = Callable[[dict[str, str]], dict[str, str] | None]


class Relabelling:
    """Rules, one after another. Compiled once."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._steps = [_step(rule) for rule in rules]

    def __bool__(self) -> bool:
        return bool(self._steps)

    def apply(self, labels: Mapping[str, str]) -> dict[str, str] | None:
        """The labels after all rules, None if one drops them. An empty label is no label."""
        changed = dict(labels)
        for step in self._steps:
            after = step(changed)
            if after is None:
                return None
            changed = after
        return {name: value for name, value in changed.items() if value} or None


def _step(rule: Rule) -> Step:
    captures = Captures(rule.regex)

    def matches(text: str) -> bool:
        return captures.expand(text, "") is not None

    def source(labels: dict[str, str]) -> str:
        return rule.separator.join(labels.get(name, "") for name in rule.source_labels)

    def set_target(labels: dict[str, str], value: str) -> dict[str, str]:
        return {**labels, rule.target_label: value}

    def replace(labels: dict[str, str]) -> dict[str, str]:
        text = source(labels)
        target = captures.expand(text, rule.target_label)
        if target is None or not LABEL_NAME.fullmatch(target):
            return labels
        return {**labels, target: captures.expand(text, rule.replacement) or ""}

    def labelmap(labels: dict[str, str]) -> dict[str, str]:
        mapped = dict(labels)
        for name, value in labels.items():
            new = captures.expand(name, rule.replacement)
            if new is not None and LABEL_NAME.fullmatch(new):
                mapped[new] = value
        return mapped

    steps: dict[Action, Step] = {
        "replace": replace,
        "keep": lambda labels: labels if matches(source(labels)) else None,
        "drop": lambda labels: None if matches(source(labels)) else labels,
        "keepequal": lambda labels: labels if source(labels) == labels.get(rule.target_label, "") else None,
        "dropequal": lambda labels: None if source(labels) == labels.get(rule.target_label, "") else labels,
        "hashmod": lambda labels: set_target(labels, str(_hash(source(labels)) % rule.modulus)),
        "labelmap": labelmap,
        "labeldrop": lambda labels: {name: value for name, value in labels.items() if not matches(name)},
        "labelkeep": lambda labels: {name: value for name, value in labels.items() if matches(name)},
        "lowercase": lambda labels: set_target(labels, source(labels).lower()),
        "uppercase": lambda labels: set_target(labels, source(labels).upper()),
    }
    return steps[rule.action]


def _hash(text: str) -> int:
    """Prometheus' hash: the latter half of the MD5 sum. It shares out targets, nothing is kept secret by it."""
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[8:], "big")
