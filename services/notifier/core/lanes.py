"""What one destination has been told of one group, and what it is still owed.

Deliveries of a lane go out one after another. What happens while one is under way waits, alert by alert and in order.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from services.notifier.core.destinations import Destination
from services.notifier.core.episodes import Episode
from services.notifier.core.notice import NoticedAlert, Occasion
from shared.messages.notifications import Notification


@dataclass(frozen=True, slots=True)
class Told:
    """The latest that a destination was told of an alert."""

    episode: int
    over: bool
    announced: bool = True
    """Whether it may know of the episode; not where the delivery has failed for good."""
    at_ms: int = 0
    """When it first was."""
    source: Notification | None = field(default=None, compare=False)
    """The ledger's word for it."""

    def merged(self, other: "Told") -> "Told":
        """What holds after both, in whatever order they came."""
        if self.episode != other.episode:
            return self if self.episode > other.episode else other
        times = [one.at_ms for one in (self, other) if one.announced] or [self.at_ms, other.at_ms]
        source = self.source if self.announced or other.source is None else other.source
        return Told(self.episode, self.over or other.over, self.announced or other.announced, min(times), source)


@dataclass(frozen=True, slots=True)
class Owed:
    """That an episode has begun, or has ended."""

    what: Literal["begin", "end"]
    episode: Episode
    flush_ms: int
    """The look at the group at which it became due."""
    occasion: Occasion = "change"


@dataclass(frozen=True, slots=True)
class Forward:
    """A notification that another destination could not be told."""

    record: Notification
    alerts: tuple[NoticedAlert, ...]
    offset: int


@dataclass(slots=True, eq=False)
class Lane:
    """One group at one destination."""

    group_key: str
    destination: Destination
    told: dict[str, Told] = field(default_factory=dict)
    """By alert id."""
    owed: dict[str, deque[Owed]] = field(default_factory=dict)
    """By alert id, in the order in which it happened."""
    open: str | None = None
    """The id of the notification that is under way."""
    opened: dict[str, Told] = field(default_factory=dict)
    """What `told` will be once it has arrived."""
    forwards: deque[Forward] = field(default_factory=deque)
    """Notifications to others that are to be told here instead."""
    last_told_ms: int = 0
    repeat_due: bool = False

    @property
    def has_work(self) -> bool:
        """Whether something is owed."""
        return bool(self.owed or self.forwards or self.repeat_due)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is owed and nothing is under way."""
        return self.open is None and not self.has_work

    def known(self, alert: str) -> Told | None:
        """What the destination will know of `alert` once everything owed has arrived."""
        if queue := self.owed.get(alert):
            last = queue[-1]
            return Told(last.episode.number, last.what == "end")
        return self.opened.get(alert) or self.told.get(alert)

    def owe(self, owed: Owed) -> None:
        """Add to what is owed."""
        self.owed.setdefault(owed.episode.alert_id, deque()).append(owed)

    def let_go(self, owed: Owed) -> None:
        """It is not owed any more."""
        alert = owed.episode.alert_id
        self.owed[alert].remove(owed)
        if not self.owed[alert]:
            del self.owed[alert]

    def head(self, alert: str) -> Owed | None:
        """What is to be told of `alert` next."""
        queue = self.owed.get(alert)
        return queue[0] if queue else None

    def take(self, alert: str) -> Owed:
        """The head of an alert's queue, no longer owed; an end that it already holds goes with it."""
        queue = self.owed[alert]
        head = queue.popleft()
        while queue and head.what == "begin" and queue[0].what == "end" and queue[0].episode is head.episode:
            queue.popleft()
        if not queue:
            del self.owed[alert]
        return head

    def tell(self, alert: str, told: Told) -> None:
        """A delivery has its outcome."""
        known = self.told.get(alert)
        self.told[alert] = told if known is None else known.merged(told)

    def all_owed(self) -> Iterator[Owed]:
        """Everything that waits."""
        return (one for queue in self.owed.values() for one in queue)
