"""Inhibition: what fires mutes what follows from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.routing.matchers import Matcher, all_match

Labels = Mapping[str, str]


@dataclass(frozen=True)
class InhibitRule:
    """While an alert fires that all source matchers match, alerts that all target matchers match are muted, if both
    have the same values of the labels `equal` (absent is empty)."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    name: str = ""


class Inhibition:
    """The rules with what fires, looked up by the labels that have to be equal."""

    def __init__(self, rules: Sequence[InhibitRule], firing: Iterable[tuple[str, Labels]]) -> None:
        """`firing`: id and labels of each alert that fires; an alert is muted by the first of them that does."""
        self._rules = rules
        # Per rule and values of `equal`: the first source, and the first that is no target itself.
        self._sources: list[dict[tuple[str, ...], tuple[str, str | None]]] = [{} for _ in rules]
        for alert_id, labels in firing:
            for rule, sources in zip(rules, self._sources, strict=True):
                if all_match(rule.source, labels):
                    self._add(rule, sources, alert_id, labels)

    @staticmethod
    def _add(
        rule: InhibitRule, sources: dict[tuple[str, ...], tuple[str, str | None]], alert_id: str, labels: Labels
    ) -> None:
        values = _values(rule, labels)
        first, first_pure = sources.get(values, (alert_id, None))
        if first_pure is None and not all_match(rule.target, labels):
            first_pure = alert_id
        sources[values] = first, first_pure

    def by(self, labels: Labels) -> str | None:
        """The id of an alert that mutes the one with these labels; None if none does. Alerts that match both sides of a
        rule don't mute each other, nor themselves."""
        for rule, sources in zip(self._rules, self._sources, strict=True):
            if sources and all_match(rule.target, labels):
                first, first_pure = sources.get(_values(rule, labels), (None, None))
                found = first_pure if all_match(rule.source, labels) else first
                if found is not None:
                    return found
        return None


def inhibited_by(rules: Sequence[InhibitRule], labels: Labels, firing: Iterable[tuple[str, Labels]]) -> str | None:
    """As `Inhibition(rules, firing).by(labels)`: for a single alert."""
    return Inhibition(rules, firing).by(labels)


def _values(rule: InhibitRule, labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)
