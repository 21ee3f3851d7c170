"""What fires: a fold over alert events, with the cooldown of each alert.

An alert that fires again within its cooldown is deferred: it begins at the cooldown's end, and not at all if it is over
before. That is the rule of `shared/rules/sendings.py`, by which backtests say what would have been sent.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from services.notifier.core.flapping import LONGEST_MS, MOST_BEGINNINGS
from shared.messages.alerts import AlertEvent
from shared.routing.tree import GroupWay, Route, group_ways

MOST_ENDED = 100_000

Position = tuple[int, int]
"""(episode, transition): rises with each transition of an alert."""


@dataclass(slots=True, eq=False)
class Episode:
    """An alert from when it began to fire until it is over."""

    firing: AlertEvent
    """The transition to firing; the end itself where that one is no longer on the bus."""
    offset: int
    """Of the first of its events that is needed."""
    begins_ms: int
    """When it counts as begun: when the bus had it, or at the end of the cooldown."""
    ready_ms: int
    """From this instant on it may be told, in event time: later than it fired where it is deferred."""
    end: AlertEvent | None = None
    ended_ms: int | None = None
    """When the bus had the end."""
    beginnings_ms: tuple[int, ...] = ()
    """When the alert's latest episodes began, this one included."""
    ways: tuple[GroupWay, ...] | None = None
    """The groups that it is in, once they have been worked out."""

    @property
    def alert_id(self) -> str:
        """Whose episode it is."""
        return self.firing.alert_id

    @property
    def number(self) -> int:
        """Names it among those of the alert: the instant at which it began, in ms."""
        return self.firing.episode

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.end is not None

    @property
    def deferred(self) -> bool:
        """Whether it waits, or waited, for the cooldown's end."""
        return self.ready_ms > self.firing.instant


@dataclass(slots=True)
class _Alert:
    position: Position
    current: Episode | None = None
    begun: bool = False
    """Whether `current` has begun, so that it is in groups."""
    last_firing_ms: int | None = None
    cooldown_until_ms: int = 0
    anchor: int = 0
    """The offset from which on its events explain its state."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an event, or time, made of an alert."""

    kind: Literal["began", "ended", "deferred", "dropped"]
    """`dropped`: it was over before its cooldown was."""
    episode: Episode


