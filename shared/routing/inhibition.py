"""Inhibition: what fires mutes what follows from it."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.routing.matchers import Matcher, all_match

Labels = Mapping[str, str]
Values = tuple[str, ...]


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

    def __init__(self, rules: Sequence[InhibitRule], firing: Iterable[tuple[str, Labels]] = ()) -> None:
        """`firing`: id and labels of each alert that fires; an alert is muted by the first of them that does."""
        self._rules = rules
        # Per rule and values of `equal`: the sources, and those that are no targets themselves; in their order.
        self._sources: list[dict[Values, OrderedDict[str, None]]] = [{} for _ in rules]
        self._pure: list[dict[Values, OrderedDict[str, None]]] = [{} for _ in rules]
        self._labels: dict[str, Labels] = {}
        for alert_id, labels in firing:
            self.put(alert_id, labels)

    def put(self, alert_id: str, labels: Labels) -> None:
        """An alert fires; those that did before come before it."""
        self.drop(alert_id)
        for rule, sources, pure in zip(self._rules, self._sources, self._pure, strict=True):
            if all_match(rule.source, labels):
                self._labels[alert_id] = labels
                values = _values(rule, labels)
                sources.setdefault(values, OrderedDict())[alert_id] = None
                if not all_match(rule.target, labels):
                    pure.setdefault(values, OrderedDict())[alert_id] = None

    def drop(self, alert_id: str) -> None:
        """An alert fires no more."""
        if (labels := self._labels.pop(alert_id, None)) is None:
            return
        for rule, sources, pure in zip(self._rules, self._sources, self._pure, strict=True):
            values = _values(rule, labels)
            for by_values in (sources, pure):
                if (found := by_values.get(values)) is not None:
                    found.pop(alert_id, None)
                    if not found:
                        del by_values[values]

    def by(self, labels: Labels) -> str | None:
        """The id of an alert that mutes the one with these labels; None if none does. Alerts that match both sides of a
        rule don't mute each other, nor themselves."""
        for rule, sources, pure in zip(self._rules, self._sources, self._pure, strict=True):
            if sources and all_match(rule.target, labels):
                found = (pure if all_match(rule.source, labels) else sources).get(_values(rule, labels))
                if found is not None:
                    return next(iter(found))
        return None


def inhibited_by(rules: Sequence[InhibitRule], labels: Labels, firing: Iterable[tuple[str, Labels]]) -> str | None:
    """As `Inhibition(rules, firing).by(labels)`: for a single alert."""
    return Inhibition(rules, firing).by(labels)


def _values(rule: InhibitRule, labels: Labels) -> Values:
    return tuple(labels.get(name, "") for name in rule.equal)
