"""All lanes: what each destination was told of each group, what it is owed, and what is under way."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from services.notifier.core.destinations import Destination
from services.notifier.core.episodes import Episode
from services.notifier.core.lanes import Forward, Lane, Owed, Told
from services.notifier.core.merging import Limits, Merged, has_passed, oldest
from services.notifier.core.notice import NoticedAlert, Occasion
from services.notifier.core.planned import Planned, told_by
from shared.messages.notifications import Notification, NotifiedAlert

DIGEST = ""
"""The group key of the lane in which a destination is told of all groups together."""
MOST_DIGESTED = 10_000

Keys = Callable[[Episode], Collection[str]]
"""The keys of the groups that an alert is in, by the routes of now."""


@dataclass(slots=True)
class Place:
    """One destination."""

    destination: Destination
    lanes: dict[str, Lane] = field(default_factory=dict)
    """By group key."""
    active: dict[str, Lane] = field(default_factory=dict)
    """Those of them that are owed something."""
    ready: dict[str, Lane] = field(default_factory=dict)
    """Those of these that are to be looked at: not what is under way, and not what waited when it was looked at."""
    waiting: dict[str, Lane] = field(default_factory=dict)
    """Those that could not be told when they were looked at, until something is settled or a time has come."""
    passed: dict[str, Lane] = field(default_factory=dict)
    """Those that are owed something that was over before it could be told, by group key; and maybe some more."""
    busy: Counter[str] = field(default_factory=Counter)
    """The alerts that a notice under way speaks of."""
    open: int = 0
    """Notices under way."""
    full_since_ms: int | None = None
    """Since when there are too many of them for all that is owed; None if there are not."""
    merged: Merged = field(default_factory=Merged)
    """What is no longer owed one by one."""
    suppressed: list[tuple[NoticedAlert, int]] = field(default_factory=list)
    """What was held back, is over, and is to be told in a digest now; each with the offset of its event."""

    @property
    def digest(self) -> Lane:
        """The lane of what began and was over before it could be told."""
        found = self.lanes.get(DIGEST)
        if found is None:
            found = self.lanes[DIGEST] = Lane(DIGEST, self.destination)
        return found

    def forget(self, group_key: str) -> None:
        """The lane of a group is no more."""
        for lanes in (self.lanes, self.ready, self.waiting, self.passed):
            lanes.pop(group_key, None)

    def look_again(self) -> None:
        """What waited may be told now."""
        self.ready |= self.waiting
        self.waiting.clear()

    def free(self, alerts: Iterable[str]) -> None:
        """A notice that speaks of `alerts` is no longer under way."""
        for alert in alerts:
            self.busy[alert] -= 1
            if not self.busy[alert]:
                del self.busy[alert]


@dataclass(slots=True)
class Open:
    """A notice under way."""

    lane: Lane
    planned: Planned
    offset: int
    """Of the first event that it speaks of."""
    due_ms: int
    """The first look at a group at which some of it became due."""
    since_ms: int
    """Since when it would have been sent, had the destination taken what came before."""
    instead_of: Notification | None = None
    """What another destination need not be told once this has arrived."""


class Desk:
    """What is owed, by destination; nothing here decides when."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.places: dict[str, Place] = {}
        self.touched: dict[str, None] = {}
        """The destinations at which something may have to be sent."""
        self._of_group: dict[str, dict[str, Lane]] = {}
        self._open: dict[str, Open] = {}
        self._knowing: dict[str, dict[tuple[str, str], Lane]] = {}
        self._grown: Counter[str] = Counter()
        self._merged: list[tuple[Lane, Owed]] = []

    def lane(self, group_key: str, destination: Destination) -> Lane:
        """The lane of a group at a destination."""
        name = destination.name
        place = self.places.setdefault(name, Place(destination))
        if group_key == DIGEST:
            return place.digest
        if group_key not in place.lanes:
            place.lanes[group_key] = Lane(group_key, destination)
            self._of_group.setdefault(group_key, {})[name] = place.lanes[group_key]
        return place.lanes[group_key]

    def lanes_of(self, group_key: str) -> list[Lane]:
        """The lanes of a group."""
        return list(self._of_group.get(group_key, {}).values())

    def known(self, lane: Lane, alert: str) -> Told | None:
        """What the destination of `lane` will know of `alert` once everything owed has arrived."""
        own, digest = lane.known(alert), self.places[lane.destination.name].digest.known(alert)
        return own if digest is None else digest if own is None else own.merged(digest)

    def known_at(self, group_key: str, destination: str, alert: str) -> Told | None:
        """The same by name; None also where there is no such lane yet."""
        place = self.places.get(destination)
        lane = None if place is None else place.lanes.get(group_key)
        if lane is not None:
            return self.known(lane, alert)
        return None if place is None else place.digest.known(alert)

    # What is owed

    def owe_begin(self, lane: Lane, episode: Episode, at_ms: int, occasion: Occasion = "change") -> None:
        """An episode fires; whoever does not know of it is to."""
        known = self.known(lane, episode.alert_id)
        if known is None or known.episode < episode.number:
            self._owe(lane, Owed("begin", episode, at_ms, occasion))
            self._knows(lane, episode.alert_id)

    def owe_end(self, group_key: str, episode: Episode, at_ms: int, keys: Keys) -> None:
        """An episode is over; whoever knows of its beginning, or will, is to know. That is whom the group tells, and
        who was told before the routes were changed."""
        alert = episode.alert_id
        knowing = self._knowing.get(alert)
        if not knowing:
            return
        current = keys(episode)
        for lane in list(knowing.values()):
            if lane.group_key != group_key and lane.group_key in current:
                continue
            known = self.known(lane, alert)
            if known is None or known.episode != episode.number or known.over:
                continue
            queue = lane.owed.get(alert)
            if queue and queue[-1].episode is episode:
                self.touch(lane.destination.name)  # nothing of it has been told: it is told as passed
            elif lane.destination.send_resolved:
                self._owe(lane, Owed("end", episode, at_ms))
            else:
                lane.tell(alert, Told(episode.number, over=True, announced=False))
                self._knows(lane, alert)

    def see_end(self, episode: Episode) -> None:
        """An episode is over: where it still waits it has passed."""
        for lane in self._knowing.get(episode.alert_id, {}).values():
            if episode.alert_id in lane.owed:
                self.places[lane.destination.name].passed[lane.group_key] = lane

    def owe_repeat(self, lane: Lane) -> None:
        """What fires is to be told again."""
        lane.repeat_due = True
        self._activate(lane)

    def forward(self, lane: Lane, forward: Forward) -> bool:
        """`lane` is to be told what another could not be; False if it knows all of it."""
        if not any(_is_news(one, self.known(lane, one.alert_id)) for one in forward.record.alerts):
            return False
        if all(one.record.id != forward.record.id for one in lane.forwards):
            lane.forwards.append(forward)
            self._activate(lane)
        return True

    def put_suppressed(self, destination: Destination, alerts: Sequence[tuple[NoticedAlert, int]]) -> None:
        """A destination is to be told of these in a digest."""
        if alerts:
            self.lane(DIGEST, destination)
            self.places[destination.name].suppressed += alerts
            self.touch(destination.name)

    def touch(self, name: str) -> None:
        """Something may have to be sent to the destination."""
        self.touched[name] = None

    def look_again(self, name: str) -> None:
        """What waited at the destination may be told now."""
        if (place := self.places.get(name)) is not None:
            place.look_again()
        self.touch(name)

    # What is under way

    def open(self, lane: Lane, opened: Open) -> None:
        """A notice is under way."""
        told = told_by(opened.planned.record, announced=True)
        lane.open, lane.opened = opened.planned.record.id, lane.opened | told
        self._open[opened.planned.record.id] = opened
        self.places[lane.destination.name].open += 1
        self.places[lane.destination.name].busy.update(told.keys())
        for alert in told:
            self._knows(lane, alert)
        self.places[lane.destination.name].ready.pop(lane.group_key, None)
        if not lane.has_work:
            self.places[lane.destination.name].active.pop(lane.group_key, None)

    def reserve(self, lane: Lane, entry: Notification) -> None:
        """A notice was under way at the end of whoever was active before."""
        lane.open, lane.opened = entry.id, lane.opened | told_by(entry, announced=True)
        for one in entry.alerts:
            self._knows(lane, one.alert_id)

    def opened(self, notification_id: str) -> Open | None:
        """The notice under way that has this id."""
        return self._open.get(notification_id)

    def settle(self, lane: Lane, entry: Notification) -> Open | None:
        """A notice has its outcome; what it was, unless that was before the start."""
        for alert, told in told_by(entry, announced=entry.state == "sent").items():
            lane.tell(alert, told)
            self._knows(lane, alert)
        lane.last_told_ms = max(lane.last_told_ms, entry.at)
        place = self.places[lane.destination.name]
        opened = self._open.pop(entry.id, None)
        if opened is not None:
            place.open -= 1
            place.free(told_by(entry, announced=True))
        if lane.open == entry.id:
            lane.open, lane.opened = None, {}
            if lane.has_work:
                place.ready[lane.group_key] = lane
        self.look_again(lane.destination.name)
        return opened

    # Who was told before

    def adopt(self, lane: Lane, episode: Episode, keys: Keys) -> None:
        """Under other routes the same destination may have been told of the alert: then `lane` knows of it."""
        alert = episode.alert_id
        if alert in lane.told or not (knowing := self._knowing.get(alert)):
            return
        current = keys(episode)
        for other in list(knowing.values()):
            told = other.told.get(alert)
            if other.destination.name != lane.destination.name or other.group_key in current or told is None:
                continue
            if told.episode == episode.number and not told.over:
                lane.tell(alert, other.told.pop(alert))
                self._knowing[alert].pop((other.group_key, other.destination.name), None)
                self._knows(lane, alert)
                lane.last_told_ms = max(lane.last_told_ms, other.last_told_ms)
                return

    def first_told_ms(self, group_key: str, episode: Episode) -> int | None:
        """When the first destination was told that an episode fires; None if none was."""
        found = [
            told.at_ms
            for lane in self.lanes_of(group_key)
            if (told := lane.told.get(episode.alert_id)) is not None
            and told.episode == episode.number
            and told.announced
        ]
        return min(found, default=None)

    def forget(self, group_key: str) -> None:
        """The group is no more: let go of its lanes that have nothing to do."""
        lanes = self._of_group.get(group_key, {})
        for name, lane in list(lanes.items()):
            if lane.is_idle and all(told.over for told in lane.told.values()):
                del lanes[name]
                self.places[name].forget(group_key)
        if not lanes:
            self._of_group.pop(group_key, None)

    def forget_others(self, group_keys: Collection[str]) -> None:
        """The same for all groups but these."""
        for key in [one for one in self._of_group if one not in group_keys]:
            self.forget(key)

    def tidy(self, group_key: str, alerts: Collection[str]) -> None:
        """Let go of what destinations know of alerts that are over, and not among `alerts` of the group."""
        for lane in self.lanes_of(group_key):
            for alert in [one for one, told in lane.told.items() if told.over and one not in alerts]:
                if alert not in lane.owed and alert not in lane.opened:
                    del lane.told[alert]
            digest = self.places[lane.destination.name].digest
            while len(digest.told) > MOST_DIGESTED:
                del digest.told[next(iter(digest.told))]

    def renewals(self, before_ms: int) -> list[Notification]:
        """What the ledger said before then of who knows that an alert fires, as far as it still does."""
        found: dict[str, tuple[Notification, list[str]]] = {}
        for place in self.places.values():
            for lane in place.lanes.values():
                for alert, told in lane.told.items():
                    if told.announced and not told.over and told.source is not None and told.source.at < before_ms:
                        found.setdefault(told.source.id, (told.source, []))[1].append(alert)
        return [
            entry.model_copy(update={"alerts": [one for one in entry.alerts if one.alert_id in alerts]})
            for entry, alerts in found.values()
        ]

    # How it stands

    def owed(self) -> Iterator[Owed]:
        """Everything that is owed and not under way, with what was let go and is not written yet."""
        for place in self.places.values():
            for lane in place.active.values():
                yield from lane.all_owed()
        yield from (one for _, one in self._merged)

    def anchors(self, first: int | None) -> Iterator[int]:
        """The offsets of the events that are still to be told of; `first` was read first."""
        yield from (one.episode.offset for one in self.owed())
        yield from (one.offset for one in self._open.values())
        for place in self.places.values():
            if place.merged.count and (offset := place.merged.offset or first) is not None:
                yield offset
        for place in self.places.values():
            yield from (offset for _, offset in place.suppressed)
            for lane in place.active.values():
                yield from (one.offset for one in lane.forwards)

    def waiting_by_receiver(self) -> Counter[str]:
        """How much each receiver is owed, with what is under way."""
        found: Counter[str] = Counter()
        for place in self.places.values():
            for lane in place.active.values():
                found[place.destination.receiver] += sum(map(len, lane.owed.values())) + len(lane.forwards)
        for opened in self._open.values():
            found[opened.lane.destination.receiver] += 1
        return found

    def count_merged(self, destination: Destination, count: int) -> None:
        """So many more, or fewer, were merged before the start than a digest has told of."""
        merged = self.places.setdefault(destination.name, Place(destination)).merged
        merged.count = max(merged.count + count, 0)

    def merge(self) -> list[tuple[Lane, Owed]]:
        """Let go of the oldest of what has passed, where there is too much: what that was."""
        grown = [name for name, count in self._grown.items() if count * 10 > self._limits.waiting]
        for receiver in grown:
            del self._grown[receiver]
            lanes = [
                lane
                for place in self.places.values()
                if place.destination.receiver == receiver
                for lane in place.active.values()
            ]
            waiting = sum(len(queue) for lane in lanes for queue in lane.owed.values())
            if waiting > self._limits.waiting:
                self._let_go(oldest(lanes, waiting - self._limits.waiting_after))
        found, self._merged = self._merged, []
        return found

    def _let_go(self, merged: list[tuple[Lane, Owed]]) -> None:
        for lane, owed in merged:
            place = self.places[lane.destination.name]
            lane.let_go(owed)
            self._knows(lane, owed.episode.alert_id)
            if not lane.has_work:
                place.active.pop(lane.group_key, None)
        self._merged += merged

    def _owe(self, lane: Lane, owed: Owed) -> None:
        lane.owe(owed)
        self._grown[lane.destination.receiver] += 1
        self._activate(lane)
        if has_passed(owed):
            self.places[lane.destination.name].passed[lane.group_key] = lane
        queue = lane.owed[owed.episode.alert_id]
        if len(queue) > self._limits.of_alert:
            self._let_go([(lane, one) for one in queue if has_passed(one)][:1])

    def _activate(self, lane: Lane) -> None:
        place = self.places[lane.destination.name]
        place.active[lane.group_key] = lane
        if lane.open is None:
            place.ready[lane.group_key] = lane
        self.touch(lane.destination.name)

    def _knows(self, lane: Lane, alert: str) -> None:
        """Keep the lane among those that are to hear of the alert's end, or not."""
        known = lane.known(alert)
        key = (lane.group_key, lane.destination.name)
        if known is not None and not known.over:
            self._knowing.setdefault(alert, {})[key] = lane
        elif (knowing := self._knowing.get(alert)) is not None and alert not in lane.owed:
            knowing.pop(key, None)
            if not knowing:
                del self._knowing[alert]


def _is_news(alert: NotifiedAlert, known: Told | None) -> bool:
    if known is None or known.episode < alert.episode:
        return True
    return known.episode == alert.episode and alert.status != "firing" and not known.over
