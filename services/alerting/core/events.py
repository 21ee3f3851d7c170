"""What is told of a transition: the event, and the alert as it stands."""

from shared.messages.alerts import (
    AlertEvent,
    CurrentAlert,
    Evidence,
    EvidenceSample,
    EvidenceSeries,
    event_id,
    fingerprint,
)
from shared.messages.rules import AlertingRule, RuleGroup
from shared.promql.windows import Windows
from shared.rules.state import Transition

MOST_SERIES = 20
MOST_SAMPLES = 50
LARGEST_EVENT = 64 * 1024
LONGEST_TEXT_WHEN_CUT = 1_024


def evidence(windows: Windows, series: list[str], instant_ms: int, lookback_ms: int) -> Evidence:
    """The samples of these series that an evaluation at the instant saw, newest kept, bounded."""
    shown = []
    origin: tuple[int, int, int] | None = None
    for key in series[:MOST_SERIES]:
        row = windows.rows[key]
        times, values = windows.samples(row, instant_ms - lookback_ms, instant_ms)
        pairs = zip(times[-MOST_SAMPLES:].tolist(), values[-MOST_SAMPLES:].tolist(), strict=True)
        samples = [EvidenceSample(time=time, value=value) for time, value in pairs]
        shown.append(EvidenceSeries(series=key, samples=samples, total_samples=len(times)))
        if origin is None and len(times) and times[-1] == windows.newest[row]:
            partition, offset, accepted = windows.origins[row].tolist()
            origin = (partition, offset, accepted)
    partition, offset, accepted = origin or (None, None, None)
    return Evidence(series=shown, total_series=len(series), partition=partition, offset=offset, accepted_at=accepted)


def event(
    group: RuleGroup, rule: AlertingRule, threshold: float | None, transition: Transition, because: Evidence
) -> AlertEvent:
    """The event of a transition, at most 64 KB: evidence gives way first, then long texts."""
    alert = transition.alert
    full = AlertEvent(
        id=event_id(alert.id, alert.episode_ms, alert.transition),
        alert_id=alert.id,
        fingerprint=fingerprint(alert.labels),
        group=group.name,
        rule=rule.name,
        rule_version=rule.version,
        episode=alert.episode_ms,
        transition=alert.transition,
        state=transition.state,
        previous_state=transition.previous,
        instant=alert.since_ms,
        labels=alert.labels,
        annotations=annotations(rule),
        severity=rule.severity,
        message=message(rule),
        value=alert.value,
        expr=rule.expr,
        threshold=threshold,
        for_ms=rule.for_ms,
        cooldown_ms=rule.cooldown_ms,
        immediate=group.immediate,
        shadow=rule.shadow,
        fired_at=alert.fired_ms,
        evidence=because,
    )
    return _bounded(full)


def current(group: RuleGroup, rule: AlertingRule, told: AlertEvent) -> CurrentAlert | None:
    """The alert as it stands after `told`; None: it is over."""
    if told.state not in ("pending", "firing"):
        return None
    return CurrentAlert(
        alert_id=told.alert_id,
        fingerprint=told.fingerprint,
        group=group.name,
        rule=rule.name,
        rule_version=told.rule_version,
        episode=told.episode,
        state=told.state,
        since=told.instant,
        fired_at=told.fired_at,
        labels=told.labels,
        annotations=told.annotations,
        severity=told.severity,
        message=told.message,
        value=told.value,
        expr=told.expr,
        shadow=told.shadow,
        last_event_id=told.id,
        last_transition=told.transition,
    )


def message(rule: AlertingRule) -> str:
    """What people read. The place where templates are expanded once the language has them."""
    return rule.message


def annotations(rule: AlertingRule) -> dict[str, str]:
    """The annotations. The place where templates are expanded once the language has them."""
    return rule.annotations


def _bounded(full: AlertEvent) -> AlertEvent:
    if _fits(full):
        return full
    # Fewer samples each, then none; the totals still say how many there were.
    for samples in (10, 1, 0):
        thinner = [
            one.model_copy(update={"samples": one.samples[-samples:] if samples else []})
            for one in full.evidence.series
        ]
        full = full.model_copy(update={"evidence": full.evidence.model_copy(update={"series": thinner})})
        if _fits(full):
            return full
    cut = {name: text[:LONGEST_TEXT_WHEN_CUT] for name, text in full.annotations.items()}
    full = full.model_copy(update={"annotations": cut, "message": full.message[:LONGEST_TEXT_WHEN_CUT]})
    if _fits(full):
        return full
    return full.model_copy(update={"annotations": {}, "evidence": full.evidence.model_copy(update={"series": []})})


def _fits(one: AlertEvent) -> bool:
    return len(one.encode()) <= LARGEST_EVENT
