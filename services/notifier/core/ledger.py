"""What the ledger says of notifications: which are under way, which have their outcome, and what is held back."""

from collections import OrderedDict
from typing import Literal

from shared.messages.notifications import Notification

DeliveryState = Literal["planned", "unknown", "failed", "sent"]

# What is final stays: two notifiers that overlap may both write, in any order.
_RANK: dict[DeliveryState, int] = {"planned": 0, "unknown": 1, "failed": 2, "sent": 3}
MOST_MUTED = 100_000


class Ledger:
    """A fold over `pantau.notifications`. The order of the entries of different notifications does not matter."""

    def __init__(self, most_final: int) -> None:
        self._most_final = most_final
        self._final: OrderedDict[str, DeliveryState] = OrderedDict()
        self._muted: OrderedDict[str, None] = OrderedDict()
        self.unfinished: dict[str, Notification] = {}
        """The first entry of each notification that has no outcome yet, by id."""

    def __len__(self) -> int:
        return len(self._final) + len(self.unfinished)

    def note(self, entry: Notification) -> bool:
        """Fold in one entry; whether it is an outcome that was not known."""
        if entry.muted_by:
            self._muted[entry.id] = None
            _bound(self._muted, MOST_MUTED)
            return False
        known = self._final.get(entry.id)
        if entry.state in ("planned", "unknown"):
            if known is None:
                self.unfinished.setdefault(entry.id, entry)
            return False
        if known is not None and _RANK[known] >= _RANK[entry.state]:
            return False
        self.unfinished.pop(entry.id, None)
        self._final[entry.id] = entry.state
        _bound(self._final, self._most_final)
        return True

    def knows(self, notification_id: str) -> bool:
        """Whether there was an entry of that id."""
        return notification_id in self._final or notification_id in self.unfinished or notification_id in self._muted

    def is_final(self, notification_id: str) -> bool:
        """Whether a notification was sent, or has failed for good."""
        return notification_id in self._final

    def is_sent(self, notification_id: str) -> bool:
        """Whether a notification was sent."""
        return self._final.get(notification_id) == "sent"

    def is_muted(self, notification_id: str) -> bool:
        """Whether it is written that an alert is held back."""
        return notification_id in self._muted


def _bound(entries: "OrderedDict[str, DeliveryState] | OrderedDict[str, None]", most: int) -> None:
    while len(entries) > most:
        entries.popitem(last=False)
