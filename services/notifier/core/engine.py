"""What is to be told to whom, and when: a fold over alert events and over the ledger of what was told.

Three things are put in: entries of the ledger (`note`), alert events in their order (`take`), and how late it is
(`advance`). Out come notices (`plan`), whose entries are in the ledger before they are sent. All times are the bus's,
so whoever folds the same events and the same ledger comes to the same notices: after a kill, or on another machine.

A group is looked at ("flushed") at times that follow from its events alone. What fires then is owed to each
destination of its receiver that does not know of it; what was told and is over is owed too. A lane (a group at a
destination) has one notice under way; what is owed meanwhile waits there. What began and was over before it could be
told is owed once, as `passed`, and goes out with all else of that sort at the destination in one digest.

What is held back is in the ledger too, from when to when; what was over by then is told in a digest once nothing would
hold it back any more.
"""

from collections.abc import Callable, Iterable

from services.notifier.core.desk import Desk, Open
from services.notifier.core.episodes import Change, Episode, Episodes, ways_of
from services.notifier.core.fail_over import STILL_MS, FailOver, forward_of
from services.notifier.core.groups import Group, new_group
from services.notifier.core.lanes import Forward, Lane
from services.notifier.core.ledger import Ledger
from services.notifier.core.merges import Merges
from services.notifier.core.merging import Limits
from services.notifier.core.planned import Planned, resumed
from services.notifier.core.planning import Planning
from services.notifier.core.resuming import Resuming
from services.notifier.core.standing import RENEW_MS, event_of
from services.notifier.core.suppressed import SuppressedDigests
from services.notifier.core.suppressing import Suppressing
from services.notifier.core.terms import Terms
from services.notifier.core.timers import Timers
from shared.messages.alerts import AlertEvent, CurrentAlert
from shared.messages.notifications import Notification

RECONSIDER_MS = 1_000
"""How often it is asked, at most, what lies behind something that is down."""


