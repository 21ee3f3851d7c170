"""Which alerts are the parents of others, by the rules of dependencies: a fold over alert events.

A parent that is pending is suspected, one that fires is down, and one that is over was down until just now.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from shared.messages.alerts import AlertEvent, State
from shared.routing.dependencies import Dependencies, Labels
from shared.routing.matchers import all_match

MOST_PARENTS = 100_000


@dataclass(slots=True)
class _Side:
    """The parents with the same values."""

    firing: dict[str, None] = field(default_factory=dict)
    pending: dict[str, None] = field(default_factory=dict)
    recovered: tuple[str, int] | None = None
    """The last that was over, and when (ms)."""


class AlertParents:
    """Of each rule, what is down and what may be."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._terms = dependencies
        self._sides: list[dict[tuple[str, ...], _Side]] = [{} for _ in dependencies.rules]
        self._positions: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self.version = 0
        """Rises whenever a parent is other than before."""

    def take(self, event: AlertEvent, at_ms: int) -> None:
        """Fold in an event that the bus had at `at_ms`. One that comes twice, or late, changes nothing."""
        found = self._rules_of(event.labels)
        if not found or event.shadow:
            return
        position = (event.episode, event.transition)
        known = self._positions.pop(event.alert_id, None)
        self._positions[event.alert_id] = position if known is None else max(position, known)
        if len(self._positions) > MOST_PARENTS:
            self._positions.popitem(last=False)
        if known is not None and position <= known:
            return
        self.put(event.alert_id, event.labels, event.state, at_ms)

    def put(self, alert: str, labels: Labels, state: State, at_ms: int) -> None:
        """An alert has been in `state` since `at_ms`."""
        for number in self._rules_of(labels):
            self.version += 1
            values = self._terms.rules[number].values(labels)
            self._put(self._sides[number].setdefault(values, _Side()), alert, state, at_ms)
        self._forget(at_ms)

    def of(self, labels: Labels, begins_ms: int, now_ms: int) -> str | None:
        """Why an alert that began at `begins_ms` is held back: `dependency:ALERT` or `suspected:ALERT`, as with checks;
        None if no rule says so."""
        suspect = None
        for rule, sides in zip(self._terms.rules, self._sides, strict=True):
            if not sides or not all_match(rule.child, labels) or all_match(rule.parent, labels):
                continue
            if (side := sides.get(rule.values(labels))) is None:
                continue
            if side.firing:
                return f"dependency:{next(iter(side.firing))}"
            if side.recovered is not None and now_ms < side.recovered[1] + self._terms.grace_ms:
                return f"dependency:{side.recovered[0]}"
            if side.pending and now_ms < begins_ms + self._terms.wait_ms:
                suspect = suspect or f"suspected:{next(iter(side.pending))}"
        return suspect

    def _rules_of(self, labels: Labels) -> list[int]:
        return [number for number, rule in enumerate(self._terms.rules) if all_match(rule.parent, labels)]

    @staticmethod
    def _put(side: _Side, alert: str, state: State, at_ms: int) -> None:
        was_firing = alert in side.firing
        side.firing.pop(alert, None)
        side.pending.pop(alert, None)
        if state == "firing":
            side.firing[alert] = None
        elif state == "pending":
            side.pending[alert] = None
        elif was_firing:
            side.recovered = alert, at_ms

    def _forget(self, now_ms: int) -> None:
        """Let go of what says nothing any more, when there is much of it."""
        for sides in self._sides:
            if len(sides) > MOST_PARENTS:
                for values in [one for one, side in sides.items() if not side.firing and not side.pending]:
                    recovered = sides[values].recovered
                    if recovered is None or recovered[1] + self._terms.grace_ms <= now_ms:
                        del sides[values]
