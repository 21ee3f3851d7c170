"""Channel `log`: one structured line in the notifier's log for each notification."""

import logging

import structlog

from services.notifier.channels import Payload
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome
from shared.messages.message import instant_to_text
from shared.settings import Section


class LogChannelSettings(Section):
    """`log: {}`; there is nothing to choose."""


def render(notice: Notice) -> Payload:
    """The fields of the line."""
    event = notice.alerts[0].event
    return {
        "notification_id": notice.id,
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

    def __init__(self, receiver: str) -> None:
        self._receiver = receiver
        lines = logging.getLogger("pantau.notifications")
        # A notification is said whatever `log.level` is: that setting is about the program's own talk.
        lines.setLevel(logging.INFO)
        self._log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
            lines, wrapper_class=structlog.stdlib.BoundLogger
        )

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """Write the line."""
        self._log.info("alert", receiver=self._receiver, **payload)
        return Delivered()

    async def close(self) -> None:
        """Nothing to let go of."""
