"""What a destination is to be sent now, out of what it is owed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from services.notifier.core.desk import DIGEST, Desk, Open, Place
from services.notifier.core.destinations import Destination
from services.notifier.core.episodes import Episode
from services.notifier.core.groups import Group
from services.notifier.core.lanes import Lane, Owed
from services.notifier.core.merging import Limits, has_passed
from services.notifier.core.notice import NoticedAlert, Occasion
from services.notifier.core.planned import MOST_ALERTS, Planned, noticed, planned
from services.notifier.core.suppressing import Suppressing
from services.notifier.core.terms import Terms
from shared.messages.notifications import NotifiedAlert

Settled = Callable[[Destination, Episode], bool]


@dataclass(slots=True)
class Plan:
    """Notices to send, and when to look again at what is held back for somebody's rest."""

    notices: list[Planned] = field(default_factory=list)
    looks: list[tuple[int, str]] = field(default_factory=list)
    """(ms, destination)"""


@dataclass(slots=True)
class Planning:
    """One look at all destinations that have something to do."""

    terms: Terms
    desk: Desk
    group: Callable[[str], Group | None]
    suppressing: Suppressing
    is_merged: Settled
    """Whether the ledger says that a destination is told no more of an episode."""
    limits: Limits
    now_ms: int
    made: Plan = field(default_factory=Plan)

    def run(self) -> Plan:
        """The notices to be sent now; they count as under way."""
        names = list(self.desk.touched)
        self.desk.touched.clear()
        for name in names:
            place = self.desk.places[name]
            if place.full_since_ms is None or place.open <= self.limits.open_again:
                self._place(place)
        return self.made

    def _place(self, place: Place) -> None:
        self._digest(place)
        full_since_ms = None
        for lane in list(place.ready.values()):
            if place.open >= self.limits.open:
                full_since_ms = self.now_ms if place.full_since_ms is None else place.full_since_ms
                break
            place.ready.pop(lane.group_key, None)
            if lane.open is None:
                self._lane(place, lane)
            if not lane.has_work:
                place.active.pop(lane.group_key, None)
            elif lane.open is None:
                place.waiting[lane.group_key] = lane
        place.full_since_ms = full_since_ms

    def _digest(self, place: Place) -> None:
        """In one notice what began and was over before it could be told, of all groups."""
        if place.digest.open is not None:
            return
        passed: dict[tuple[str, int], Owed] = {}
        for lane in list(place.passed.values()):
            for alert in list(lane.owed):
                while len(passed) < MOST_ALERTS and (head := self._next(place, lane, alert)) is not None:
                    if not has_passed(head):
                        break
                    passed[alert, head.episode.number] = lane.take(alert)
                    place.ready[lane.group_key] = lane
            if not any(map(has_passed, lane.all_owed())):
                del place.passed[lane.group_key]
        held, place.suppressed = place.suppressed, []
        if passed or held:
            owed = list(passed.values())
            merged = place.merged.taken()
            told = [*map(noticed, owed), *(one for one, _ in held)]
            made = planned(place.destination, DIGEST, {}, told, "digest", self.now_ms, merged=merged.count)
            firsts = [offset for _, offset in held] + ([] if merged.offset is None else [merged.offset])
            self._send(place, place.digest, made, owed, first=min(firsts, default=None))

    def _lane(self, place: Place, lane: Lane) -> None:
        group = self.group(lane.group_key)
        if lane.forwards:
            self._forward(place, lane, group)
            return
        owed: list[Owed] = []
        for alert in list(lane.owed):
            head = self._next(place, lane, alert)
            if head is not None and len(owed) < MOST_ALERTS and not has_passed(head):
                owed.append(lane.take(alert))
        repeated, lane.repeat_due = lane.repeat_due and not owed, False
        told = [noticed(one, self._held(one.episode)) for one in owed]
        others, muted = self._others(lane, group, owed)
        if not told and not (repeated and others):
            return
        labels = group.labels if group is not None else {}
        made = planned(
            lane.destination,
            lane.group_key,
            labels,
            [*told, *others[: MOST_ALERTS - len(told)]],
            _occasion(owed),
            self.now_ms,
            muted,
            lane.last_told_ms if repeated else 0,
        )
        self._send(place, lane, made, owed, group)

    def _next(self, place: Place, lane: Lane, alert: str) -> Owed | None:
        """What is to be told of an alert next and now; what need not be told any more is let go."""
        while (head := lane.head(alert)) is not None:
            if place.busy[alert]:
                return None
            if self._is_past(place, lane, head):
                lane.take(alert)
                continue
            if self._waits(place, lane, head):
                return None
            return head
        return None

    def _is_past(self, place: Place, lane: Lane, owed: Owed) -> bool:
        """Whether it need not be told: the end of what was never announced, what is known, or what is muted now."""
        episode = owed.episode
        told = lane.told.get(episode.alert_id)
        digest = place.digest.told.get(episode.alert_id)
        told = digest if told is None else told if digest is None else told.merged(digest)
        if owed.what == "end":
            return told is None or told.episode != episode.number or told.over or not told.announced
        if told is not None and told.episode >= episode.number:
            return True
        if episode.is_over and self.is_merged(place.destination, episode):
            return True
        if reasons := self.terms.muted_by(episode, self.now_ms):
            self.suppressing.mute(episode, reasons, self.now_ms)
            if episode.is_over:
                self.suppressing.end(episode, self.now_ms, [lane.destination.name])
            return True
        return False

    def _held(self, episode: Episode) -> NotifiedAlert | None:
        return self.suppressing.ledger.held((episode.alert_id, episode.number))

    def _waits(self, place: Place, lane: Lane, owed: Owed) -> bool:
        """Whether it is held until the route tells again, or the person's rest is over."""
        until = self.terms.quiet_until_ms(place.destination, owed.episode.firing.severity, self.now_ms)
        group = self.group(lane.group_key)
        if until is None and group is not None and self.terms.off(group.route, self.now_ms):
            until = self.terms.off_until_ms(group.route, self.now_ms) or self.now_ms + group.route.group_interval_ms
        if until is None:
            return False
        self.made.looks.append((until, place.destination.name))
        return True

    def _others(
        self, lane: Lane, group: Group | None, owed: Iterable[Owed]
    ) -> tuple[list[NoticedAlert], dict[str, int]]:
        """The other alerts of the group that fire, as far as they are known there; how many are muted, by what."""
        others, muted = [], dict[str, int]()
        new = {one.episode.alert_id for one in owed}
        for episode in group.firing if group is not None else []:
            if episode.alert_id in new or episode.alert_id in lane.owed:
                continue
            if reasons := self.terms.muted_by(episode, self.now_ms):
                by = reasons[0].partition(":")[0]
                muted[by] = muted.get(by, 0) + 1
                continue
            told = lane.told.get(episode.alert_id)
            if told is not None and told.episode == episode.number and not told.over:
                others.append(NoticedAlert(episode.firing, "firing"))
        return others, muted

    def _forward(self, place: Place, lane: Lane, group: Group | None) -> None:
        """What another destination could not be told, as it was planned for that one."""
        forward = lane.forwards[0]
        if any(place.busy[one.event.alert_id] for one in forward.alerts):
            return
        lane.forwards.popleft()
        labels, record = group.labels if group is not None else {}, forward.record
        made = planned(
            lane.destination,
            lane.group_key,
            labels,
            forward.alerts,
            record.occasion,
            self.now_ms,
            merged=record.merged,
        )
        self.desk.open(lane, Open(lane, made, forward.offset, self.now_ms, self.now_ms, record))
        self.made.notices.append(made)

    def _send(
        self,
        place: Place,
        lane: Lane,
        made: Planned,
        owed: list[Owed],
        group: Group | None = None,
        first: int | None = None,
    ) -> None:
        episodes = [one.episode for one in owed] + (group.firing if group is not None else [])
        due_ms = min([self.now_ms, *(one.flush_ms for one in owed)])
        offsets = [one.offset for one in episodes] + ([] if first is None else [first])
        since_ms = self.now_ms if place.full_since_ms is None else max(due_ms, place.full_since_ms)
        self.desk.open(lane, Open(lane, made, min(offsets), due_ms, since_ms))
        self.made.notices.append(made)


def _occasion(owed: list[Owed]) -> Occasion:
    if not owed:
        return "repeat"
    return "escalation" if all(one.occasion == "escalation" for one in owed) else "change"
