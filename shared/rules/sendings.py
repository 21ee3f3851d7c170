"""What would have been sent of transitions: to whom is the notifier's affair, when follows from rule and cooldown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.rules.rule import Decision


@dataclass(frozen=True)
class Sending:
    """One message to whoever receives the alert. `deferred`: it waited for the cooldown."""

    at_ms: int
    kind: Literal["firing", "resolved"]
    decision: Decision
    deferred: bool = False


@dataclass
class _Told:
    """What receivers know of an alert."""

    last_firing_ms: int | None = None
    firing: bool = False
    waiting: Sending | None = None


def sendings(decisions: Sequence[Decision]) -> list[Sending]:
    """In the order of time; one that still waits for its cooldown's end is the last of its alert.

    Shadow rules send nothing. An alert that fires again within its cooldown is told at the cooldown's end, if it still
    fires then. A resolution is told where the firing was.
    """
    told: dict[str, _Told] = {}
    sent: list[Sending] = []
    for decision in decisions:
        if decision.rule.shadow:
            continue
        alert, state = decision.transition.alert, decision.transition.state
        known = told.setdefault(alert.id, _Told())
        _release(known, alert.since_ms, sent)
        if state == "firing":
            ready = alert.since_ms
            if known.last_firing_ms is not None:
                ready = max(ready, known.last_firing_ms + decision.rule.cooldown_ms)
            known.waiting = Sending(ready, "firing", decision, deferred=ready > alert.since_ms)
            _release(known, alert.since_ms, sent)
        elif state == "resolved":
            known.waiting = None
            if known.firing:
                sent.append(Sending(alert.since_ms, "resolved", decision))
                known.firing = False
    for known in told.values():
        if known.waiting is not None:
            sent.append(known.waiting)
    return sorted(sent, key=lambda one: one.at_ms)


def _release(known: _Told, now_ms: int, sent: list[Sending]) -> None:
    """Send what has waited long enough."""
    if known.waiting is not None and known.waiting.at_ms <= now_ms:
        sent.append(known.waiting)
        known.last_firing_ms, known.firing, known.waiting = known.waiting.at_ms, True, None