class Engine:
    """Not thread safe; nothing in it waits."""

    def __init__(
        self,
        terms: Terms,
        most_remembered: int,
        told_until_ms: int = 0,
        told_offset: int = 0,
        limits: Limits = Limits(),  # noqa: B008 - it is a value
    ) -> None:
        """By the word of who was active before: what was due until `told_until_ms` is in the ledger, as far as it
        follows from events before `told_offset`."""
        self._terms, self._told_until_ms, self._told_offset = terms, told_until_ms, told_offset
        self._repeating = told_until_ms > 0  # only what was told before follows from what is put in
        self.ledger = Ledger(most_remembered)
        self._episodes = Episodes()
        self._groups: dict[str, Group] = {}
        self._limits = limits
        self._desk = Desk(limits)
        self._suppressing = Suppressing(terms, self._desk)
        self._suppressed = SuppressedDigests(terms, self._desk, self._suppressing, self._episodes.beginnings)
        self._resuming = Resuming(terms, self._desk, self.ledger, self._suppressing.ledger)
        self._fail_over = FailOver(terms, self._desk, self.ledger, self._suppressing.ledger)
        self._depended: object = None
        self._reconsidered_ms = 0
        self._merges = Merges(terms, self._desk, self.ledger)
        self._timers = Timers()
        self._on: dict[str, Callable[[str, int], None]] = {
            "flush": self._flush_if_due,
            "release": self._release,
            "escalate": self._escalate_group,
            "fall back": lambda key, at_ms: self._watch(key, self._fail_over.look(key, at_ms)),
            "look": lambda key, at_ms: self._desk.look_again(key),
            "reconsider": lambda key, at_ms: self._reconsider(at_ms),
            "digest": lambda key, at_ms: self._suppressed.look(at_ms),
            "renew": lambda key, at_ms: self._renew(at_ms),
        }
        self._now_ms = 0
        self._records: list[Notification] = []
        self._unwritten: dict[str, int] = {}
        self._first_offset: int | None = None
        self._live = False
        self._changed_firing: dict[str, Episode | None] = {}

    # What is put in

    def note(self, entry: Notification) -> None:
        """Fold in an entry of the ledger: read back at the start, or written by ourselves."""
        if not self._live:
            self._merges.read(entry)
        is_outcome = self.ledger.note(entry)
        self._unwritten.pop(entry.id, None)
        self._merges.note(entry)
        self._suppressing.note(entry)
        if entry.muted_by or entry.occasion == "test":
            return
        if is_outcome and (destination := self._terms.destination(entry.receiver, entry.destination)) is not None:
            opened = self._desk.settle(self._desk.lane(entry.group_key, destination), entry)
            if self._live:
                self._settled(entry, opened)
                if entry.group_key not in self._groups:
                    self._desk.forget(entry.group_key)
            elif entry.state == "failed":
                self._resuming.note_failed(entry)

    def take(self, event: AlertEvent, offset: int, accepted_ms: int) -> str | None:
        """Fold in the event at `offset` of its topic. Why nobody is told of it; None if people may be."""
        if not self._live:
            self._resuming.take(event, offset)
        self._first_offset = offset if self._first_offset is None else self._first_offset
        self._begin_anew_at(offset)
        self.advance(accepted_ms)
        if event.shadow:
            return "shadow"
        if event.state not in ("firing", "resolved"):
            return event.state
        changes = self._episodes.take(event, offset, accepted_ms)
        for change in changes:
            self._changed(change, accepted_ms)
        return None if changes else "repeated"

    def advance(self, now_ms: int) -> None:
        """It is `now_ms`, and every event accepted before has been taken: look at the groups that are due."""
        for at_ms, kind, key in self._timers.due(now_ms):
            self._now_ms = max(self._now_ms, at_ms)
            self._on[kind](key, at_ms)
        self._now_ms = max(self._now_ms, now_ms)

    def stand(self, alerts: Iterable[CurrentAlert], now_ms: int) -> None:
        """With all events put in, and before `resume`: alerts fire of which the bus may have no event any more."""
        for current in alerts:
            if not self._episodes.has(current.alert_id, current.episode):
                self.take(event_of(current), self._first_offset or 0, now_ms)

    def resume(self, now_ms: int) -> list[Planned]:
        """All that was on the bus at the start has been put in. What was under way, to be sent once more."""
        self._resuming.sought()
        self._begin_anew_at(self._told_offset)
        self.advance(now_ms)
        self._live = self._suppressing.writes = self._suppressing.is_live = True
        self._suppressed.find(self._resuming.events)
        self._suppressing.close_others(self._episodes.has, now_ms)
        again = []
        for entry in sorted(self.ledger.unfinished.values(), key=lambda one: (one.at, one.id)):
            again += self._resumed(entry, now_ms)
        for group in self._groups.values():
            if group.flushed and not any(lane.told or lane.opened for lane in self._desk.lanes_of(group.key)):
                self._owe(group, now_ms)  # routes or receivers are others now
            elif group.flushed:
                for alert in [one.alert_id for one in group.firing if self._suppressing.was_behind(one)]:
                    self._owe_alert(group, alert, now_ms)  # it may just have been let go
            self._escalate(group, now_ms)
        for entry in self._resuming.failed:
            if (alerts := self._resuming.alerts(entry)) is not None:
                self._fail_over.forward(Forward(entry, *alerts), now_ms)
        self._resuming.end()
        self._renew(now_ms)
        self._desk.forget_others(self._groups.keys())
        return again

    # What comes out

    def plan(self, now_ms: int) -> list[Planned]:
        """The notices that are to be sent now. They count as under way; `note` their entries once these are in the
        ledger, and their outcomes."""
        self._now_ms = max(self._now_ms, now_ms)
        self._merges.merge(now_ms)
        self._see_dependencies(now_ms)
        desk, limits, suppressing = self._desk, self._limits, self._suppressing
        made = Planning(self._terms, desk, self._groups.get, suppressing, self._merges.is_merged, limits, now_ms).run()
        if (digest_ms := self._suppressed.next_ms(now_ms)) is not None:
            self._timers.put(digest_ms, "digest", "")
        for planned in made.notices:
            self._watch(planned.record.id, self._fail_over.due_ms(planned.record.id, now_ms))
            if (opened := desk.opened(planned.record.id)) is not None:
                self._unwritten[planned.record.id] = opened.due_ms
        for at_ms, key in made.looks:
            self._timers.put(at_ms, "look", key)
        return made.notices

    def records(self) -> list[Notification]:
        """Entries that are to be written beside those of notices: what is muted, and what can't be told any more."""
        found, self._records = self._records, []
        return [*found, *self._merges.records(), *self._suppressing.records(), *self._fail_over.records()]

    @property
    def suspected(self) -> set[str]:
        """The parents, checks and alerts, of which is to be known whether they are down: children wait for it."""
        return self._suppressing.ledger.suspected

    @property
    def undigested_dropped(self) -> int:
        """How much of what was held back and is over is told in no digest."""
        return self._suppressed.dropped + self._suppressing.ledger.dropped

    @property
    def next_ms(self) -> int | None:
        """When `advance` has something to do, unless more is put in; None if never."""
        return self._timers.next_ms

    @property
    def told_until_ms(self) -> int:
        """What was due until then is in the ledger."""
        # An event may be accepted before, and read after time has gone on: its group is not looked at yet.
        due = (
            *(one.flush_ms for one in self._desk.owed()),
            *self._unwritten.values(),
            *self._suppressing.unwritten_ms(),
            *self._merges.unwritten_ms(),
            *(() if (next_ms := self._timers.next_ms) is None else (next_ms,)),
        )
        return min(self._now_ms, min(due, default=self._now_ms + 1) - 1)

    def anchor(self, next_offset: int) -> int:
        """The offset of the first event that who comes after needs; `next_offset` if none of those read is."""
        self._episodes.forget(self._now_ms)
        groups = (group.anchor for group in self._groups.values())
        owed = self._desk.anchors(self._first_offset)
        return min([next_offset, *self._episodes.anchors(), *groups, *owed, *self._suppressing.anchors()])

    def waiting_by_receiver(self) -> dict[str, int]:
        """Of each receiver that is owed something, how much; what is under way included."""
        return self._desk.waiting_by_receiver()

    def changed_firing(self) -> dict[str, Episode | None]:
        """What has changed since this was asked last: alerts that fire, and those that don't any more (None), by id."""
        found, self._changed_firing = self._changed_firing, {}
        return found

    @property
    def groups(self) -> Iterable[Group]:
        """The groups that there are."""
        return self._groups.values()

    # What follows from what

    def _changed(self, change: Change, at_ms: int) -> None:
        episode = change.episode
        self._suppressing.writes = not self._is_decided(at_ms)
        if change.kind == "deferred":
            self._timers.put(episode.ready_ms, "release", episode.alert_id)
            self._suppressing.mute(episode, ["cooldown"], at_ms)
        elif change.kind == "began" and episode.deferred:
            self._suppressing.release(episode, at_ms)
        elif change.kind != "began":
            self._desk.see_end(episode)
            self._suppressing.end(episode, at_ms)
            if self._suppressing.was_untold(episode):
                self._episodes.excuse(episode)
        if change.kind in ("deferred", "dropped"):
            return
        self._changed_firing[episode.alert_id] = episode if change.kind == "began" else None
        at_ms = max(at_ms, episode.begins_ms) if change.kind == "began" else at_ms
        for route, labels, key in ways_of(self._terms.root, episode):
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = new_group(key, route, labels, episode, at_ms)
                self._timers.put(group.next_flush_ms, "flush", key)
            elif group.change(episode, at_ms):
                self._timers.put(group.next_flush_ms, "flush", key)

    def _begin_anew_at(self, offset: int) -> None:
        """Events from `offset` on follow: nobody has told of those that were not read before."""
        if self._repeating and offset >= self._told_offset:
            self.advance(self._told_until_ms)
            self._repeating = False

    def _flush_if_due(self, key: str, at_ms: int) -> None:
        if (group := self._groups.get(key)) is not None and group.next_flush_ms == at_ms:
            self._flush(group, at_ms)

    def _release(self, alert: str, at_ms: int) -> None:
        for change in self._episodes.release(alert, at_ms):
            self._changed(change, at_ms)

    def _flush(self, group: Group, at_ms: int) -> None:
        """Look at a group: what its receiver's destinations are owed now."""
        self._suppressing.writes = not self._is_decided(at_ms)
        if self._suppressing.writes:
            self._owe(group, at_ms)
            if self._live:
                self._escalate(group, at_ms)
                self._repeat(group, at_ms)
        group.flush(at_ms)
        if self._live:
            self._desk.tidy(group.key, group.episodes.keys())
        if group.episodes:
            self._timers.put(group.next_flush_ms, "flush", group.key)
        else:
            del self._groups[group.key]
            if self._live:  # before, its lanes know of episodes that are yet to be folded
                self._desk.forget(group.key)

    def _is_decided(self, at_ms: int) -> bool:
        """Whether what follows from what happens at `at_ms` is in the ledger."""
        return self._repeating and at_ms <= self._told_until_ms

    def _owe(self, group: Group, at_ms: int) -> None:
        for alert in group.episodes:
            self._owe_alert(group, alert, at_ms)

    def _owe_alert(self, group: Group, alert: str, at_ms: int) -> None:
        for episode in group.episodes[alert]:
            if episode.is_over:
                self._desk.owe_end(group.key, episode, at_ms, self._current_keys)
            else:
                self._owe_firing(group, episode, at_ms)

    def _owe_firing(self, group: Group, episode: Episode, at_ms: int) -> None:
        receiver, on_route = group.route.receiver, (group.key, "")
        if off := self._terms.off(group.route, at_ms):
            self._suppressing.mute(episode, [f"mute-time:{off}"], at_ms, on_route, receiver)
            return
        self._suppressing.release(episode, at_ms, on_route)
        if reasons := self._terms.muted_by(episode, at_ms):
            self._suppressing.mute(episode, reasons, at_ms)
            return
        self._suppressing.release(episode, at_ms)
        untold = self._suppressing.untold(episode)  # by whoever was active before, who knew that it is over
        for destination in self._terms.destinations(receiver, at_ms):
            if destination.name in untold:
                continue
            there = (group.key, destination.name)
            if self._terms.quiet_until_ms(destination, episode.firing.severity, at_ms) is not None:
                self._suppressing.mute(episode, ["quiet-hours"], at_ms, there, receiver)
                continue
            self._suppressing.release(episode, at_ms, there)
            lane = self._desk.lane(group.key, destination)
            self._desk.adopt(lane, episode, self._current_keys)
            self._desk.owe_begin(lane, episode, at_ms)

    def _repeat(self, group: Group, at_ms: int) -> None:
        if self._terms.off(group.route, at_ms):
            return
        told = [one for one in group.firing if not self._terms.muted_by(one, at_ms)]
        for lane in self._desk.lanes_of(group.key):
            known = [one for one in told if _is_known(lane, one)]
            paused = (self._suppressing.paused_ms(one, lane.last_told_ms, at_ms) for one in known)
            past = lane.last_told_ms + group.route.repeat_interval_ms + min(paused, default=0) < at_ms
            if past and lane.is_idle and any(self._may_disturb(lane, one, at_ms) for one in known):
                self._desk.owe_repeat(lane)

    def _may_disturb(self, lane: Lane, episode: Episode, at_ms: int) -> bool:
        return self._terms.quiet_until_ms(lane.destination, episode.firing.severity, at_ms) is None

    def _escalate_group(self, key: str, now_ms: int) -> None:
        if (group := self._groups.get(key)) is not None:
            self._escalate(group, now_ms)

    def _escalate(self, group: Group, now_ms: int) -> None:
        """Owe what still fires, and nobody has acknowledged, to those that are next in line."""
        for step in group.route.escalation:
            for episode in group.firing:
                told_ms = self._desk.first_told_ms(group.key, episode)
                if told_ms is None:
                    continue
                paused_ms = self._suppressing.paused_ms(episode, told_ms, now_ms)
                due_ms = told_ms + step.after_ms + paused_ms
                if due_ms > now_ms:
                    self._timers.put(max(due_ms, now_ms + STILL_MS) if paused_ms else due_ms, "escalate", group.key)
                elif not self._terms.muted_by(episode, now_ms):
                    for destination in self._terms.destinations(step.receiver, now_ms):
                        lane = self._desk.lane(group.key, destination)
                        self._desk.owe_begin(lane, episode, now_ms, "escalation")

    def _watch(self, notification_id: str, until_ms: int | None) -> None:
        if until_ms is not None:
            self._timers.put(until_ms, "fall back", notification_id)

    def _settled(self, entry: Notification, opened: Open | None) -> None:
        if opened is not None and entry.state == "failed":
            self._fail_over.forward(forward_of(opened), self._now_ms)
        else:
            self._escalate_group(entry.group_key, self._now_ms)
        if opened is not None and opened.instead_of is not None and entry.state == "sent":
            self._fail_over.replaced(opened.instead_of, entry.receiver, entry.at)

    def _resumed(self, entry: Notification, now_ms: int) -> list[Planned]:
        destination = self._terms.destination(entry.receiver, entry.destination)
        alerts = self._resuming.alerts(entry)
        if destination is None or alerts is None:
            why = "its receiver is no longer configured" if destination is None else "its events are no longer there"
            self._fail_over.give_up(entry, why, now_ms)
            return []
        if not self._terms.repeats_unknown(destination):
            why = "nobody knows whether it arrived: a notifier ended between planning and recording it"
            self._fail_over.give_up(entry, why, now_ms)
            return []
        group = self._groups.get(entry.group_key)
        planned = resumed(entry, destination, group.labels if group else {}, alerts[0])
        lane = self._desk.lane(entry.group_key, destination)
        self._desk.open(lane, Open(lane, planned, alerts[1], entry.at, entry.at))
        self._watch(entry.id, self._fail_over.due_ms(entry.id, now_ms))
        return [planned]

    def _renew(self, now_ms: int) -> None:
        """Nobody is told twice, or not of the end, because the ledger has forgotten."""
        self._records += self._desk.renewals(now_ms - RENEW_MS)
        self._timers.put(now_ms + RENEW_MS, "renew", "")

    # What lies behind something that is down

    def _see_dependencies(self, now_ms: int) -> None:
        version = self._terms.dependencies_version
        if self._live and (version != self._depended or self._suppressing.ledger.behind):
            self._depended = version
            due_ms = self._reconsidered_ms + RECONSIDER_MS
            if due_ms <= now_ms:
                self._reconsider(now_ms)
            else:
                self._timers.put(due_ms, "reconsider", "")

    def _reconsider(self, now_ms: int) -> None:
        """What people know of stands still while it is behind something that is down; what is no longer is told now,
        for it has been looked at."""
        self._reconsidered_ms = now_ms
        held = self._suppressing.ledger.behind
        for group in self._groups.values():
            for episode in group.firing if group.flushed else ():
                is_held = (episode.alert_id, episode.number) in held
                if is_held or self._terms.behind(episode, now_ms) is not None:
                    self._owe_alert(group, episode.alert_id, now_ms)
                    self._escalate(group, now_ms)
        if held:
            self._timers.put(now_ms + RECONSIDER_MS, "reconsider", "")

    def _current_keys(self, episode: Episode) -> set[str]:
        """The keys of the groups that an alert is in, by the routes of now."""
        return {key for *_, key in ways_of(self._terms.root, episode)}


def _is_known(lane: Lane, episode: Episode) -> bool:
    told = lane.told.get(episode.alert_id)
    return told is not None and told.episode == episode.number and not told.over
