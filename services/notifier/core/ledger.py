"""What is known of past deliveries: a fold over `pantau.notifications`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DeliveryState = Literal["planned", "unknown", "failed", "sent"]

# What is final stays: two notifiers that overlap may both write, in any order.
_RANK: dict[DeliveryState, int] = {"planned": 0, "unknown": 1, "failed": 2, "sent": 3}


@dataclass(frozen=True, slots=True)
class Entry:
    """The state of one delivery, and when the bus last had word of it."""

    state: DeliveryState
    accepted_ms: int

    @property
    def is_final(self) -> bool:
        """Whether nothing is owed any more."""
        return self.state in ("sent", "failed")


class Ledger:
    """Deliveries by notification id, complete for what the bus accepted since `known_since_ms`.

    Holds at most `most` entries: the oldest go, and `known_since_ms` says so. The order of notes does not matter.
    What is older can be asked for: the answers stay until `dismiss_answers`, whatever else comes in.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[str, Entry] = {}
        self._answers: dict[str, Entry | None] = {}
        self.known_since_ms: int | None = None
        """None before anything was read."""

    def __len__(self) -> int:
        return len(self._entries)

    def complete_since(self, since_ms: int) -> None:
        """From `since_ms` on everything is being noted."""
        if self.known_since_ms is None or since_ms < self.known_since_ms:
            self.known_since_ms = since_ms

    def note(self, notification_id: str, state: DeliveryState, accepted_ms: int) -> None:
        """Fold in one message of the ledger."""
        entry = _merge(self._entries.pop(notification_id, None), Entry(state, accepted_ms))
        self._entries[notification_id] = entry  # as the newest
        self.note_answer(notification_id, state, accepted_ms)
        if len(self._entries) > self._most:
            self._forget_oldest(self._most // 4 or 1)

    def ask(self, notification_ids: Iterable[str]) -> None:
        """The whole ledger is about to be searched for these, and `note_answer` told of what is found."""
        for one in notification_ids:
            self._answers.setdefault(one, self._entries.get(one))

    def note_answer(self, notification_id: str, state: DeliveryState, accepted_ms: int) -> None:
        """Fold in one message about a delivery if it was asked for."""
        if notification_id in self._answers:
            self._answers[notification_id] = _merge(self._answers[notification_id], Entry(state, accepted_ms))

    def is_asked(self, notification_id: str) -> bool:
        """Whether it was asked for, so that `get` has all there is."""
        return notification_id in self._answers

    def dismiss_answers(self) -> None:
        """What was asked for has been decided upon."""
        self._answers.clear()

    def get(self, notification_id: str) -> Entry | None:
        """What is known of a delivery; None says nothing of what was not asked for and is older than
        `known_since_ms`."""
        return self._answers.get(notification_id) or self._entries.get(notification_id)

    def is_final(self, notification_id: str) -> bool:
        """Whether a delivery is known to be sent, or to have failed for good."""
        entry = self.get(notification_id)
        return entry is not None and entry.is_final

    def is_sent(self, notification_id: str) -> bool:
        """Whether a delivery is known to be sent."""
        entry = self.get(notification_id)
        return entry is not None and entry.state == "sent"

    def _forget_oldest(self, count: int) -> None:
        for _ in range(count):
            entry = self._entries.pop(next(iter(self._entries)))
            if self.known_since_ms is not None:
                self.known_since_ms = max(self.known_since_ms, entry.accepted_ms + 1)


def _merge(known: Entry | None, entry: Entry) -> Entry:
    if known is None:
        return entry
    state = max(known.state, entry.state, key=_RANK.__getitem__)
    return Entry(state, max(known.accepted_ms, entry.accepted_ms))
