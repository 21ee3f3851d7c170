"""Channel `log`: one structured line in the notifier's log for each alert of a notification."""

import logging
from typing import Any

import structlog

from services.notifier.channels import ChannelSettings, Context, Kind, Payload
from services.notifier.core.notice import Notice, NoticedAlert
from services.notifier.core.outcomes import Delivered, Outcome
from shared.messages.message import instant_to_text


class LogChannelSettings(ChannelSettings):
    """One entry of `log_configs`: `{}`, for there is nothing to choose."""


def render(notice: Notice) -> Payload:
    """The fields that all lines have, and those of each line: one an alert."""
    shared: dict[str, Any] = {
        "receiver": notice.receiver,
        "notification_id": notice.id,
        "occasion": notice.occasion,
        "group_key": notice.group_key,
    }
    if notice.muted:
        shared["muted"] = dict(notice.muted)
    return {"shared": shared, "alerts": [_fields(one) for one in notice.alerts]}


def _fields(alert: NoticedAlert) -> dict[str, Any]:
    event = alert.event
    return {
        "status": alert.status,
        "event_id": event.id,
        "alert_id": event.alert_id,
        "rule": event.rule,
        "state": event.state,
        "severity": event.severity,
        "message": event.message,
        "value": event.value,
        "labels": event.labels,
        "instant": instant_to_text(event.instant),
        **({"late_ms": event.late_ms} if event.late_ms else {}),
    }


class LogChannel:
    """Writes to the logger `pantau.notifications`."""

    kind = "log"
    deduplicates = False
    render = staticmethod(render)

    def __init__(self, destination: str) -> None:
        self._destination = destination
        lines = logging.getLogger("pantau.notifications")
        # A notification is said whatever `log.level` is: that setting is about the program's own talk.
        lines.setLevel(logging.INFO)
        self._log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
            lines, wrapper_class=structlog.stdlib.BoundLogger
        )

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """Write the lines."""
        for alert in payload["alerts"]:
            self._log.info("alert", destination=self._destination, **payload["shared"], **alert)
        return Delivered()

    async def close(self) -> None:
        """Nothing to let go of."""


def _make(settings: LogChannelSettings, destination: str, context: Context) -> LogChannel:
    return LogChannel(destination)


KIND = Kind(LogChannelSettings, _make)