@dataclass(slots=True)
class Episodes:
    """The alerts that fire, and those whose cooldown has not passed."""

    _alerts: dict[str, _Alert] = field(default_factory=dict)
    _ended: OrderedDict[str, Position] = field(default_factory=OrderedDict)
    _beginnings: OrderedDict[str, tuple[int, ...]] = field(default_factory=OrderedDict)
    """When the latest episodes of each alert began. Whoever takes over knows those that it folds again."""

    def __len__(self) -> int:
        return len(self._alerts)

    def current(self, alert: str) -> Episode | None:
        """The episode of `alert` that fires now; None if none does, or if it is deferred."""
        held = self._alerts.get(alert)
        return held.current if held is not None and held.begun else None

    def has(self, alert: str, episode: int) -> bool:
        """Whether that episode of `alert` is not over; it may be deferred."""
        held = self._alerts.get(alert)
        return held is not None and held.current is not None and held.current.number == episode

    def take(self, event: AlertEvent, offset: int, accepted_ms: int) -> list[Change]:
        """Fold in an event that is firing or resolved. One that comes twice, or late, changes nothing."""
        position = (event.episode, event.transition)
        held = self._alerts.get(event.alert_id)
        known = held.position if held is not None else self._ended.get(event.alert_id)
        if known is not None and position <= known:
            return []
        if held is None:
            held = self._alerts[event.alert_id] = _Alert(position, anchor=offset)
        held.position = position
        changes = [*self._release(held, event.instant)]
        if event.state == "firing":
            return [*changes, *self._fire(held, event, offset, accepted_ms)]
        return [*changes, *self._end(held, event, offset, accepted_ms)]

    def release(self, alert: str, now_ms: int) -> list[Change]:
        """What time has made of a deferred alert."""
        held = self._alerts.get(alert)
        return [] if held is None else self._release(held, now_ms)

    def beginnings(self, alert: str) -> tuple[int, ...]:
        """When the latest episodes of `alert` began."""
        return self._beginnings.get(alert, ())

    def excuse(self, episode: Episode) -> None:
        """Nobody was told of an episode, which is over: its cooldown holds nothing back."""
        held = self._alerts.get(episode.alert_id)
        if held is not None and held.last_firing_ms == episode.ready_ms:
            held.last_firing_ms, held.cooldown_until_ms = None, 0

    def forget(self, now_ms: int) -> None:
        """Let go of alerts that are over and past their cooldown."""
        for alert in [one for one, held in self._alerts.items() if held.current is None]:
            held = self._alerts[alert]
            if held.cooldown_until_ms <= now_ms:
                del self._alerts[alert]
                self._ended[alert] = held.position
                self._ended.move_to_end(alert)
        while len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)

    def anchors(self) -> Iterator[int]:
        """The offsets of the events that explain what is held."""
        return (held.anchor for held in self._alerts.values())

    def _fire(self, held: _Alert, event: AlertEvent, offset: int, accepted_ms: int) -> list[Change]:
        ready_ms = event.instant
        if held.last_firing_ms is not None:
            ready_ms = max(ready_ms, held.last_firing_ms + event.cooldown_ms)
        else:
            held.anchor = offset
        replaced = held.current
        held.current, held.begun = Episode(event, offset, accepted_ms, ready_ms), False
        changes = []
        if replaced is not None and replaced.end is None:
            # Its end never came: what alerting says now is all that is known of it.
            replaced.end, replaced.ended_ms = event, accepted_ms
            changes.append(Change("ended", replaced))
        if not held.current.deferred:
            return [*changes, *self._release(held, event.instant)]
        return [*changes, Change("deferred", held.current)]

    def _release(self, held: _Alert, now_ms: int) -> list[Change]:
        """Let what has waited long enough begin."""
        episode = held.current
        if episode is None or held.begun or episode.ready_ms > now_ms:
            return []
        held.begun, held.last_firing_ms = True, episode.ready_ms
        held.cooldown_until_ms = episode.ready_ms + episode.firing.cooldown_ms
        held.anchor = episode.offset
        episode.begins_ms = max(episode.begins_ms, episode.ready_ms if episode.deferred else 0)
        episode.beginnings_ms = self._begun(episode)
        return [Change("began", episode)]

    def _begun(self, episode: Episode) -> tuple[int, ...]:
        earlier = self._beginnings.pop(episode.alert_id, ())[1 - MOST_BEGINNINGS :]
        recent = [one for one in earlier if one > episode.begins_ms - LONGEST_MS]
        self._beginnings[episode.alert_id] = (*recent, episode.begins_ms)
        while len(self._beginnings) > MOST_ENDED:
            self._beginnings.popitem(last=False)
        return self._beginnings[episode.alert_id]

    def _end(self, held: _Alert, event: AlertEvent, offset: int, accepted_ms: int) -> list[Change]:
        episode, begun = held.current, held.begun
        held.current, held.begun = None, False
        changes = []
        if episode is not None:
            episode.end, episode.ended_ms = event, accepted_ms
            changes.append(Change("ended" if begun else "dropped", episode))
        if episode is None or episode.number != event.episode:
            # Its beginning is no longer on the bus; who was told of it is to hear the end.
            changes.append(Change("ended", Episode(event, offset, accepted_ms, event.instant, event, accepted_ms)))
        return changes


def ways_of(root: Route, episode: Episode) -> tuple[GroupWay, ...]:
    """The groups that an alert is in."""
    if episode.ways is None:  # its labels don't change, and neither do the routes while an engine lives
        episode.ways = tuple(group_ways(root, episode.firing.labels))
    return episode.ways
