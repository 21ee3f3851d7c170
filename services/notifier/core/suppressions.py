"""What the ledger says of alerts that were held back: by what, from when to when, and who was never told.

A fold over `pantau.notifications`, whose entries may come in any order. That an alert is held back is one entry, which
comes once more, under the same id, when it no longer is; that a destination read of it is a digest's.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence

from shared.messages.alerts import AlertEvent
from shared.messages.message import content_id
from shared.messages.notifications import Notification, NotifiedAlert

MOST_REMEMBERED = 20_000
MOST_SPANS = 100
"""Of one episode: one of a parent that comes and goes."""
MOST_UNDIGESTED = 5_000
"""Of one destination that wait for its digest."""
BEHIND = frozenset({"dependency", "suspected"})
DIGESTED = BEHIND | {"silence", "inhibited", "mute-time", "flapping", "quiet-hours"}
"""What people are told afterwards. A cooldown and an acknowledgement hold back what they know already."""

Name = tuple[str, int]
"""Alert id and episode."""
Scope = tuple[str, str]
"""Group key and destination, each empty where it is about all of them."""
EVERYWHERE: Scope = ("", "")
_NONE: Mapping[Scope, Notification] = {}


class Suppressions:
    """What is held back, and what was."""

    def __init__(self, keeps_undigested: bool = True) -> None:
        self._keeps_undigested = keeps_undigested
        self._latest: OrderedDict[Name, dict[Scope, Notification]] = OrderedDict()
        self._behind: dict[Name, None] = {}
        self._spans: OrderedDict[Name, list[tuple[int, int]]] = OrderedDict()
        self._digested: OrderedDict[tuple[str, Name], None] = OrderedDict()
        self.undigested: dict[str, dict[Name, NotifiedAlert]] = {}
        """By destination what it is to be told in its next digest: the end, and what held it back."""
        self.dropped = 0
        """How many of these were let go because there were too many."""

    def note(self, entry: Notification) -> None:
        """Fold in an entry of the ledger; what is no business of this fold changes nothing."""
        if not entry.muted_by:
            for one in entry.alerts if entry.occasion == "digest" else ():
                if one.muted_by:
                    self._tell(entry.destination, name_of(one))
        elif entry.alerts and entry.alerts[0].muted_since is not None:
            self._put(entry, entry.alerts[0])

    def of(self, name: Name) -> Mapping[Scope, Notification]:
        """What holds an episode back, or did last, for all and within each scope."""
        return self._latest.get(name, _NONE)

    def holding(self) -> list[tuple[Name, Notification]]:
        """All that is held back, with the entries that say so."""
        found = ((name, entry) for name, scopes in self._latest.items() for entry in scopes.values())
        return [(name, entry) for name, entry in found if not is_ended(entry)]

    @property
    def behind(self) -> Collection[Name]:
        """What is held back because it is behind something that is down, or may be."""
        return self._behind.keys()

    @property
    def suspected(self) -> set[str]:
        """The parents of which it is not known whether they are down, and children wait for it."""
        reasons = (self._latest[name][EVERYWHERE].muted_by[0] for name in self._behind)
        return {one.partition(":")[2] for one in reasons if kind_of(one) == "suspected"}

    def paused_ms(self, name: Name, since_ms: int, until_ms: int) -> int:
        """For how much of this time an episode was behind something that was down."""
        found = [min(end, until_ms) - max(begin, since_ms) for begin, end in self._spans.get(name, ())]
        current = self.of(name).get(EVERYWHERE)
        if current is not None and not is_ended(current) and kind_of(current.muted_by[0]) == "dependency":
            found.append(until_ms - max(current.alerts[0].muted_since or 0, since_ms))
        return sum(max(one, 0) for one in found)

    def held(self, name: Name) -> NotifiedAlert | None:
        """What held an episode back last, from when to when."""
        ended = [one.alerts[0] for one in self.of(name).values() if is_ended(one) and is_digested(one)]
        return max(ended, key=lambda one: one.muted_until or 0, default=None)

    def untold(self, name: Name) -> set[str]:
        """The destinations that read of an episode, which is over, in a digest instead."""
        return {destination for one in self.of(name).values() for destination in one.untold}

    def was_untold(self, name: Name) -> bool:
        """Whether an episode was over behind something that was down, or seemed so, and somebody was not told."""
        return any(one.untold and kind_of(one.muted_by[0]) in BEHIND for one in self.of(name).values())

    def event_ids(self) -> set[str]:
        """The events of which there is still to be told."""
        return {one.event_id for waiting in self.undigested.values() for one in waiting.values()}

    def take(self, destination: str, names: Iterable[Name]) -> None:
        """These are about to be told in a digest, or can't be."""
        waiting = self.undigested.get(destination, {})
        for name in names:
            waiting.pop(name, None)
        if not waiting:
            self.undigested.pop(destination, None)

    def _put(self, entry: Notification, alert: NotifiedAlert) -> None:
        name, scope, since_ms = name_of(alert), (entry.group_key, entry.destination), alert.muted_since or 0
        scopes = self._latest.setdefault(name, {})
        known = scopes.get(scope)
        is_newer = known is None or since_ms > (known.alerts[0].muted_since or 0)
        if known is None or is_newer or (entry.id == known.id and not (is_ended(known) and alert.muted_until is None)):
            scopes[scope] = entry
        self._see_behind(name)
        if alert.muted_until is not None:
            if kind_of(entry.muted_by[0]) == "dependency":
                self._add_span(name, (since_ms, alert.muted_until))
            for destination in entry.untold:
                self._owe(destination, name, alert)
        self._forget()

    def _see_behind(self, name: Name) -> None:
        known = self._latest[name].get(EVERYWHERE)
        if known is not None and not is_ended(known) and kind_of(known.muted_by[0]) in BEHIND:
            self._behind[name] = None
        else:
            self._behind.pop(name, None)

    def _add_span(self, name: Name, span: tuple[int, int]) -> None:
        spans = self._spans.setdefault(name, [])
        if span not in spans:
            spans.append(span)
            del spans[:-MOST_SPANS]

    def _owe(self, destination: str, name: Name, alert: NotifiedAlert) -> None:
        if not self._keeps_undigested or (destination, name) in self._digested:
            return
        waiting = self.undigested.setdefault(destination, {})
        waiting.setdefault(name, alert)
        if len(waiting) > MOST_UNDIGESTED:
            del waiting[next(iter(waiting))]
            self.dropped += 1

    def _tell(self, destination: str, name: Name) -> None:
        self._digested[destination, name] = None
        if len(self._digested) > MOST_REMEMBERED:
            self._digested.popitem(last=False)
        self.take(destination, [name])

    def _forget(self) -> None:
        """Let go of the oldest; what is held back now stays."""
        for _ in range(len(self._latest) - MOST_REMEMBERED):
            name, scopes = self._latest.popitem(last=False)
            if all(map(is_ended, scopes.values())):
                self._spans.pop(name, None)
            else:
                self._latest[name] = scopes


