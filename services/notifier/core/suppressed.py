"""The digest of what was held back and is over: who reads of what, and when."""

from collections.abc import Callable, Mapping

from services.notifier.core.desk import Desk
from services.notifier.core.destinations import Destination
from services.notifier.core.episodes import Episode
from services.notifier.core.notice import Held, NoticedAlert
from services.notifier.core.planned import MOST_ALERTS
from services.notifier.core.suppressing import Suppressing
from services.notifier.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.notifications import NotifiedAlert
from shared.routing.tree import matching, walk

Beginnings = Callable[[str], tuple[int, ...]]
"""When the latest episodes of an alert began."""


class SuppressedDigests:
    """Asked at each moment of digests what is due."""

    def __init__(self, terms: Terms, desk: Desk, suppressing: Suppressing, beginnings: Beginnings) -> None:
        self._terms, self._desk, self._suppressing, self._beginnings = terms, desk, suppressing, beginnings
        self.dropped = 0
        """How many nobody can be told of any more: the destination, or the event, is gone."""

    def find(self, events: Mapping[str, tuple[AlertEvent, int]]) -> None:
        """All has been read: keep what is to be told of it."""
        for identity in self._suppressing.ledger.event_ids():
            if identity in events:
                self._suppressing.events.setdefault(identity, events[identity])

    def next_ms(self, now_ms: int) -> int | None:
        """The next moment at which something may be due; None if nothing waits."""
        return self._terms.suppressed_digest.next_ms(now_ms) if self._suppressing.ledger.undigested else None

    def look(self, now_ms: int) -> None:
        """Put what is due to the destinations."""
        ledger, events = self._suppressing.ledger, self._suppressing.events
        for name, waiting in list(ledger.undigested.items()):
            destination = self._destination(name)
            gone = [key for key, one in waiting.items() if destination is None or one.event_id not in events]
            self.dropped += len(gone)
            ledger.take(name, gone)
            if destination is not None:
                due = [key for key, one in waiting.items() if self._is_due(destination, one, now_ms)][:MOST_ALERTS]
                self._desk.put_suppressed(destination, [self._noticed(waiting[key]) for key in due])
                ledger.take(name, due)
        needed = ledger.event_ids()
        for identity in [one for one in events if one not in needed]:
            del events[identity]

    def _is_due(self, destination: Destination, one: NotifiedAlert, now_ms: int) -> bool:
        event, offset = self._suppressing.events[one.event_id]
        if self._terms.quiet_until_ms(destination, event.severity, now_ms) is not None:
            return False
        routes = [one for one in matching(self._terms.root, event.labels) if one.receiver == destination.receiver]
        if routes and all(self._terms.off(route, now_ms) for route in routes):
            return False
        # It began long ago: nothing is suspected any more.
        again = Episode(event, offset, event.episode, event.episode, beginnings_ms=self._beginnings(event.alert_id))
        return not self._terms.muted_by(again, now_ms)

    def _noticed(self, one: NotifiedAlert) -> tuple[NoticedAlert, int]:
        event, offset = self._suppressing.events[one.event_id]
        return NoticedAlert(event, "passed", Held.of(one)), offset

    def _destination(self, name: str) -> Destination | None:
        receivers = dict.fromkeys(route.receiver for route in walk(self._terms.root))
        found = (self._terms.destination(receiver, name) for receiver in receivers)
        return next((one for one in found if one is not None), None)
