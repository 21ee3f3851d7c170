"""Alert events for tests of the notifier."""

from services.notifier.core.notice import Notice, NoticedAlert
from shared.messages.alerts import AlertEvent, State, alert_id, event_id, fingerprint

STATES: tuple[State, ...] = ("inactive", "pending", "firing", "resolved")


def alert_event(rule: str, transition: int, state: State, instant: int, episode: int, **changes: object) -> AlertEvent:
    """Transition number `transition` of the alert that `rule` has."""
    labels = {"alertname": rule, "type": "business"}
    alert = alert_id("group", rule, labels)
    event = AlertEvent(
        id=event_id(alert, episode, transition),
        alert_id=alert,
        fingerprint=fingerprint(labels),
        group="group",
        rule=rule,
        rule_version="1",
        episode=episode,
        transition=transition,
        state=state,
        previous_state="firing" if state == "resolved" else "inactive",
        instant=instant,
        labels=labels,
        severity="warning",
        message="Metrik melewati batas",
        value=123.0,
        expr="custom_metric > 100",
        threshold=100.0,
        fired_at=episode if state in ("firing", "resolved") else None,
    )
    return event.model_copy(update=changes)


def notice_of(event: AlertEvent, identity: str = "id", receiver: str = "ops") -> Notice:
    """`event` as all that a receiver is told."""
    told = NoticedAlert(event, "firing" if event.state == "firing" else "resolved")
    return Notice(identity, receiver, "change", f"{{}}:{{alertname={event.rule!r}}}", {}, (told,), event.instant)
