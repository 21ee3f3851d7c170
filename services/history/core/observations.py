"""Rows of health results, request logs, deliveries and audit entries: one a message or entry, named by its own id."""

from collections.abc import Iterable, Iterator

import msgspec

from services.history.core.instants import at
from services.history.core.tables import Row
from shared.messages.audit import AuditEntry
from shared.messages.health import HealthResult
from shared.messages.notifications import Notification
from shared.messages.requests import RequestLogBatch


def health_row(result: HealthResult) -> Row:
    """The row of HEALTH_CHECK_RESULTS for `result`."""
    return (
        result.check,
        result.kind,
        result.status,
        result.response_time_ms,
        as_json(result.details),
        at(result.checked_at),
        at(result.valid_until),
    )


def request_rows(batch: RequestLogBatch) -> list[Row]:
    """The rows of API_PERFORMANCE_LOGS for `batch`, in its order."""
    return [
        (
            request.id,
            batch.source,
            request.method,
            request.route,
            request.status_code,
            request.response_time_ms,
            request.request_size,
            request.response_size,
            request.user_agent,
            None if request.ip_address is None else str(request.ip_address),
            at(request.timestamp),
        )
        for request in batch.requests
    ]


def notification_rows(notifications: Iterable[Notification]) -> list[Row]:
    """The rows of NOTIFICATION_LOG for steps of deliveries, each once: one for each alert that a step tells. Of what
    held an alert back the last end counts, in whatever order it and the beginning come: they are one row."""
    found: dict[tuple[object, ...], Row] = {}
    for notification in notifications:
        muting = notification.alerts[0] if notification.muted_by and notification.alerts else None
        for row in _rows(notification):
            key = (*row[:4], row[13])
            if key not in found or (muting is not None and muting.muted_until is not None):
                found[key] = row
    return list(found.values())


def _rows(notification: Notification) -> Iterator[Row]:
    told: list[tuple[str, str, str | None]] = [(one.event_id, one.alert_id, one.status) for one in notification.alerts]
    since = until = None
    if notification.muted_by and notification.alerts and notification.alerts[0].muted_since is not None:
        since, until = notification.alerts[0].muted_since, notification.alerts[0].muted_until
        told = [(notification.event_id, notification.alert_id, "firing")]  # the end names the alert's end
    for event, alert, status in told or [(notification.event_id, notification.alert_id, None)]:
        yield (
            notification.id,
            notification.state,
            notification.attempt,
            event,
            alert,
            notification.receiver,
            notification.channel,
            at(notification.at),
            notification.reason,
            notification.latency_ms,
            notification.destination,
            notification.occasion,
            status,
            as_json(notification.muted_by),
            None if since is None else at(since),
            None if until is None else at(until),
            as_json(notification.untold),
        )


def audit_row(entry: AuditEntry) -> Row:
    """The row of AUDIT_LOG for `entry`; api may have written it already, in the transaction of the change itself."""
    return (
        entry.id,
        at(entry.at),
        entry.actor,
        entry.action,
        entry.subject,
        entry.address,
        None if entry.before is None else as_json(entry.before),
        None if entry.after is None else as_json(entry.after),
    )


def as_json(value: object) -> str:
    """JSON text of decoded JSON. NaN and infinities, which JSON has not, become null."""
    return msgspec.json.encode(value).decode()
