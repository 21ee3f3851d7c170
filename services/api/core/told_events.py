"""The latest alert events as the bus told them: what the database may not have yet, or can't tell while it is away."""

from collections import OrderedDict
from typing import NamedTuple

from shared.messages.alerts import AlertEvent

MOST_EVENTS = 500
"""At most 64 KB each."""


class ToldEvent(NamedTuple):
    """An event, and when the bus had it (ms)."""

    event: AlertEvent
    accepted_ms: int


class ToldEvents:
    """The last ones, each once."""

    def __init__(self) -> None:
        self._events: OrderedDict[str, ToldEvent] = OrderedDict()

    def put(self, event: AlertEvent, accepted_ms: int) -> None:
        """Take an event; one that was told before changes nothing."""
        if event.id not in self._events:
            self._events[event.id] = ToldEvent(event, accepted_ms)
            while len(self._events) > MOST_EVENTS:
                self._events.popitem(last=False)

    def of(self, alert: str, episode_ms: int | None) -> list[ToldEvent]:
        """Those of an episode, None: the latest one, in the order of their transitions."""
        found = [one for one in self._events.values() if one.event.alert_id == alert]
        if episode_ms is None:
            episode_ms = max((one.event.episode for one in found), default=None)
        return sorted((one for one in found if one.event.episode == episode_ms), key=lambda one: one.event.transition)
