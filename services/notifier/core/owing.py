"""What is still owed to whom: alert events and the ledger in, deliveries out, in the order of each alert.

A lane is one alert at one receiver. Its deliveries go out one after another; lanes don't wait for one another.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.notifier.core.ledger import Ledger
from services.notifier.core.progress import Progress
from shared.messages.alerts import AlertEvent, event_id
from shared.messages.notifications import notification_id

Lane = tuple[str, str]
"""(receiver, alert id)"""

# An episode has a handful; a message that claims a billion must not hold us up.
MOST_TRANSITIONS = 64


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one receiver."""

    id: str
    receiver: str
    event: AlertEvent
    partition: int
    offset: int
    begun_before: bool
    """The ledger knows of it, but not what became of it: it may have arrived already."""

    @property
    def lane(self) -> Lane:
        """Where it queues."""
        return (self.receiver, self.event.alert_id)


@dataclass(slots=True)
class _Queue:
    waiting: deque[Delivery] = field(default_factory=deque)
    announced: set[int] = field(default_factory=set)
    """Episodes that this receiver knows of."""


def not_sent_because(event: AlertEvent) -> str | None:
    """Why nobody is told of `event`; None if people are."""
    if event.shadow:
        return "shadow"
    return None if event.state in ("firing", "resolved") else event.state


def announcements(event: AlertEvent, receiver: str) -> list[str]:
    """The ids of the notifications that may have told `receiver` of this episode before `event`, newest first."""
    return [
        notification_id(event_id(event.alert_id, event.episode, transition), receiver)
        for transition in range(event.transition - 1, max(event.transition - 1 - MOST_TRANSITIONS, 0), -1)
    ]


def known_from_ms(event: AlertEvent) -> int:
    """The earliest time at which the ledger may speak of `event`, or of what announced it."""
    if event.state == "resolved":
        return event.episode if event.fired_at is None else event.fired_at
    return event.instant


def unanswered(
    events: Iterable[AlertEvent], receivers: Sequence[str], ledger: Ledger, margin_ms: int
) -> dict[str, int]:
    """The notification ids that decide about `events` and that are older than what `ledger` remembers, each with the
    time from which on it has to be looked for. `margin_ms` is how far instants may run ahead of the bus's clock."""
    ids: dict[str, int] = {}
    for event in events:
        since_ms = known_from_ms(event) - margin_ms
        if ledger.known_since_ms is not None and since_ms >= ledger.known_since_ms:
            continue
        for receiver in receivers:
            asked = [notification_id(event.id, receiver)]
            if event.state == "resolved":
                asked += announcements(event, receiver)
            ids.update((one, since_ms) for one in asked if not ledger.is_asked(one))
    return ids


class Owing:
    """The deliveries that are owed, and how far the events are done with."""

    def __init__(self, receivers: Sequence[str]) -> None:
        self._receivers = tuple(receivers)
        self._queues: dict[Lane, _Queue] = {}
        self._progress: dict[int, Progress] = {}
        self._ids: set[str] = set()
        self.waiting: Counter[str] = Counter()
        """Deliveries without an outcome, by receiver."""

    @property
    def events_in_flight(self) -> int:
        """Events that some receiver is still owed."""
        return sum(len(progress) for progress in self._progress.values())

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions that are being worked on."""
        return frozenset(self._progress)

    def begin(self, partition: int, offset: int | None) -> None:
        """Events of `partition` come from `offset` on (None: from its beginning)."""
        self._progress[partition] = Progress(offset)

    def next_offset(self, partition: int) -> int | None:
        """Where reading `partition` goes on; None at its beginning."""
        return self._progress[partition].next_offset

    def committable(self) -> dict[int, int]:
        """Per partition, the offset before which every receiver of every event has its final outcome."""
        found = {partition: progress.committable for partition, progress in self._progress.items()}
        return {partition: offset for partition, offset in found.items() if offset is not None}

    def forget(self) -> None:
        """Somebody else does the work from now on."""
        self._queues.clear()
        self._progress.clear()
        self._ids.clear()
        self.waiting.clear()

    def read_to(self, partition: int, next_offset: int) -> None:
        """All messages of `partition` before `next_offset` were taken, or are of no concern."""
        self._progress[partition].read_to(next_offset)

    def take(self, partition: int, offset: int, event: AlertEvent, ledger: Ledger) -> list[Delivery]:
        """The deliveries that `event`, read at `offset`, adds to what is owed.

        `ledger` must know what decides about it (`unanswered` is empty). An event that comes twice adds nothing.
        """
        progress = self._progress[partition]
        if progress.has_read(offset):
            return []
        added = []
        if not_sent_because(event) is None:
            for receiver in self._receivers:
                identity = notification_id(event.id, receiver)
                if identity in self._ids or ledger.is_final(identity):
                    continue
                begun_before = ledger.get(identity) is not None
                added.append(Delivery(identity, receiver, event, partition, offset, begun_before))
        for delivery in added:
            self._enqueue(delivery, ledger)
        progress.read(offset, len(added))
        return added

    def head(self, lane: Lane) -> Delivery | None:
        """The delivery that is next in `lane`; None if nothing is."""
        queue = self._queues.get(lane)
        return queue.waiting[0] if queue else None

    def is_due(self, delivery: Delivery) -> bool:
        """Whether the head of a lane is to be sent: the end of what was never announced is not."""
        return delivery.event.state != "resolved" or delivery.event.episode in self._queues[delivery.lane].announced

    def settle(self, delivery: Delivery, sent: bool) -> None:
        """The head of a lane has its final outcome, which the ledger holds."""
        queue = self._queues[delivery.lane]
        queue.waiting.popleft()
        if sent and delivery.event.state == "firing":
            queue.announced.add(delivery.event.episode)
        if not queue.waiting:
            del self._queues[delivery.lane]
        self._ids.discard(delivery.id)
        self.waiting[delivery.receiver] -= 1
        self._progress[delivery.partition].settle(delivery.offset)

    def _enqueue(self, delivery: Delivery, ledger: Ledger) -> None:
        queue = self._queues.setdefault(delivery.lane, _Queue())
        # Read now, since the ledger may forget before the lane gets there.
        if delivery.event.state == "resolved" and any(
            ledger.is_sent(one) for one in announcements(delivery.event, delivery.receiver)
        ):
            queue.announced.add(delivery.event.episode)
        queue.waiting.append(delivery)
        self._ids.add(delivery.id)
        self.waiting[delivery.receiver] += 1
