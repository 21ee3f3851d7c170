"""What is written of alerts that are held back: its beginning, its end, and who was never told meanwhile."""

from collections.abc import Callable, Collection, Iterator, Sequence

from services.notifier.core.desk import Desk
from services.notifier.core.episodes import Episode, ways_of
from services.notifier.core.suppressions import (
    BEHIND,
    EVERYWHERE,
    Name,
    Scope,
    Suppressions,
    begun,
    ended,
    is_digested,
    is_ended,
    kind_of,
)
from services.notifier.core.terms import Terms
from shared.messages.alerts import AlertEvent
from shared.messages.notifications import Notification


class Suppressing:
    """Not thread safe; nothing in it waits."""

    def __init__(self, terms: Terms, desk: Desk) -> None:
        self._terms, self._desk = terms, desk
        self.ledger = Suppressions(keeps_undigested=terms.suppressed_digest.when != "off")
        self.writes = True
        """Not while what was decided before is only folded again."""
        self.is_live = False
        """Whether all that there was at the start has been folded."""
        self.events: dict[str, tuple[AlertEvent, int]] = {}
        """Those that digests are to tell of, by id, each with the offset of the first that its alert needs."""
        self._records: list[Notification] = []
        self._unwritten: dict[str, tuple[int, int]] = {}

    def records(self) -> list[Notification]:
        """What is to be written, once."""
        found, self._records = self._records, []
        return found

    def anchors(self) -> Iterator[int]:
        """The offsets of the events from which what is yet to be written follows, and of which digests are to tell."""
        yield from (offset for _, offset in self._unwritten.values())
        yield from (offset for _, offset in self.events.values())

    def unwritten_ms(self) -> Iterator[int]:
        """When what is yet to be written became known."""
        return (at_ms for at_ms, _ in self._unwritten.values())

    def note(self, entry: Notification) -> None:
        """Fold in an entry of the ledger."""
        self._unwritten.pop(entry.id, None)
        self.ledger.note(entry)

    def mute(
        self, episode: Episode, reasons: Sequence[str], now_ms: int, scope: Scope = EVERYWHERE, receiver: str = ""
    ) -> None:
        """It is held back, for all or within `scope`; written when that is news."""
        known = self.ledger.of(_name(episode)).get(scope)
        if not self.writes or self._is_decided(known, now_ms):
            return
        if known is not None and not is_ended(known):
            if known.muted_by == list(reasons):
                return
            self._write(ended(known, now_ms), episode.offset)
        record = begun(episode.firing, scope, receiver, reasons, now_ms)
        if known is None or known.id != record.id:  # else the same was over at this very instant
            self._write(record, episode.offset)

    def release(self, episode: Episode, now_ms: int, scope: Scope = EVERYWHERE) -> None:
        """Nothing holds it back there any more."""
        known = self.ledger.of(_name(episode)).get(scope)
        if self.writes and known is not None and not is_ended(known) and not self._is_decided(known, now_ms):
            self._write(ended(known, now_ms), episode.offset)

    def end(self, episode: Episode, now_ms: int, untold: Collection[str] | None = None) -> None:
        """It is over. Who does not know of it, because it was held back, reads of it in a digest; `untold`: who that
        is, where it is known."""
        if not self.writes:
            return
        end = episode.end if episode.end is not None and episode.end.episode == episode.number else None
        for known in list(self.ledger.of(_name(episode)).values()):
            names = self._untold(episode, known, now_ms) if untold is None else untold
            if end is None or not is_digested(known):
                names = ()
            if is_ended(known) and set(names) <= set(known.untold):
                continue
            if names and end is not None and self._terms.suppressed_digest.when != "off":
                self.events[end.id] = end, episode.offset
            self._write(ended(known, now_ms, end, names), episode.offset)

    def close_others(self, has: Callable[[str, int], bool], now_ms: int) -> None:
        """All but the episodes that there are (`has`) was over before we came."""
        for name, entry in self.ledger.holding():
            if not has(*name):
                self._write(ended(entry, now_ms))

    def untold(self, episode: Episode) -> set[str]:
        """The destinations that read of it in a digest instead."""
        return self.ledger.untold(_name(episode))

    def was_behind(self, episode: Episode) -> bool:
        """Whether it is, or was, held back for what it is behind."""
        known = self.ledger.of(_name(episode)).get(EVERYWHERE)
        return known is not None and kind_of(known.muted_by[0]) in BEHIND

    def was_untold(self, episode: Episode) -> bool:
        """Whether it was over behind something that was down, or seemed so, and somebody was not told."""
        return self.ledger.was_untold(_name(episode))

    def paused_ms(self, episode: Episode, since_ms: int, now_ms: int) -> int:
        """For how much of this time an episode was behind something that was down."""
        return self.ledger.paused_ms(_name(episode), since_ms, now_ms)

    def _is_decided(self, known: Notification | None, now_ms: int) -> bool:
        """Whether somebody has decided at that time, or later, who knew what mutes then."""
        return known is not None and (known.at > now_ms or (known.at == now_ms and not self.is_live))

    def _untold(self, episode: Episode, known: Notification, now_ms: int) -> Collection[str]:
        """The destinations that would have been told of an episode, and don't know of it."""
        found = dict[str, None]()
        for route, _, key in ways_of(self._terms.root, episode):
            if known.group_key not in ("", key):
                continue
            for destination in self._terms.destinations(route.receiver, now_ms):
                if known.destination in ("", destination.name):
                    told = self._desk.known_at(key, destination.name, episode.alert_id)
                    if told is None or told.episode < episode.number:
                        found[destination.name] = None
        return found

    def _write(self, record: Notification, offset: int | None = None) -> None:
        self.ledger.note(record)
        if offset is not None:
            self._unwritten[record.id] = record.at, offset
        self._records.append(record)


def _name(episode: Episode) -> Name:
    return episode.alert_id, episode.number
