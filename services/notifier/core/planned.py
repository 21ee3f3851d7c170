"""Notices and their places in the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.notifier.core.destinations import Destination
from services.notifier.core.lanes import Owed, Told
from services.notifier.core.notice import Held, Notice, NoticedAlert, Occasion
from shared.messages.message import content_id
from shared.messages.notifications import Notification, NotifiedAlert

MOST_ALERTS = 1_000
"""In one notice; what is beyond comes with the next."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A notice that is about to be sent, and the entry of the ledger that says so."""

    notice: Notice
    destination: Destination
    record: Notification
    begun_before: bool = False
    """The ledger has it already, but not what became of it: it may have arrived."""


def noticed(owed: Owed, held: NotifiedAlert | None = None) -> NoticedAlert:
    """What is told of an episode now; `held`: as the ledger has it that it was held back before."""
    episode = owed.episode
    if episode.end is None:
        return NoticedAlert(episode.firing, "firing", None if held is None else Held.of(held))
    return NoticedAlert(episode.end, "resolved" if owed.what == "end" else "passed")


def planned(
    destination: Destination,
    group_key: str,
    group_labels: Mapping[str, str],
    alerts: Iterable[NoticedAlert],
    occasion: Occasion,
    now_ms: int,
    muted: Mapping[str, int] | None = None,
    since_ms: int = 0,
    merged: int = 0,
) -> Planned:
    """The notice of `alerts`, and of so many that are `merged`. What is told to a destination has the same id whenever
    it is planned; `since_ms`, of the notice that is repeated, tells repetitions apart."""
    ordered = tuple(sorted(alerts, key=_order))
    told = [f"{one.event.id}:{one.status}" for one in ordered]
    told += [f"merged:{merged}"] if merged else []
    identity = content_id(destination.name, group_key, occasion, str(since_ms), *told)
    notice = Notice(
        id=identity,
        receiver=destination.receiver,
        occasion=occasion,
        group_key=group_key,
        group_labels=dict(group_labels),
        alerts=ordered,
        planned_ms=now_ms,
        muted=dict(muted or {}),
        merged=merged,
    )
    return Planned(notice, destination, _record(notice, destination))


def resumed(
    record: Notification, destination: Destination, labels: Mapping[str, str], alerts: tuple[NoticedAlert, ...]
) -> Planned:
    """The notice that `record` speaks of, once more."""
    notice = Notice(
        id=record.id,
        receiver=record.receiver,
        occasion=record.occasion,
        group_key=record.group_key,
        group_labels=dict(labels),
        alerts=alerts,
        planned_ms=record.at,
        merged=record.merged,
    )
    return Planned(notice, destination, record, begun_before=True)


def told_by(record: Notification, announced: bool) -> dict[str, Told]:
    """By alert, what whoever got the notification knows by it. What came and went while it was held back is told
    beside the order of all else."""
    found: dict[str, Told] = {}
    for one in record.alerts:
        if one.status == "passed" and one.muted_by:
            continue
        told = Told(one.episode, one.status != "firing", announced, record.at, record)
        known = found.get(one.alert_id)
        found[one.alert_id] = told if known is None else known.merged(told)
    return found


def outcome_of(planned: Planned, state: str, at_ms: int, **more: object) -> Notification:
    """The ledger's entry of what became of a notice."""
    return planned.record.model_copy(update={"state": state, "at": at_ms, "reason": None, "latency_ms": None, **more})


def _record(notice: Notice, destination: Destination) -> Notification:
    first = notice.alerts[0].event
    return Notification(
        id=notice.id,
        event_id=first.id,
        alert_id=first.alert_id,
        receiver=destination.receiver,
        channel=destination.kind,
        destination=destination.name,
        group_key=notice.group_key,
        occasion=notice.occasion,
        alerts=[notified(one) for one in notice.alerts],
        merged=notice.merged,
        state="planned",
        at=notice.planned_ms,
        muted_by=[],  # pydantic would make a deep copy of the default
    )


def notified(one: NoticedAlert) -> NotifiedAlert:
    """The ledger's word for an alert that is told."""
    event = one.event
    return NotifiedAlert(
        alert_id=event.alert_id,
        event_id=event.id,
        episode=event.episode,
        transition=event.transition,
        status=one.status,
        muted_by=[] if one.held is None else list(one.held.by),
        muted_since=None if one.held is None else one.held.since_ms,
        muted_until=None if one.held is None else one.held.until_ms,
    )


def _order(one: NoticedAlert) -> tuple[bool, int, str]:
    event = one.event
    return (one.status != "firing", event.episode if event.fired_at is None else event.fired_at, event.id)
