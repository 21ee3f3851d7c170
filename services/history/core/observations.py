"""Rows of health results, request logs, deliveries and audit entries: one a message or entry, named by its own id."""

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


def notification_rows(notification: Notification) -> list[Row]:
    """The rows of NOTIFICATION_LOG for one step of a delivery: one for each alert that it tells."""
    told: list[tuple[str, str, str | None]] = [(one.event_id, one.alert_id, one.status) for one in notification.alerts]
    return [
        (
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
        )
        for event, alert, status in told or [(notification.event_id, notification.alert_id, None)]
    ]


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
