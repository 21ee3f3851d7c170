"""When groups are looked at and what is told then: Alertmanager's rules in short, over shared.routing, for the cases.

The notifier's own engine has to come to the same, but where a case says that Alertmanager tells something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from shared.messages.silences import Silence
from shared.routing.configuration import Routing, parse_routing
from shared.routing.inhibition import Inhibition
from shared.routing.receivers import Integration
from shared.routing.silencing import silenced_by
from shared.routing.tree import Route, group_key, group_labels, matching
from tests.cases.routing import Case, CaseSilence, Event, Told

START_MS = 1_795_000_000_000


@dataclass
class _Group:
    route: Route
    key: str
    next_ms: int
    alerts: dict[str, bool] = field(default_factory=dict)
    """By name: whether it fires."""
    flushed: bool = False


@dataclass
class _Entry:
    """What one webhook was told last about a group."""

    firing: frozenset[str]
    resolved: frozenset[str]
    at_ms: int


class Flushes:
    """A case as it goes on in time."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._routing: Routing = parse_routing(yaml.safe_dump(dict(case.configuration)), case.name)
        self._silences = [_silence(number, one) for number, one in enumerate(case.silences)]
        self._groups: dict[tuple[str, str], _Group] = {}
        self._firing: dict[str, Mapping[str, str]] = {}
        self._told: dict[tuple[str, int, str], _Entry] = {}
        self.looks: list[int] = []
        """When groups were looked at."""

    def run(self) -> list[tuple[int, Told]]:
        """All that is told, with its time (ms from the start)."""
        found: list[tuple[int, Told]] = []
        for event in self._case.events:
            found += self._until(event.at_ms)
            self._take(event)
        return found + self._until(self._case.ends_ms)

    def _take(self, event: Event) -> None:
        for name in event.fire:
            self._firing[name] = self._case.alerts[name]
        for name in event.resolve:
            del self._firing[name]
        for name in (*event.fire, *event.resolve):
            for route in matching(self._routing.root, self._case.alerts[name]):
                self._insert(route, name, event)

    def _insert(self, route: Route, name: str, event: Event) -> None:
        key = group_key(route, group_labels(route, self._case.alerts[name]))
        group = self._groups.get((route.id, key))
        if group is None:
            group = self._groups[route.id, key] = _Group(route, key, event.at_ms + route.group_wait_ms)
        if not group.flushed and event.began_ms + route.group_wait_ms < event.at_ms:
            group.next_ms = event.at_ms
        group.alerts[name] = name in self._firing

    def _until(self, end_ms: int) -> list[tuple[int, Told]]:
        found: list[tuple[int, Told]] = []
        while True:
            group = min(self._groups.values(), key=lambda one: one.next_ms, default=None)
            if group is None or group.next_ms >= end_ms:
                return found
            found += self._flush(group, group.next_ms)
            group.next_ms, group.flushed = group.next_ms + group.route.group_interval_ms, True

    def _flush(self, group: _Group, at_ms: int) -> list[tuple[int, Told]]:
        self.looks.append(at_ms)
        shown = {name: fires for name, fires in group.alerts.items() if not self._is_muted(name, at_ms)}
        is_muted = self._routing.muted_by_time(group.route, START_MS + at_ms) is not None
        group.alerts = {name: True for name, fires in group.alerts.items() if fires}
        if not shown or is_muted:
            return []
        told = [
            self._tell(group, one, shown, at_ms) for one in self._routing.receivers[group.route.receiver].integrations
        ]
        return [(at_ms, one) for one in told if one is not None]

    def _tell(self, group: _Group, one: Integration, shown: Mapping[str, bool], at_ms: int) -> Told | None:
        lane = (group.route.receiver, one.index, group.key)
        firing = frozenset(name for name, fires in shown.items() if fires)
        resolved = frozenset(shown) - firing
        before = self._told.get(lane)
        if not _is_due(before, firing, resolved, one.send_resolved, group.route.repeat_interval_ms, at_ms):
            return None
        self._told[lane] = _Entry(firing, resolved, at_ms)
        if not one.send_resolved:
            resolved = frozenset()
        return Told(*lane, tuple(sorted(firing)), tuple(sorted(resolved))) if firing or resolved else None

    def _is_muted(self, name: str, at_ms: int) -> bool:
        labels = self._case.alerts[name]
        inhibition = Inhibition(self._routing.inhibit_rules, self._firing.items())
        return inhibition.by(labels) is not None or bool(
            silenced_by(self._silences, labels, name, None, START_MS + at_ms)
        )


def _is_due(
    before: _Entry | None,
    firing: frozenset[str],
    resolved: frozenset[str],
    send_resolved: bool,
    repeat_interval_ms: int,
    at_ms: int,
) -> bool:
    if before is None:
        return bool(firing)
    if not firing <= before.firing:
        return True
    if not firing:
        return bool(before.firing)
    if send_resolved and not resolved <= before.resolved:
        return True
    return before.at_ms < at_ms - repeat_interval_ms


def _silence(number: int, silence: CaseSilence) -> Silence:
    return Silence.model_validate(
        {
            "id": str(number),
            "kind": "silence",
            "matchers": silence.matchers,
            "starts_at": START_MS + silence.starts_ms,
            "ends_at": START_MS + silence.ends_ms,
            "created_by": "test",
            "created_at": START_MS,
            "comment": "",
        }
    )
