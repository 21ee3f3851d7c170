"""A receiver is tried because somebody asked: a message that says so, and no alert."""

from collections.abc import Iterable

from services.notifier.core.destinations import Destination
from services.notifier.core.notice import NoticedAlert
from services.notifier.core.planned import Planned, planned
from shared.messages.alerts import AlertEvent, alert_id, fingerprint
from shared.messages.notification_requests import NotificationRequest

LONGEST_WAIT_MS = 60_000
GROUP = "pantau-test"
RULE = "pantau_test"


def trials(request: NotificationRequest, destinations: Iterable[Destination], now_ms: int) -> list[Planned]:
    """The notices that `request` asks for, each with the same id whenever it is made; none if it is too old."""
    if now_ms - request.at > LONGEST_WAIT_MS:
        return []
    event = _event(request)
    return [
        planned(one, f"test/{request.id}", {}, [NoticedAlert(event, "firing")], "test", now_ms) for one in destinations
    ]


def _event(request: NotificationRequest) -> AlertEvent:
    labels = {"alertname": RULE, "receiver": request.receiver, "severity": "info"}
    return AlertEvent(
        id=request.id,
        alert_id=alert_id(GROUP, RULE, labels),
        fingerprint=fingerprint(labels),
        group=GROUP,
        rule=RULE,
        rule_version="1",
        episode=request.at,
        transition=1,
        state="firing",
        previous_state="inactive",
        instant=request.at,
        labels=labels,
        severity="info",
        message=f"Pesan percobaan untuk {request.receiver}, diminta oleh {request.by}. "
        f"A test message to {request.receiver}, asked for by {request.by}.",
        value=0.0,
        expr="",
        fired_at=request.at,
    )
