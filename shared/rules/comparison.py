"""Two runs of rules over the same past, compared: which alerts would be new, gone, earlier, later, longer, shorter.

An alert is found again by its labels, whatever rule version and group it comes from. What is compared are the times in
which it fires: people are told of those, not of what was only pending. Firings of the two runs that overlap are one;
those that overlap none are new or gone; where several of one run overlap one of the other, they are merged or split.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shared.promql.series_sets import Labels, labels_from
from shared.rules.identities import ALERTNAME
from shared.rules.rule import Decision
from shared.rules.sendings import Sending

Kind = Literal["new", "gone", "merged", "split", "changed", "unchanged"]


@dataclass(frozen=True)
class Firing:
    """A time in which an alert fires: [start, end) in ms; no end: it fires still when the run is over."""

    labels: Labels
    start_ms: int
    end_ms: int | None


@dataclass(frozen=True)
class Change:
    """A firing in both runs, or in one.

    new: only in the changed run; gone: only in the current one. merged: in the changed run it is part of a firing that
    is told of already; split: in the current run it was. changed, unchanged: it is in both.
    """

    kind: Kind
    current: Firing | None
    changed: Firing | None

    @property
    def labels(self) -> Labels:
        """The alert's."""
        one = self.changed or self.current
        return one.labels if one else ()

    @property
    def starts_by_ms(self) -> int | None:
        """How much later it begins in the changed run, negative where earlier; None if it is not in both."""
        return self.changed.start_ms - self.current.start_ms if self.current and self.changed else None

    def ends_by_ms(self, end_ms: int) -> int | None:
        """How much later it ends in the changed run, negative where earlier; None if it is not in both. Both runs end
        at `end_ms`."""
        if not self.current or not self.changed:
            return None
        return _end(self.changed, end_ms) - _end(self.current, end_ms)

    def lasts_by_ms(self, end_ms: int) -> int | None:
        """How much longer it fires in the changed run, negative where shorter; None if it is not in both."""
        starts, ends = self.starts_by_ms, self.ends_by_ms(end_ms)
        return None if starts is None or ends is None else ends - starts


@dataclass(frozen=True)
class SendingCounts:
    """What would be sent in a run."""

    firing: int = 0
    resolved: int = 0
    deferred: int = 0
    """Of the firings, those that wait for the cooldown's end."""


@dataclass(frozen=True)
class Comparison:
    """The current and the changed run. `changes` are in the order of time; both runs end at `end_ms`."""

    end_ms: int
    changes: list[Change] = field(default_factory=list)
    current: SendingCounts = SendingCounts()
    changed: SendingCounts = SendingCounts()

    @property
    def counts(self) -> dict[str, int]:
        """How many firings are new, gone, merged, split or unchanged; and of those in both, how many are earlier,
        later, longer, shorter. A firing may be earlier and longer at once."""
        found = Counter[str](change.kind for change in self.changes if change.kind != "changed")
        for change in self.changes:
            starts, lasts = change.starts_by_ms or 0, change.lasts_by_ms(self.end_ms) or 0
            if change.kind == "changed":
                found["earlier"] += starts < 0
                found["later"] += starts > 0
                found["longer"] += lasts > 0
                found["shorter"] += lasts < 0
        names = ("new", "gone", "merged", "split", "earlier", "later", "longer", "shorter", "unchanged")
        return {name: found[name] for name in names}


def compare(
    current: Sequence[Decision],
    changed: Sequence[Decision],
    current_sent: Sequence[Sending],
    changed_sent: Sequence[Sending],
    end_ms: int,
) -> Comparison:
    """What the changed rules make otherwise than the current ones. Both runs began at the same time without alerts.

    Where each run is of one alert name, and the names differ, the name is not minded: a rule was renamed, or is tried
    against another one.
    """
    before_names, after_names = _names(current), _names(changed)
    renamed = len(before_names) == len(after_names) == 1 and before_names != after_names
    key: Callable[[Labels], Labels] = _without_name if renamed else _whole
    before, after = _by_alert(firings(current), key), _by_alert(firings(changed), key)
    changes = [
        change
        for alert in sorted({*before, *after})
        for change in _matched(before.get(alert, []), after.get(alert, []), end_ms)
    ]
    changes.sort(key=lambda one: (min(run.start_ms for run in (one.current, one.changed) if run), one.labels))
    return Comparison(end_ms, changes, _counts(current_sent), _counts(changed_sent))


def firings(decisions: Sequence[Decision]) -> list[Firing]:
    """When which alert fires, in the order in which they begin."""
    found: list[Firing] = []
    open_at: dict[tuple[str, str, Labels], int] = {}
    for decision in decisions:
        alert, state = decision.transition.alert, decision.transition.state
        labels = labels_from(alert.labels)
        key = (decision.group, decision.rule.name, labels)
        if state == "firing":
            open_at[key] = len(found)
            found.append(Firing(labels, alert.since_ms, None))
        elif state == "resolved" and key in open_at:
            place = open_at.pop(key)
            found[place] = Firing(labels, found[place].start_ms, alert.since_ms)
    return found


def _matched(current: list[Firing], changed: list[Firing], end_ms: int) -> list[Change]:
    """The firings of one alert in both runs; those of a run are in order and do not overlap each other."""
    found: list[Change] = []
    left, right = 0, 0
    taken_left, taken_right = False, False  # whether the firing in turn is in a pair already
    while left < len(current) and right < len(changed):
        one, other = current[left], changed[right]
        if _overlap(one, other):
            if not taken_left and not taken_right:
                same = (one.start_ms, one.end_ms) == (other.start_ms, other.end_ms)
                found.append(Change("unchanged" if same else "changed", one, other))
            elif taken_right and not taken_left:
                found.append(Change("merged", one, other))
            elif taken_left and not taken_right:
                found.append(Change("split", one, other))
            taken_left = taken_right = True
        if _end(one, end_ms) <= _end(other, end_ms):
            if not taken_left:
                found.append(Change("gone", one, None))
            left, taken_left = left + 1, False
        else:
            if not taken_right:
                found.append(Change("new", None, other))
            right, taken_right = right + 1, False
    found += [Change("gone", one, None) for one in current[left + taken_left :]]
    found += [Change("new", None, one) for one in changed[right + taken_right :]]
    return found


def _overlap(one: Firing, other: Firing) -> bool:
    return _lasts_beyond(one, other.start_ms) and _lasts_beyond(other, one.start_ms)


def _lasts_beyond(firing: Firing, at_ms: int) -> bool:
    return firing.end_ms is None or firing.end_ms > at_ms


def _end(firing: Firing, end_ms: int) -> int:
    return end_ms if firing.end_ms is None else firing.end_ms


def _by_alert(found: Iterable[Firing], key: Callable[[Labels], Labels]) -> dict[Labels, list[Firing]]:
    alerts: dict[Labels, list[Firing]] = {}
    for firing in found:
        alerts.setdefault(key(firing.labels), []).append(firing)
    return {labels: sorted(some, key=lambda one: one.start_ms) for labels, some in alerts.items()}


def _names(decisions: Iterable[Decision]) -> set[str]:
    return {decision.rule.name for decision in decisions}


def _whole(labels: Labels) -> Labels:
    return labels


def _without_name(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != ALERTNAME)


def _counts(sent: Sequence[Sending]) -> SendingCounts:
    kinds: Mapping[str, int] = Counter(one.kind for one in sent)
    return SendingCounts(kinds.get("firing", 0), kinds.get("resolved", 0), sum(one.deferred for one in sent))
