"""What the ledger says of what was merged: let go because a receiver was owed too much."""

from collections.abc import Iterator

from services.notifier.core.desk import Desk
from services.notifier.core.destinations import Destination
from services.notifier.core.episodes import Episode
from services.notifier.core.ledger import Ledger
from services.notifier.core.merging import MERGED, merged_id, merged_record
from services.notifier.core.terms import Terms
from shared.messages.notifications import Notification


class Merges:
    """Not thread safe; nothing in it waits."""

    def __init__(self, terms: Terms, desk: Desk, ledger: Ledger) -> None:
        self._terms, self._desk, self._ledger = terms, desk, ledger
        self._records: list[Notification] = []
        self._unwritten: dict[str, int] = {}

    def records(self) -> list[Notification]:
        """What is to be written, once."""
        found, self._records = self._records, []
        return found

    def unwritten_ms(self) -> Iterator[int]:
        """When what is yet to be written became due."""
        return iter(self._unwritten.values())

    def read(self, entry: Notification) -> None:
        """An entry of before the start, which the ledger does not know yet: how much was merged, and of how many a
        digest has told."""
        is_merged = entry.muted_by == [MERGED]
        if (is_merged or entry.merged) and not self._ledger.knows(entry.id):
            destination = self._terms.destination(entry.receiver, entry.destination)
            if destination is not None:
                self._desk.count_merged(destination, 1 if is_merged else -entry.merged)

    def note(self, entry: Notification) -> None:
        """An entry is written."""
        self._unwritten.pop(entry.id, None)

    def merge(self, now_ms: int) -> None:
        """Tell the ledger what is owed no more because a receiver is owed too much."""
        for lane, owed in self._desk.merge():
            if self.is_merged(lane.destination, owed.episode):
                continue  # by whoever was active before
            record = merged_record(lane, owed.episode, now_ms)
            self._desk.places[lane.destination.name].merged.add(owed.episode.offset)
            self._unwritten[record.id] = owed.flush_ms
            self._ledger.note(record)
            self._records.append(record)

    def is_merged(self, destination: Destination, episode: Episode) -> bool:
        """Whether a destination is told no more of an episode than that it is one of so many."""
        return self._ledger.is_muted(merged_id(destination, episode))
