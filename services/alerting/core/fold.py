"""The fold over one partition of the group log: (state, message) -> (state, outputs).

Nothing but the messages decides: no clock, no order of dictionaries that a restart would change. Folding the same log
again, or from any stored state on, gives the same events, byte for byte.
"""

from collections.abc import Callable, Iterator

import msgspec

from services.alerting.core.group import GroupAtWork, StoredGroup
from services.alerting.core.inputs import GroupSamples, Input, Marker, RuleChange
from services.alerting.core.outputs import Outputs
from services.alerting.core.terms import Terms
from services.alerting.core.timeline import StoredTimeline, Timeline
from shared.messages.rules import RuleGroup


class StoredFold(msgspec.Struct, frozen=True):
    """What a fold keeps beside its groups."""

    timeline: StoredTimeline
    removed: dict[str, int]
    closed: dict[str, int]
    groups: list[str]


class Fold:
    """The state of one partition; `apply` moves it on."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.timeline = Timeline()
        self.groups: dict[str, GroupAtWork] = {}
        self._removed: dict[str, int] = {}
        """Revision of the removal, for as long as a router might still tell of an older one."""
        self._closed: dict[str, int] = {}
        """The last instants of groups that are gone: one of the same name begins after them."""
        self.changed: set[str] = set()
        """Groups whose state moved since `store_group` was asked for it."""

    def apply(self, message: Input) -> Iterator[Outputs]:
        """Fold one message; yields after each piece of work, so that the caller can let others run. Exhaust it."""
        if isinstance(message, Marker):
            yield from self._advance(message)
        elif isinstance(message, GroupSamples):
            group = self.groups.get(message.group)
            if group is not None:
                self.changed.add(message.group)
                yield from group.take(message)
        else:
            yield from self._change(message)

    def _change(self, change: RuleChange) -> Iterator[Outputs]:
        name = change.group
        group = self.groups.get(name)
        if change.revision <= max(self._removed.get(name, -1), group.change.revision if group else -1):
            return
        definition = None if change.definition is None else RuleGroup.decode(change.definition)
        self.changed.add(name)
        if definition is None or not definition.enabled:
            self._removed[name] = change.revision
            if group is not None:
                del self.groups[name]
                yield from group.close(change.accepted_ms)
                self._closed[name] = group.last_instant_ms
        elif group is not None:
            yield from group.replace(change, definition)
        else:
            self._removed.pop(name, None)
            new = self.groups[name] = GroupAtWork(change, definition, self._terms)
            new.last_tick_ms = max(new.last_tick_ms, self._closed.pop(name, 0))

    def _advance(self, marker: Marker) -> Iterator[Outputs]:
        self.timeline.advance(marker)
        watermark, revision = self.timeline.watermark_ms, self.timeline.rules_revision
        for name, removed in list(self._removed.items()):
            if removed <= revision:
                del self._removed[name]
        for name, instant in list(self._closed.items()):
            if instant + self._terms.lookback_ms < watermark:
                del self._closed[name]
        oldest = watermark
        for group in list(self.groups.values()):
            # Its windows have to be complete before anything is concluded from what they lack.
            if not group.filled and group.change.revision <= revision:
                self.changed.add(group.name)
                yield from group.begin()
            while group.filled and group.next_tick_ms <= watermark - group.definition.query_offset_ms:
                self.changed.add(group.name)
                instant = group.next_tick_ms
                yield from group.tick(instant, self.timeline.known(instant, self._terms.dark_after_ms))
            oldest = min(oldest, group.last_tick_ms)
        # Twice as long as is asked for: a group that is told of now may begin a little before the watermark.
        self.timeline.forget(oldest - 2 * self._terms.dark_after_ms)

    def store(self) -> StoredFold:
        """What there is to keep beside the groups, and their names in order."""
        return StoredFold(self.timeline.store(), dict(self._removed), dict(self._closed), list(self.groups))

    def store_group(self, name: str) -> StoredGroup:
        """What there is to keep of one group."""
        self.changed.discard(name)
        return self.groups[name].store()

    @classmethod
    def restore(cls, terms: Terms, stored: StoredFold, group: Callable[[str], StoredGroup]) -> "Fold":
        """The fold that was stored; `group` gives each group by name."""
        fold = cls(terms)
        fold.timeline = Timeline.restore(stored.timeline)
        fold._removed, fold._closed = dict(stored.removed), dict(stored.closed)
        for name in stored.groups:
            kept = group(name)
            assert kept.change.definition is not None, "only groups with a definition are at work"
            fold.groups[name] = GroupAtWork.restore(kept, RuleGroup.decode(kept.change.definition), terms)
        return fold
