"""Channel `pagerduty`: the Events API v2, one incident a group; with Alertmanager's `pagerduty_configs` fields."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, model_validator

from services.notifier.channels import Payload
from services.notifier.channels.http_settings import check_url
from services.notifier.channels.posting import PostingSettings, Request, Service, kind, without_nothing
from services.notifier.channels.templated import Template
from services.notifier.core.composing import severity
from services.notifier.core.cutting import cut
from services.notifier.core.expanding import filled
from services.notifier.core.notice import Notice
from services.notifier.core.text import text, title
from services.notifier.core.wording import Wording
from shared.messages.message import content_id, instant_to_text
from shared.secret_values import secret_of
from shared.settings import Section

LONGEST_SUMMARY, LONGEST_TEXT, LONGEST_DETAIL = 1_024, 8_000, 4_000
SEVERITIES = ("critical", "error", "warning", "info")


class PagerdutyImage(Section):
    """A picture in the incident."""

    src: Template
    href: Template = ""
    alt: Template = ""


class PagerdutyLink(Section):
    """A link in the incident."""

    href: Template
    text: Template = ""


class PagerdutySettings(PostingSettings):
    """One of `pagerduty_configs`."""

    routing_key: SecretStr | None = None
    """The integration key of the Events API v2. This or `routing_key_file`."""
    routing_key_file: Path | None = None
    url: str = "https://events.pagerduty.com/v2/enqueue"
    client: Template = "Pantau"
    client_url: Template | None = None
    """Absent: the alert's page."""
    description: Template | None = None
    """Absent: Pantau's title."""
    severity: Template | None = None
    """Absent: the alert's."""
    details: dict[str, Template] = {}
    """Added to what Pantau says of the alerts."""
    source: Template | None = None
    """Absent: this Pantau's URL."""
    component: Template = ""
    group: Template = ""
    class_: Annotated[Template, Field(alias="class")] = ""
    images: Annotated[list[PagerdutyImage], Field(max_length=10)] = []
    links: Annotated[list[PagerdutyLink], Field(max_length=10)] = []

    @model_validator(mode="before")
    @classmethod
    def _is_of_version_2(cls, values: Any) -> Any:
        if isinstance(values, dict) and ("service_key" in values or "service_key_file" in values):
            raise ValueError("service_key is of the Events API v1, which is not spoken: use routing_key")
        return values

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        check_url("url", self.url)
        self.key()
        return self

    def key(self) -> str:
        """The routing key. ValueError without one."""
        found = secret_of("routing_key", self.routing_key, self.routing_key_file)
        if found is None:
            raise ValueError("needs routing_key or routing_key_file")
        return found


def render(notice: Notice, settings: PagerdutySettings, wording: Wording) -> Payload:
    """The event, but for the routing key. All notices of a group are about one incident."""

    def of(template: str) -> str:
        return filled(template, notice, wording, str)

    own = wording.of(notice)
    key = content_id("pagerduty", notice.receiver, notice.group_key)
    if notice.status == "resolved":
        return {"event_action": "resolve", "dedup_key": key}
    first = notice.firing[0].event
    url = own.alert_url(first) if len(notice.alerts) == 1 else f"{own.external_url}/alerts"
    grave = filled(settings.severity, notice, wording, lambda: severity(notice)).lower()
    details = {"text": text(notice, wording, LONGEST_TEXT), **notice.common_labels}
    details |= {name: of(template) for name, template in settings.details.items()}
    payload = {
        "summary": cut(filled(settings.description, notice, wording, lambda: title(notice, wording)), LONGEST_SUMMARY),
        "source": filled(settings.source, notice, wording, lambda: own.external_url) or own.external_url,
        "severity": grave if grave in SEVERITIES else "error",
        "timestamp": instant_to_text(first.instant),
        "component": of(settings.component),
        "group": of(settings.group),
        "class": of(settings.class_),
        "custom_details": {name: cut(value, LONGEST_DETAIL) for name, value in details.items() if value}
        | {"text": details["text"]},
    }
    images = [{name: of(value) for name, value in one.model_dump().items()} for one in settings.images]
    links = [{name: of(value) for name, value in one.model_dump().items()} for one in settings.links]
    body = {
        "event_action": "trigger",
        "dedup_key": key,
        "client": of(settings.client),
        "client_url": filled(settings.client_url, notice, wording, lambda: url),
        "payload": without_nothing(payload),
        "images": [without_nothing(one) for one in images if one["src"]],
        "links": [without_nothing(one) for one in links if one["href"]],
    }
    return without_nothing(body)


def request(settings: PagerdutySettings, payload: Payload) -> Request:
    """Where it goes, and with which key."""
    return Request(settings.url, body={"routing_key": settings.key()})


# The same event under the same key is the same incident, however often it comes.
KIND = kind(Service("pagerduty", True, render, request), PagerdutySettings, {"pagerduty_url": "url"})