def name_of(alert: NotifiedAlert) -> Name:
    """Alert and episode."""
    return alert.alert_id, alert.episode


def kind_of(reason: str) -> str:
    """`silence` of `silence:ID`."""
    return reason.partition(":")[0]


def is_ended(entry: Notification) -> bool:
    """Whether what the entry speaks of is not held back any more."""
    return entry.alerts[0].muted_until is not None


def is_digested(entry: Notification) -> bool:
    """Whether who was not told because of it reads of it afterwards."""
    return kind_of(entry.muted_by[0]) in DIGESTED


def begun(event: AlertEvent, scope: Scope, receiver: str, reasons: Sequence[str], now_ms: int) -> Notification:
    """The ledger's entry that an alert, which fires by `event`, is held back from now on."""
    name = (event.alert_id, event.episode)
    alert = NotifiedAlert(
        alert_id=event.alert_id,
        event_id=event.id,
        episode=event.episode,
        transition=event.transition,
        status="firing",
        muted_by=list(reasons),
        muted_since=now_ms,
    )
    return Notification(
        id=content_id("muted", name[0], str(name[1]), *scope, str(now_ms), *reasons),
        event_id=event.id,
        alert_id=event.alert_id,
        receiver=receiver,
        channel="",
        group_key=scope[0],
        destination=scope[1],
        alerts=[alert],
        state="planned",
        at=now_ms,
        muted_by=list(reasons),
    )


def ended(entry: Notification, now_ms: int, end: AlertEvent | None = None, untold: Iterable[str] = ()) -> Notification:
    """The same once it is not held back any more; with `end`, because the alert is over, and `untold` don't know."""
    alert = entry.alerts[0]
    update: dict[str, object] = {"muted_until": max(now_ms, entry.at) if not is_ended(entry) else alert.muted_until}
    if end is not None:
        update |= {"event_id": end.id, "transition": end.transition, "status": "passed"}
    told = alert.model_copy(update=update)
    names = sorted({*entry.untold, *untold})
    return entry.model_copy(update={"alerts": [told], "at": now_ms, "untold": names})
