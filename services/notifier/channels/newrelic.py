"""Channel `newrelic`: an event for each alert of a notice, through the Event API."""

import asyncio
import re
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from services.notifier.channels import Channel, ChannelSettings, Context, Kind, Payload
from services.notifier.channels.accounts import NewRelicAccount
from services.notifier.channels.http import Http, json_body
from services.notifier.channels.webhook_bodies import finite
from services.notifier.core.notice import Notice, NoticedAlert
from services.notifier.core.outcomes import Outcome, Retry
from services.notifier.core.wording import Wording

# What the Event API takes; a notice of more alerts says how many it had.
MOST_ALERTS, MOST_LABELS = 300, 200
LONGEST_NAME, LONGEST_VALUE_BYTES = 255, 4_096
_UNFIT = re.compile(r"[^A-Za-z0-9_:.]")


class NewRelicSettings(ChannelSettings, NewRelicAccount):
    """One of `newrelic_configs`."""

    event_type: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_:]{0,254}$")] = "PantauAlert"
    """What the events are called in queries: `FROM PantauAlert SELECT …`."""

    @model_validator(mode="after")
    def _knows_the_account(self) -> Self:
        if self.account_id is None:
            raise ValueError("needs account_id")
        return self


def render(notice: Notice, settings: NewRelicSettings, wording: Wording) -> Payload:
    """The events."""
    return {"events": [_event(one, notice, settings, wording) for one in notice.alerts[:MOST_ALERTS]]}


class NewRelic:
    """Posts to one account."""

    kind = "newrelic"
    deduplicates = False

    def __init__(self, settings: NewRelicSettings, wording: Wording) -> None:
        self._settings, self._wording = settings, wording
        self._http = Http(settings.http_config, settings.timeout)

    def render(self, notice: Notice) -> Payload:
        """The events."""
        return render(notice, self._settings, self._wording)

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One request."""
        try:
            headers = await asyncio.to_thread(self._settings.headers)
        except ValueError as error:
            return Retry("credentials", str(error))
        body = json_body(payload["events"])
        return await self._http.post(self._settings.events_url(), body, headers | {"Content-Type": "application/json"})

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _event(one: NoticedAlert, notice: Notice, settings: NewRelicSettings, wording: Wording) -> dict[str, Any]:
    event = one.event
    labels = {f"label.{_UNFIT.sub('_', name)}"[:LONGEST_NAME]: value for name, value in event.labels.items()}
    own: dict[str, Any] = {
        "eventType": settings.event_type,
        "timestamp": event.instant,
        "status": one.status,
        "severity": event.severity,
        "rule": event.rule,
        "ruleGroup": event.group,
        "message": event.message,
        "value": finite(event.value),
        "expr": event.expr,
        "alertId": event.alert_id,
        "fingerprint": event.fingerprint,
        "startedAt": event.episode if event.fired_at is None else event.fired_at,
        "occasion": notice.occasion,
        "receiver": notice.receiver,
        "groupKey": notice.group_key,
        "notificationId": notice.id,
        "alertsInNotification": len(notice.alerts) + notice.merged,
        "url": wording.alert_url(event),
    }
    shown = dict(sorted(labels.items())[:MOST_LABELS])
    return {name: _fitting(value) for name, value in (own | shown).items()}


def _fitting(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.encode()[:LONGEST_VALUE_BYTES].decode(errors="ignore")


def _make(settings: NewRelicSettings, destination: str, context: Context) -> Channel:
    return NewRelic(settings, context.wording)


KIND = Kind(NewRelicSettings, _make, from_global={"http_config": "http_config"})
