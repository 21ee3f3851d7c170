"""What was under way, had failed or waits for a digest when whoever was active before ended: found again in the ledger
and the events."""

from collections.abc import Iterable

from services.notifier.core.desk import Desk
from services.notifier.core.ledger import Ledger
from services.notifier.core.notice import Held, NoticedAlert
from services.notifier.core.suppressions import Suppressions
from services.notifier.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.notifications import Notification

MOST_FAILED = 1_000

Alerts = tuple[tuple[NoticedAlert, ...], int]
"""What a notification tells, and the offset of its first event."""


class Resuming:
    """Collects, while all there is is read, the events that are needed."""

    def __init__(self, terms: Terms, desk: Desk, ledger: Ledger, suppressions: Suppressions) -> None:
        self._terms, self._desk, self._ledger, self._suppressions = terms, desk, ledger, suppressions
        self._failed: dict[str, Notification] = {}
        self._wanted: set[str] | None = None
        self.events: dict[str, tuple[AlertEvent, int]] = {}
        """By id those that are needed, with their offsets."""

    @property
    def failed(self) -> list[Notification]:
        """What has failed, so that somebody else may have to be told."""
        return list(self._failed.values())

    def note_failed(self, entry: Notification) -> None:
        """A notification has failed for good."""
        self._failed[entry.id] = entry
        if len(self._failed) > MOST_FAILED:
            del self._failed[next(iter(self._failed))]

    def take(self, event: AlertEvent, offset: int) -> None:
        """Keep the event if it is needed."""
        if event.id in self.sought():
            self.events.setdefault(event.id, (event, offset))  # the first is from the bus

    def sought(self) -> set[str]:
        """The ids of the events that are needed. The ledger is read: what was under way keeps its place."""
        if self._wanted is None:
            under_way = list(self._ledger.unfinished.values())
            self._wanted = _event_ids([*under_way, *self._failed.values()]) | self._suppressions.event_ids()
            for entry in under_way:
                destination = self._terms.destination(entry.receiver, entry.destination)
                if entry.occasion != "test" and destination is not None:
                    self._desk.reserve(self._desk.lane(entry.group_key, destination), entry)
        return self._wanted

    def alerts(self, entry: Notification) -> Alerts | None:
        """What a notification of earlier tells; None if the bus has it no more."""
        found = [self.events.get(one.event_id) for one in entry.alerts]
        there = [one for one in found if one is not None]
        if not there or len(there) < len(found):
            return None
        told = zip(there, entry.alerts, strict=True)
        noticed = tuple(NoticedAlert(event, one.status, Held.of(one)) for (event, _), one in told)
        return noticed, min(offset for _, offset in there)

    def end(self) -> None:
        """All is resumed: let go."""
        self._failed.clear()
        self.events.clear()


def _event_ids(entries: Iterable[Notification]) -> set[str]:
    return {one.event_id for entry in entries for one in entry.alerts}
