"""Which rule, in which version, is to be explained."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup

Version = Literal["then", "now"]


class NoSuchRule(Exception):
    """There is none of that name."""


class Ambiguous(Exception):
    """There are several; `parameter` would say which."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(reason)
        self.parameter = parameter


@dataclass(frozen=True)
class Versions:
    """A group at the instant and today; None: not in force."""

    then: RuleGroup | None
    now: RuleGroup | None
    since_ms: int | None = None
    """When the former came into force."""


@dataclass(frozen=True)
class Chosen:
    """A rule of one version of its group."""

    group: RuleGroup
    place: int
    explained: Version
    versions: Versions

    @property
    def rule(self) -> AlertingRule | RecordingRule:
        """The rule."""
        return self.group.rules[self.place]

    @property
    def changed(self) -> bool:
        """Whether the rule is not the same today."""
        today = self.versions.now
        return today is None or self.rule not in today.rules


def groups_with(rule: str, groups: Iterable[RuleGroup]) -> list[str]:
    """The names of the groups that have a rule of this name, sorted."""
    return sorted(group.name for group in groups if any(one.name == rule for one in group.rules))


def one_of(rule: str, groups: list[str]) -> str | None:
    """The only group; None if there is none. Ambiguous if there are several."""
    if len(groups) > 1:
        listed = ", ".join(repr(one) for one in groups[:10])
        raise Ambiguous("group", f"{len(groups)} groups have a rule {rule!r}: {listed}; say which one")
    return groups[0] if groups else None


def choose(rule: str, place: int | None, wanted: Version | None, versions: Versions) -> Chosen:
    """The rule to explain: as it was at the instant if it was in force then, else as it is today. NoSuchRule, or
    Ambiguous if the group has several of the name."""
    both: Mapping[Version, RuleGroup | None] = {"then": versions.then, "now": versions.now}
    order: tuple[Version, ...] = ("then", "now") if wanted is None else (wanted,)
    for version in order:
        group = both[version]
        places = [] if group is None else [number for number, one in enumerate(group.rules) if one.name == rule]
        if group is None or not places:
            continue
        if place is not None and place not in places:
            continue
        if place is None and len(places) > 1:
            listed = ", ".join(f"{number} ({group.rules[number].expr[:60]})" for number in places[:10])
            raise Ambiguous("place", f"{group.name!r} has {len(places)} rules {rule!r}: {listed}; say which one")
        return Chosen(group, places[0] if place is None else place, version, versions)
    when = {"then": " at that instant", "now": " in force now", None: ""}[wanted]
    raise NoSuchRule(f"There is no rule {rule!r}{when}" + ("." if place is None else f" at place {place}."))
