"""Alerts that fire for longer than the bus keeps its events: `pantau.alerts.state` still has them."""

from shared.messages.alerts import AlertEvent, CurrentAlert

RENEW_MS = 7 * 24 * 3_600_000
"""How old the ledger's word that somebody knows of an alert may become before it is written once more: the bus keeps it
for 30 days."""


def event_of(current: CurrentAlert) -> AlertEvent:
    """The event by which an alert fires, as far as its state tells: without evidence, and without what only mattered
    when it began."""
    return AlertEvent(
        id=current.last_event_id,
        alert_id=current.alert_id,
        fingerprint=current.fingerprint,
        group=current.group,
        rule=current.rule,
        rule_version=current.rule_version,
        episode=current.episode,
        transition=current.last_transition,
        state=current.state,
        previous_state="pending",
        instant=current.since,
        labels=current.labels,
        annotations=current.annotations,
        severity=current.severity,
        message=current.message,
        value=current.value,
        expr=current.expr,
        shadow=current.shadow,
        fired_at=current.fired_at,
    )
