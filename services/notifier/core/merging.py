"""What a receiver that stays away is told the number of, and no more: the oldest of what began and was over meanwhile.

What fires, and the end of what was told, stays owed, however much it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.notifier.core.destinations import Destination
from services.notifier.core.episodes import Episode
from services.notifier.core.lanes import Lane, Owed
from services.notifier.core.notice import NoticedAlert
from services.notifier.core.planned import notified
from shared.messages.message import content_id
from shared.messages.notifications import Notification

MERGED = "merged"
"""In `muted_by` of the ledger."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may wait, and what may be under way."""

    waiting: int = 20_000
    """What one receiver is owed; beyond it the oldest of what has passed is merged."""
    open: int = 1_000
    """Notices under way at one destination; what is beyond waits, and may become one with what comes."""
    of_alert: int = 50
    """What a lane is owed of one alert: it takes a receiver that is away, and an alert that flaps all the while."""

    @property
    def waiting_after(self) -> int:
        """How much is left once there was too much: so that not each further one is looked for by itself."""
        return self.waiting * 9 // 10

    @property
    def open_again(self) -> int:
        """A destination that had too many under way gets more once so few are left."""
        return self.open // 2


@dataclass(slots=True)
class Merged:
    """What was let go at a destination since its last digest."""

    count: int = 0
    offset: int | None = None
    """Of the first event among them: whoever comes next reads the ledger from its time on."""

    def add(self, offset: int) -> None:
        """One more."""
        self.count += 1
        self.offset = offset if self.offset is None else min(self.offset, offset)

    def taken(self) -> "Merged":
        """All of it, for a digest that says so; nothing is left."""
        found = Merged(self.count, self.offset)
        self.count, self.offset = 0, None
        return found


def has_passed(owed: Owed) -> bool:
    """Whether it began, and was over before it could be told."""
    return owed.what == "begin" and owed.episode.is_over


def passed_of(lanes: Iterable[Lane]) -> Iterator[tuple[Lane, Owed]]:
    """What has passed of all that the lanes are owed."""
    return ((lane, one) for lane in lanes for one in lane.all_owed() if has_passed(one))


def oldest(lanes: Iterable[Lane], count: int) -> list[tuple[Lane, Owed]]:
    """As many of what has passed, those first that were over first. The last at each destination stays, for the
    digest that says how many more there were."""
    ordered = sorted(passed_of(lanes), key=lambda one: (one[1].episode.ended_ms or 0, one[1].episode.offset))
    last = {lane.destination.name: owed for lane, owed in ordered}
    return [(lane, owed) for lane, owed in ordered if owed is not last[lane.destination.name]][:count]


def merged_id(destination: Destination, episode: Episode) -> str:
    """Of the ledger's entry that a destination is told no more of an episode than that it is one of so many."""
    return content_id(MERGED, destination.name, episode.alert_id, str(episode.number))


def merged_record(lane: Lane, episode: Episode, now_ms: int) -> Notification:
    """That entry."""
    assert episode.end is not None, "what fires is told"
    return Notification(
        id=merged_id(lane.destination, episode),
        event_id=episode.end.id,
        alert_id=episode.alert_id,
        receiver=lane.destination.receiver,
        channel=lane.destination.kind,
        destination=lane.destination.name,
        group_key=lane.group_key,
        occasion="digest",
        alerts=[notified(NoticedAlert(episode.end, "passed"))],
        state="planned",
        at=now_ms,
        muted_by=[MERGED],
    )
