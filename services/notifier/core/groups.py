"""Groups of alerts, and when each is looked at: Alertmanager's `group_wait` and `group_interval`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.notifier.core.episodes import Episode
from shared.routing.tree import Route


@dataclass(slots=True, eq=False)
class Group:
    """Alerts that take the same route and have the same values of the labels that it groups by."""

    key: str
    route: Route
    labels: Mapping[str, str]
    anchor: int
    """The offset of the event that began it: from there on its times can be told again."""
    next_flush_ms: int
    episodes: dict[str, list[Episode]] = field(default_factory=dict)
    """By alert id: those since the last look, and the one that fires."""
    flushed: bool = False

    @property
    def firing(self) -> list[Episode]:
        """The episodes that are not over, those that began first first."""
        found = [episodes[-1] for episodes in self.episodes.values() if episodes and not episodes[-1].is_over]
        return sorted(found, key=lambda one: (one.begins_ms, one.alert_id))

    def put(self, episode: Episode) -> None:
        """Add an episode, or see that it is there."""
        known = self.episodes.setdefault(episode.alert_id, [])
        if episode not in known:
            known.append(episode)

    def change(self, episode: Episode, at_ms: int) -> bool:
        """An episode has begun or ended at `at_ms`; whether the time of the next look is another now."""
        self.put(episode)
        soon = flush_ms(self.route, episode, at_ms, first=not self.flushed)
        if soon is None or soon >= self.next_flush_ms:
            return False
        self.next_flush_ms = soon
        return True

    def flush(self, at_ms: int) -> None:
        """It has been looked at: what is over is done with."""
        self.flushed = True
        self.next_flush_ms = at_ms + self.route.group_interval_ms
        self.episodes = {alert: [episodes[-1]] for alert, episodes in self.episodes.items() if not episodes[-1].is_over}


def new_group(key: str, route: Route, labels: Mapping[str, str], episode: Episode, at_ms: int) -> Group:
    """The group that `episode` begins at `at_ms`."""
    soon = flush_ms(route, episode, at_ms, first=True)
    next_flush_ms = at_ms + route.group_wait_ms if soon is None else soon
    group = Group(key, route, labels, episode.offset, next_flush_ms)
    group.put(episode)
    return group


def flush_ms(route: Route, episode: Episode, at_ms: int, first: bool) -> int | None:
    """When a change is to be looked at, where it does not wait for the group's time.

    At once where route or rule says `immediate`. A new group does not wait for what began longer ago than it would
    have waited.
    """
    if route.immediate or episode.firing.immediate:
        return at_ms
    if first and episode.firing.instant + route.group_wait_ms < at_ms:
        return at_ms
    return None
