"""Channels that are one request of JSON: what they have in common."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from services.notifier.channels import Channel, ChannelSettings, Context, Kind, Payload
from services.notifier.channels.http import Http, Judge, json_body, verdict
from services.notifier.channels.http_settings import HttpConfig, Timeout
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Outcome, Permanent, Retry
from services.notifier.core.wording import Wording


class PostingSettings(ChannelSettings):
    """What each of these channels may be told."""

    http_config: HttpConfig = HttpConfig()
    """Certificates, a proxy, further headers."""
    timeout: Timeout = 10.0
    """For one request."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. It holds secrets, so it is made for each attempt and never logged."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    """What of it is secret, or in a file: added to what was rendered."""


S = TypeVar("S", bound=PostingSettings)


@dataclass(frozen=True, slots=True)
class Service(Generic[S]):
    """One sort of receiver."""

    kind: str
    deduplicates: bool
    render: Callable[[Notice, S, Wording], Payload]
    """The body; with a key `problem` it can't be sent, and that says why. Keys that begin with _ are for `request`."""
    request: Callable[[S, Payload], Request]
    """Where it goes. ValueError naming a file that can't be read."""
    judge: Judge = verdict


class Poster(Generic[S]):
    """Posts to one receiver."""

    def __init__(self, service: Service[S], settings: S, wording: Wording) -> None:
        self._service, self._settings, self._wording = service, settings, wording
        self.kind, self.deduplicates = service.kind, service.deduplicates
        self._http = Http(settings.http_config, settings.timeout)

    def render(self, notice: Notice) -> Payload:
        """The body."""
        return self._service.render(notice, self._settings, self._wording)

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One request."""
        if "problem" in payload:
            return Permanent(payload["problem"], "there is nobody to send to")
        try:
            asked = await asyncio.to_thread(self._service.request, self._settings, payload)
        except ValueError as error:
            return Retry("credentials", str(error))
        body = {name: value for name, value in payload.items() if not name.startswith("_")}
        body |= asked.body
        headers = {**asked.headers, "Content-Type": "application/json"}
        return await self._http.post(asked.url, json_body(body), headers, self._service.judge)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def kind(service: Service[Any], settings: type[PostingSettings], from_global: Mapping[str, str]) -> Kind:
    """What the registry holds of `service`."""

    def make(chosen: Any, destination: str, context: Context) -> Channel:
        return Poster(service, chosen, context.wording)

    return Kind(settings, make, {"http_config": "http_config", **from_global})


def without_nothing(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` without what is empty: providers take a field that is there for one that is meant."""
    return {name: value for name, value in body.items() if value not in (None, "", [], {})}
