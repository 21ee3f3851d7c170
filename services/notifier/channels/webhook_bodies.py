"""What a webhook is told: Alertmanager's JSON, or Pantau's own. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from services.notifier.core.notice import Held, Notice, NoticedAlert
from services.notifier.core.postable import Outside, generator_url
from shared.messages.message import instant_to_text

ALERTMANAGER_VERSION = "4"
PANTAU_VERSION = 1
# Go's zero time, which Alertmanager says while an alert fires.
NO_TIME = "0001-01-01T00:00:00Z"


def alertmanager_body(notice: Notice, outside: Outside, max_alerts: int = 0) -> dict[str, Any]:
    """The body of Alertmanager's webhooks, version 4; at most `max_alerts` alerts, if that is not 0."""
    shown = notice.alerts[: max_alerts or None]
    return {
        "receiver": notice.receiver,
        "status": notice.status,
        "alerts": [_alertmanager_alert(one, outside) for one in shown],
        "groupLabels": dict(notice.group_labels),
        "commonLabels": notice.common_labels,
        "commonAnnotations": notice.common_annotations,
        "externalURL": outside.url,
        "version": ALERTMANAGER_VERSION,
        "groupKey": notice.group_key,
        "truncatedAlerts": len(notice.alerts) - len(shown) + notice.merged,
    }


def pantau_body(notice: Notice) -> dict[str, Any]:
    """All that Pantau knows. It only grows; `version` rises if a field ever changes."""
    recipient = notice.recipient
    return {
        "version": PANTAU_VERSION,
        "notification_id": notice.id,
        "receiver": notice.receiver,
        "recipient": None if recipient is None else {"id": recipient.id, "name": recipient.name},
        "occasion": notice.occasion,
        "status": notice.status,
        "group_key": notice.group_key,
        "group_labels": dict(notice.group_labels),
        "planned_at": instant_to_text(notice.planned_ms),
        "muted": dict(notice.muted),
        "merged": notice.merged,
        "alerts": [_pantau_alert(one) for one in notice.alerts],
    }


def finite(value: float) -> float | str:
    """JSON has no NaN or infinity; they travel as strings, as on the bus."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _alertmanager_alert(one: NoticedAlert, outside: Outside) -> dict[str, Any]:
    event = one.event
    began = event.episode if event.fired_at is None else event.fired_at
    return {
        "status": "firing" if one.status == "firing" else "resolved",
        "labels": _filled(event.labels),
        "annotations": dict(event.annotations),
        "startsAt": instant_to_text(began),
        "endsAt": NO_TIME if one.status == "firing" else instant_to_text(event.instant),
        "generatorURL": generator_url(event.expr, outside),
        "fingerprint": event.fingerprint,
    }


def _pantau_alert(one: NoticedAlert) -> dict[str, Any]:
    event = one.event
    return {
        "status": one.status,
        "event_id": event.id,
        "alert_id": event.alert_id,
        "fingerprint": event.fingerprint,
        "group": event.group,
        "rule": event.rule,
        "rule_version": event.rule_version,
        "severity": event.severity,
        "message": event.message,
        "labels": event.labels,
        "annotations": event.annotations,
        "value": finite(event.value),
        "expr": event.expr,
        "held": None if one.held is None else _held(one.held),
        "threshold": None if event.threshold is None else finite(event.threshold),
        "times": {
            "episode": instant_to_text(event.episode),
            "fired_at": None if event.fired_at is None else instant_to_text(event.fired_at),
            "resolved_at": None if one.status == "firing" else instant_to_text(event.instant),
            "instant": instant_to_text(event.instant),
            "late_ms": event.late_ms,
        },
    }


def _held(held: Held) -> dict[str, Any]:
    since, until = instant_to_text(held.since_ms), instant_to_text(held.until_ms)
    return {"by": list(held.by), "since": since, "until": until}


def _filled(labels: Mapping[str, str]) -> dict[str, str]:
    """As Alertmanager knows no label without a value."""
    return {name: value for name, value in labels.items() if value}
