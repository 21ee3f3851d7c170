"""Random histories of alerts, as alerting writes them, and what is true after each of their steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from shared.bus import Outgoing
from shared.messages.alerts import AlertEvent, CurrentAlert, State, alert_id, event_id, fingerprint
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE

Picture = dict[str, tuple[int, str]]
"""By alert id, (episode, state) of each active alert."""

NEXT: dict[State, tuple[State, ...]] = {
    "inactive": ("pending", "firing"),
    "pending": ("firing", "inactive"),
    "firing": ("resolved",),
    "resolved": ("pending", "firing"),
}
ACTIVE = ("pending", "firing")
SHADOW_SHARE = 0.1
MOST_AT_ONCE = 8


@dataclass(frozen=True)
class Told:
    """A transition: its event, and the alert as it stands after it (None: over)."""

    event: AlertEvent
    state: CurrentAlert | None


class Alert:
    """One alert of the rule `rule` that goes up and down."""

    def __init__(self, rule: str, shadow: bool = False, **labels: str) -> None:
        self._shadow = shadow
        self._rule, self._labels = rule, {"alertname": rule, **labels}
        self.id = alert_id(rule, rule, self._labels)
        self._state: State = "inactive"
        self._episode = self._transition = 0

    @property
    def possible(self) -> tuple[State, ...]:
        """The states that it can enter next."""
        return NEXT[self._state]

    def enter(self, state: State, instant_ms: int) -> Told:
        """It enters `state`."""
        assert state in self.possible
        if self._state not in ACTIVE:
            self._episode, self._transition = instant_ms, 0
        self._transition += 1
        previous, self._state = self._state, state
        common: dict[str, Any] = {
            "alert_id": self.id,
            "fingerprint": fingerprint(self._labels),
            "group": self._rule,
            "rule": self._rule,
            "rule_version": "1",
            "episode": self._episode,
            "state": state,
            "labels": self._labels,
            "severity": "warning",
            "message": "Too many",
            "value": 123.0,
            "expr": "custom_metric > 100",
            "shadow": self._shadow,
        }
        identity = event_id(self.id, self._episode, self._transition)
        before: State = "inactive" if previous == "resolved" else previous
        event = AlertEvent(
            id=identity, transition=self._transition, previous_state=before, instant=instant_ms, **common
        )
        last = {"since": instant_ms, "last_event_id": identity, "last_transition": self._transition}
        return Told(event, CurrentAlert(**common, **last) if state in ACTIVE else None)


def random_history(chance: Random, rule: str, alerts: int, transitions: int, begin_ms: int) -> list[Told]:
    """So many transitions of so many alerts, in the order of their instants."""
    those = [Alert(rule, chance.random() < SHADOW_SHARE, host=f"router-{number}") for number in range(alerts)]
    told, instant_ms = [], begin_ms
    for _ in range(transitions):
        instant_ms += chance.randint(1, 30_000)
        alert = chance.choice(those)
        told.append(alert.enter(chance.choice(alert.possible), instant_ms))
    return told


def truth(history: Sequence[Told]) -> Picture:
    """What is active after `history`; shadow alerts are nobody's business."""
    last = {told.event.alert_id: told for told in history}
    return {
        key: (told.state.episode, told.state.state)
        for key, told in last.items()
        if told.state is not None and not told.state.shadow
    }


def as_written(chance: Random, history: Sequence[Told]) -> list[list[Outgoing]]:
    """The messages of `history`, part by part: of each step first the events, then the states. After a crash, which
    may come anywhere, all is written once more from the last snapshot on."""
    parts: list[list[Outgoing]] = []
    snapshot = at = 0
    while at < len(history):
        step = history[at : at + chance.randint(1, MOST_AT_ONCE)]
        events = [Outgoing(ALERT_EVENTS, told.event.alert_id, told.event, told.event.id) for told in step]
        states = [Outgoing(ALERT_STATE, told.event.alert_id, told.state) for told in step]
        if chance.random() < 0.2:
            written = (events + states)[: chance.randint(0, len(events) + len(states))]
            at = snapshot
        else:
            written = events + states
            at += len(step)
            if chance.random() < 0.5:
                snapshot = at
        parts += [[one for one in written if one.topic is topic] for topic in (ALERT_EVENTS, ALERT_STATE)]
    return [part for part in parts if part]
