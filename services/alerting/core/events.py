"""What is told of a transition: the event, and the alert as it stands."""

from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent, CurrentAlert, event_id, fingerprint
from shared.messages.rules import RuleGroup
from shared.rules.rule import Decision

LARGEST_EVENT = 64 * 1024
LONGEST_TEXT_WHEN_CUT = 1_024
# Bytes of JSON at most: what is neither text nor evidence, a character, a series and a sample of the evidence.
LARGEST_REST = 2_048
LARGEST_CHARACTER = 6
LARGEST_SERIES = 160
LARGEST_SAMPLE = 96


def event(group: RuleGroup, threshold: float | None, decision: Decision, decided_ms: int, terms: Terms) -> AlertEvent:
    """The event of a transition, at most 64 KB: evidence gives way first, then long texts.

    `decided_ms`: when the bus had accepted what let the instant be evaluated.
    """
    rule, alert, state = decision.rule, decision.transition.alert, decision.transition.state
    late = decided_ms - alert.since_ms
    full = AlertEvent(
        id=event_id(alert.id, alert.episode_ms, alert.transition),
        alert_id=alert.id,
        fingerprint=fingerprint(alert.labels),
        group=group.name,
        rule=rule.name,
        rule_version=rule.version,
        group_version=group.version,
        episode=alert.episode_ms,
        transition=alert.transition,
        state=state,
        previous_state=decision.transition.previous,
        instant=alert.since_ms,
        decided_at=decided_ms,
        late_ms=late if late > terms.told_late_after_ms else 0,
        labels=alert.labels,
        annotations=decision.annotations,
        severity=rule.severity,
        message=decision.message,
        value=alert.value,
        expr=rule.expr,
        threshold=threshold,
        for_ms=rule.for_ms,
        cooldown_ms=rule.cooldown_ms,
        immediate=group.immediate,
        shadow=rule.shadow,
        fired_at=alert.fired_ms,
        evidence=decision.evidence,
    )
    return _bounded(full)


def current(told: AlertEvent) -> CurrentAlert | None:
    """The alert as it stands after `told`; None: it is over."""
    if told.state not in ("pending", "firing"):
        return None
    return CurrentAlert(
        alert_id=told.alert_id,
        fingerprint=told.fingerprint,
        group=told.group,
        rule=told.rule,
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


def _bounded(full: AlertEvent) -> AlertEvent:
    if _surely_fits(full) or _fits(full):
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


def _surely_fits(one: AlertEvent) -> bool:
    """Whether even the longest way of writing it is short enough: that is nearly always so, and soon found out."""
    texts = [one.group, one.rule, one.message, one.expr]
    texts += [text for pair in (*one.labels.items(), *one.annotations.items()) for text in pair]
    texts += [series.series for series in one.evidence.series]
    samples = sum(len(series.samples) for series in one.evidence.series)
    return (
        LARGEST_REST
        + LARGEST_CHARACTER * sum(map(len, texts))
        + LARGEST_SERIES * len(one.evidence.series)
        + LARGEST_SAMPLE * samples
    ) <= LARGEST_EVENT


def _fits(one: AlertEvent) -> bool:
    return len(one.encode()) <= LARGEST_EVENT
