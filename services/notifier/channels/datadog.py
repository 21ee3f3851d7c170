"""Channel `datadog`: an event for each notice, through the API v1."""

import asyncio
from typing import Annotated

from pydantic import Field

from services.notifier.channels import Channel, ChannelSettings, Context, Kind, Payload
from services.notifier.channels.accounts import DatadogAccount
from services.notifier.channels.http import Http, json_body
from services.notifier.channels.templated import Template
from services.notifier.core.cutting import cut
from services.notifier.core.expanding import filled
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Outcome, Retry
from services.notifier.core.text import text, title
from services.notifier.core.wording import Wording
from shared.messages.alerts import Severity
from shared.messages.message import content_id

PATH = "/api/v1/events"
LONGEST_TITLE, LONGEST_TEXT, LONGEST_TAG = 100, 4_000, 200
MOST_TAGS = 100
# Older events are refused; an end that was told late is then one of the time at which it is told.
OLDEST_MS = 17 * 3_600_000
ALERT_TYPES = {"critical": "error", "warning": "warning", "info": "info"}
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


class DatadogSettings(ChannelSettings, DatadogAccount):
    """One of `datadog_configs`."""

    title: Template | None = None
    """The event's title, as a template; absent: Pantau's own."""
    text: Template | None = None
    """Its text likewise."""
    tags: list[Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]] = []
    """Added to each event, e.g. `env:production`."""


def render(notice: Notice, settings: DatadogSettings, wording: Wording) -> Payload:
    """The event. What came from labels mentions nobody: Datadog would notify whom an @ names."""
    events = [one.event for one in notice.firing or notice.alerts]
    worst = min((one.severity for one in events), key=SEVERITIES.index)
    happened_ms = max(one.event.instant for one in notice.alerts)
    if happened_ms < notice.planned_ms - OLDEST_MS:
        happened_ms = notice.planned_ms
    tags = [f"{name}:{value}"[:LONGEST_TAG] for name, value in notice.common_labels.items() if value]
    own = [*settings.tags, "source:pantau", f"status:{notice.status}", f"severity:{worst}"]
    return {
        "title": _unmentioned(filled(settings.title, notice, wording, lambda: title(notice, wording)), LONGEST_TITLE),
        "text": _unmentioned(
            filled(settings.text, notice, wording, lambda: text(notice, wording, LONGEST_TEXT)), LONGEST_TEXT
        ),
        "tags": list(dict.fromkeys([*own, *tags]))[:MOST_TAGS],
        "date_happened": happened_ms // 1000,
        "alert_type": ALERT_TYPES[worst] if notice.status == "firing" else "success",
        "priority": "low" if worst == "info" else "normal",
        "aggregation_key": content_id(notice.group_key),
        "source_type_name": "pantau",
    }


class Datadog:
    """Posts to one organisation."""

    kind = "datadog"
    deduplicates = False

    def __init__(self, settings: DatadogSettings, wording: Wording) -> None:
        self._settings, self._wording = settings, wording
        self._http = Http(settings.http_config, settings.timeout)

    def render(self, notice: Notice) -> Payload:
        """The event."""
        return render(notice, self._settings, self._wording)

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One request."""
        try:
            headers = await asyncio.to_thread(self._settings.headers)
        except ValueError as error:
            return Retry("credentials", str(error))
        return await self._http.post(
            self._settings.url(PATH), json_body(payload), headers | {"Content-Type": "application/json"}
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _unmentioned(text: str, limit: int) -> str:
    return cut(text.replace("@", "@\u200b"), limit)


def _make(settings: DatadogSettings, destination: str, context: Context) -> Channel:
    return Datadog(settings, context.wording)


KIND = Kind(DatadogSettings, _make, from_global={"http_config": "http_config"})
