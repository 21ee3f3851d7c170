"""What could not be told in time, or at all, goes to the receiver's fallback."""

from services.notifier.core.desk import Desk, Open
from services.notifier.core.lanes import Forward
from services.notifier.core.ledger import Ledger
from services.notifier.core.suppressions import Suppressions
from services.notifier.core.terms import Terms
from shared.messages.notifications import Notification

STILL_MS = 1_000
"""How often a deadline is looked at that stands still."""


class FailOver:
    """Not thread safe; nothing in it waits."""

    def __init__(self, terms: Terms, desk: Desk, ledger: Ledger, suppressions: Suppressions) -> None:
        self._terms, self._desk, self._ledger, self._suppressions = terms, desk, ledger, suppressions
        self._records: list[Notification] = []

    def records(self) -> list[Notification]:
        """What is to be written, once: of what need not arrive any more."""
        found, self._records = self._records, []
        return found

    def due_ms(self, notification_id: str, now_ms: int) -> int | None:
        """Until when a notice under way is to have arrived; None if it may take as long as it does. The deadline stands
        still while all that it tells is behind something that is down."""
        opened = self._desk.opened(notification_id)
        if opened is None or (fallback := self._terms.fallback(opened.planned.destination.receiver)) is None:
            return None
        alerts = opened.planned.record.alerts
        paused = [self._suppressions.paused_ms((one.alert_id, one.episode), opened.since_ms, now_ms) for one in alerts]
        return opened.since_ms + fallback.after_ms + min(paused, default=0)

    def look(self, notification_id: str, now_ms: int) -> int | None:
        """See whether a notice that has not arrived is to go another way; when to look again if not yet."""
        due_ms = self.due_ms(notification_id, now_ms)
        if due_ms is not None and due_ms > now_ms:
            return max(due_ms, now_ms + STILL_MS)
        if due_ms is not None and (opened := self._desk.opened(notification_id)) is not None:
            self.forward(forward_of(opened), now_ms)
        return None

    def forward(self, forward: Forward, now_ms: int) -> None:
        """Have the receiver's fallback told what it could not be."""
        record, fallback = forward.record, self._terms.fallback(forward.record.receiver)
        if fallback is None:
            return
        lanes = [
            self._desk.lane(record.group_key, destination)
            for destination in self._terms.destinations(fallback.receiver, now_ms)
        ]
        owed = [self._desk.forward(lane, forward) for lane in lanes]
        if owed and not any(owed):
            self.replaced(record, fallback.receiver, now_ms)

    def replaced(self, original: Notification, receiver: str, at_ms: int) -> None:
        """Somebody else has what `original` tells: it need not arrive any more."""
        if original.id in self._ledger.unfinished:
            self.give_up(original, f"{receiver} was told instead", at_ms)

    def give_up(self, original: Notification, why: str, at_ms: int) -> None:
        """It is not tried any more."""
        self._records.append(original.model_copy(update={"state": "failed", "at": at_ms, "reason": why}))


def forward_of(opened: Open) -> Forward:
    """What another is to be told of a notice."""
    return Forward(opened.planned.record, opened.planned.notice.alerts, opened.offset)
