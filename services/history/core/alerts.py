"""What alert events mean for history: a row each, and for each episode that fired one row of `alert_logs`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.history.core.instants import at
from services.history.core.observations import as_json
from services.history.core.tables import Row
from shared.messages.alerts import AlertEvent, episode_id


@dataclass(frozen=True)
class Episode:
    """What some events tell of one episode; `told_by` is its firing event if it was among them, else the resolved."""

    told_by: AlertEvent
    fired: AlertEvent | None
    resolved: AlertEvent | None


def event_row(event: AlertEvent, accepted_ms: int) -> Row:
    """The row of ALERT_EVENTS for `event`."""
    return (
        event.id,
        event.alert_id,
        at(event.episode),
        event.transition,
        event.state,
        event.previous_state,
        at(event.instant),
        event.group,
        event.rule,
        event.rule_version,
        event.severity,
        event.message,
        event.value,
        as_json(event.labels),
        event.encode().decode(),
        at(accepted_ms),
    )


def episodes(events: Iterable[AlertEvent]) -> dict[str, Episode]:
    """By episode id, the episodes that `events` say have fired. The first firing and the first resolved event of an
    episode count, in whatever order they come; an alert that was only pending has no row."""
    found: dict[str, Episode] = {}
    for event in events:
        if event.state not in ("firing", "resolved"):
            continue
        identity = episode_id(event.alert_id, event.episode)
        known = found.get(identity, Episode(event, None, None))
        if event.state == "firing" and known.fired is None:
            known = replace(known, told_by=event, fired=event)
        elif event.state == "resolved" and known.resolved is None:
            known = replace(known, resolved=event)
        found[identity] = known
    return found


def episode_row(identity: str, episode: Episode) -> Row:
    """The row of ALERT_LOGS for `episode`."""
    event, fired, resolved = episode.told_by, episode.fired, episode.resolved
    fired_at = fired.instant if fired else event.fired_at or event.episode
    details = {
        "rule_version": event.rule_version,
        "fingerprint": event.fingerprint,
        "threshold": event.threshold,
        "for_ms": event.for_ms,
        "cooldown_ms": event.cooldown_ms,
        "immediate": event.immediate,
        "evidence": event.evidence.model_dump(mode="json", exclude_none=True),
    }
    return (
        identity,
        event.rule,
        event.severity,
        event.message,
        as_json(details),
        at(fired_at),
        at(resolved.instant) if resolved else None,
        event.alert_id,
        at(event.episode),
        event.group,
        as_json(event.labels),
        as_json(event.annotations),
        event.expr,
        event.value if fired else None,
        event.shadow,
        fired.id if fired else None,
        resolved.id if resolved else None,
    )
